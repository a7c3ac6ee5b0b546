# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of an account that was there before and was joined. Pure.

It gets groups that it lacks, the mark, a key file and sudo rules; it loses exactly these. Nothing else of it
is changed: no shell, password, expiry, ageing or home, and it is neither locked nor removed.
"""

from __future__ import annotations

from ..contract import names
from ..contract.document import JOIN
from ..contract.typed import TYPE_CHECKING
from ..facts.host import AccountFacts
from ..record import entries, rights
from ..record import ledger as ledgers
from ..record.ledger import Joined, LedgerAccount, LedgerGrant, Tombstone
from ..record.merge import RefusedGrant, WantedAccount
from .changes import with_changes
from .joined_refusals import why_not_join, why_shut
from .ours import possible, takes_away
from .shortening import only_present
from .steps import Step, lines_of
from .values import AccountPlan, Context, for_joined

if TYPE_CHECKING:
    from typing import Mapping

    Grants = Mapping[str, LedgerGrant]


def plan_joined(
    want: WantedAccount, known: LedgerAccount | None, account: AccountFacts, context: Context
) -> AccountPlan:
    """Over what it keeps to what it should have, as for an account of ours; or forget it.

    Args:
        known: Its entry in the ledger, None where it isn't joined yet.
    """
    if known is not None and (account.passwd is None or account.passwd.uid != known.uid):
        return _plan_gone(want, known, account, context)
    before = known or _blank(want, account)
    live = {key: grant for key, grant in before.grants.items() if grant.live}
    grants, refused, stones = _kept(want, before, live, account, context)
    middle = rights.common(live, grants)
    end, more = _growth(want, known, grants, middle, context)
    if known is None and not end:
        return AccountPlan(want.name, want.uid, refused=(*refused, *more))
    shrinks = rights.less_than(middle, live) or before.pending == "close"
    taken, cleared = _closing(before, account, middle, False, context)
    # What a run that was cut off had given and couldn't prove may have been used.
    shrinks = shrinks or bool(
        before.pending and (takes_away(taken, account, cleared) or set(before.grants) - set(end))
    )
    close, after = _closing(before, account, middle, shrinks, context)
    given = set(before.groups) | (rights.groups_of(end) - _held(account, context))
    entry = entries.intended(want, account.home, end, "close" if shrinks else "open", before, context.now)
    entry = entry._replace(joined=_joined(want, before, live, end, account))
    done = entries.proven(entry, end)._replace(groups=_among(given, end))
    undone = entries.undone(entry, middle, before, context.now)._replace(groups=_among(given, middle))
    forgotten = want.remove and not end
    return with_changes(
        AccountPlan(
            want.name,
            before.uid,
            close=close,
            open=_opening(after, middle, end, context),
            middle=middle,
            end=end,
            intent=entries.unproven(entry, middle)._replace(groups=tuple(sorted(given))),
            done=None if forgotten else done,
            undone=None if known is None else undone,
            state_before="existing" if known is None else "active" if live else "closed",
            state="removed" if forgotten else "active" if end else "closed",
            refused=(*refused, *more),
            warnings=_warnings(want, live, stones, account, end, context),
            stones=stones,
            joined=for_joined(before, account, middle, context),
        ),
        live,
        account,
    )


def _blank(want: WantedAccount, account: AccountFacts) -> LedgerAccount:
    return LedgerAccount(
        uid=want.uid,
        comment=want.comment,
        shell=want.shell,
        home=account.home,
        home_on_removal=want.home_on_removal,
        user_cleanup_days=want.user_cleanup_days,
        pending="",
        grants={},
        groups=(),
        closed_at=None,
        joined=Joined("", 0, "", want.join_without_log),
    )


def _kept(
    want: WantedAccount, before: LedgerAccount, live: Grants, account: AccountFacts, context: Context
) -> tuple[Grants, list[RefusedGrant], dict[str, Tombstone]]:
    """The wanted grants, or none where somebody took the mark away or the administrator shut the account."""
    if live and names.GROUP_JOINED not in account.groups:
        sentence = f"{want.name} was taken out of the group {names.GROUP_JOINED}; it was closed"
        ends = {**live, **want.grants}
        stones = {key: Tombstone(grant.not_after, ledgers.CAUSE_MEMBERSHIP) for key, grant in ends.items()}
        return {}, _refuse(want, want.grants, "membership_lost", sentence), stones
    shut = why_shut(want.name, account, context.now) if live else None
    if shut is not None:
        return {}, _refuse(want, want.grants, *shut), {}
    return want.grants, list(want.refused), {}


def _refuse(
    want: WantedAccount, grants: Grants, code: str, sentence: str, hint: str = ""
) -> list[RefusedGrant]:
    return [*want.refused, *(RefusedGrant(key, code, sentence, hint) for key in grants)]


def _growth(
    want: WantedAccount, known: LedgerAccount | None, grants: Grants, middle: Grants, context: Context
) -> tuple[Grants, list[RefusedGrant]]:
    """What will be in effect at the end, and the grants that won't."""
    if not context.may_open or all(middle.get(key) == grant for key, grant in grants.items()):
        return dict(middle), []
    reason = why_not_join(want, known, context.facts, context.ledger, context.now)
    if reason is not None:
        growing = [key for key, grant in grants.items() if middle.get(key) != grant]
        return dict(middle), [RefusedGrant(key, *reason) for key in growing]
    return possible(want, grants, middle, context)


def _closing(
    before: LedgerAccount, account: AccountFacts, middle: Grants, sessions: bool, context: Context
) -> tuple[tuple[Step, ...], AccountFacts]:
    """Take back what `middle` doesn't give, of what we gave; and the facts as they'll be afterwards."""
    steps = []
    content = context.keys.render(middle)
    if not context.may_open:  # not even a line that somebody took away comes back
        content = only_present(content, account.key_file) or None
    if lines_of(account.key_file) - lines_of(content) or (content is None and account.key_file is not None):
        steps.append(Step("key_file", content))
        account = account._replace(key_file=content)
    lost = set(before.groups) - rights.groups_of(middle)
    if not middle:
        lost.add(names.GROUP_JOINED)
    taken = tuple(group for group in account.groups if group in lost)
    if taken:
        steps.append(Step("take_groups", taken))
        account = account._replace(groups=tuple(one for one in account.groups if one not in taken))
    if sessions:
        steps.append(Step("sessions"))
    return tuple(steps), account


def _opening(account: AccountFacts, middle: Grants, end: Grants, context: Context) -> tuple[Step, ...]:
    """Give what `end` gives and the account lacks; nothing to do gives no steps. The key line comes last."""
    if not end or not context.may_open:
        return ()
    held = _held(account, context)
    missing = tuple(sorted((rights.groups_of(end) | {names.GROUP_JOINED}) - held))
    content = context.keys.render(end)
    file = [] if content == account.key_file else [Step("key_file", content)]
    if not (missing or file or dict(middle) != dict(end)):
        return ()
    groups = tuple(sorted(held | set(missing)))
    check = [Step("join_check", groups)] if not middle else []
    give = [Step("give_groups", missing)] if missing else []
    return (*check, *give, Step("join_sshd", groups), *file)


def _held(account: AccountFacts, context: Context) -> set[str]:
    """The groups of the account by now, its primary one among them."""
    primary = () if account.passwd is None else context.facts.gid_names.get(account.passwd.gid, ())
    return {*account.groups, *primary}


def _among(given: set[str], grants: Grants) -> tuple[str, ...]:
    return tuple(sorted(given & rights.groups_of(grants)))


def _joined(
    want: WantedAccount, before: LedgerAccount, live: Grants, end: Grants, account: AccountFacts
) -> Joined | None:
    """What the ledger keeps of the joining; a row of grants begins where there was none."""
    joined = before.joined
    if joined is None:
        return None
    if want.existing == JOIN:
        joined = joined._replace(without_log=want.join_without_log)
    found = account.joining
    if end and not live and not before.pending and found is not None:
        joined = joined._replace(boot=found.boot, since=found.since, keys=found.keys)
    return joined


def _warnings(
    want: WantedAccount,
    live: Grants,
    stones: Mapping[str, Tombstone],
    account: AccountFacts,
    end: Grants,
    context: Context,
) -> tuple[str, ...]:
    found = []
    if stones:
        found.append(f"{want.name} was taken out of the group {names.GROUP_JOINED}; it was closed")
    if want.name in context.facts.mentioned and rights.sudo_of(end):
        found.append(f"sudoers names {want.name} too: those rules stay, and the last that matches counts")
    return tuple(found)


def _plan_gone(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    """The account was deleted or has another uid: what of ours still hangs on the name goes, then it is
    forgotten. Whoever has the name now keeps all that isn't ours."""
    live = {key: grant for key, grant in known.grants.items() if grant.live}
    close, _after = _closing(known, account, {}, bool(live or known.pending), context)
    found = "is gone" if account.passwd is None else f"has the uid {account.passwd.uid} now, was {known.uid}"
    sentence = f"the joined account {want.name} {found}; it was forgotten"
    code = "account_deleted" if account.passwd is None else "account_exists"
    return AccountPlan(
        want.name,
        known.uid,
        close=close,
        intent=known._replace(pending="close", grants={}),
        state_before="active" if live else "closed",
        state="removed",
        refused=(*want.refused, *(RefusedGrant(key, code, sentence) for key in want.grants)),
        warnings=(sentence,),
        changes=(("account", "joined", "forgotten"),),
        joined=for_joined(known, account, {}, context),
    )
