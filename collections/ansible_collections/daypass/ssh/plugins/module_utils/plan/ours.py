# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of an account that is ours: over what it keeps to what it should have. Pure."""

from __future__ import annotations

from ..contract import names
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.host import AccountFacts
from ..record import entries, rights
from ..record import ledger as ledgers
from ..record.ledger import LedgerAccount, LedgerGrant, Retired, Tombstone
from ..record.merge import RefusedGrant, WantedAccount
from . import refusals
from .changes import with_changes
from .shortening import loses_lines
from .steps import (
    Step,
    ages,
    closing_steps,
    is_closed,
    is_open_until,
    opening_steps,
    removal_steps,
    shortening_steps,
)
from .values import AccountPlan, Context

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    Grants = Mapping[str, LedgerGrant]


class _Course(NamedTuple):
    """From what the account has to what it should have.

    Attributes:
        middle, end: Grants in effect after the closings, and after all of it.
        refused: Grants that won't grow.
        sessions: Its sessions end: it loses something, or it is shut.
    """

    middle: Grants
    end: Grants
    refused: list[RefusedGrant]
    sessions: bool


def plan_ours(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    """Close what it has and shouldn't, open what it should have; remove it where its time is over."""
    if _is_as_wanted(want, known, account, context):
        return _staying(want, known, account)
    live = {key: grant for key, grant in known.grants.items() if grant.live}
    grants, refused, stones, warnings = _kept(want, known, live, account)
    course = _course(want, known, account, live, grants, context)
    middle, end = course.middle, course.end
    close, after = closing_steps(known, account, middle, course.sessions, context.keys, context.may_open)
    remove = removal_steps(want) if want.remove and not end else ()
    pending = "remove" if remove else "close" if course.sessions else "open"
    entry = entries.intended(want, account.home, end, pending, known, context.now)
    held = tuple(sorted(set(known.groups) | rights.groups_of(end)))
    return with_changes(
        AccountPlan(
            want.name,
            known.uid,
            close=close,
            open=_opening(want, after, course, context),
            remove=remove,
            middle=middle,
            end=end,
            intent=entries.unproven(entry, middle)._replace(groups=held),
            done=None if remove else entries.proven(entry, end),
            undone=entries.undone(entry, middle, known, context.now),
            retired=_retired(want, known, account, context.now) if remove else None,
            state_before="active" if live else "closed",
            state="removed" if remove else "active" if end else "closed",
            refused=(*refused, *course.refused),
            warnings=(*warnings, *_extra_groups(account, known, end)),
            stones=stones,
        ),
        live,
        account,
    )


def _is_as_wanted(want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context) -> bool:
    """Whether ledger and host have just what is wanted, as with most accounts in most runs.

    All that `plan_ours` would look at is compared here; where it is the same, the whole way through it gives
    no step and the ledger's own entry (a test holds the two together).
    """
    grants = want.grants
    if known.pending or not grants or grants != known.grants or account.passwd is None:
        return False
    groups = rights.groups_of(grants)
    return (
        all(grant.live for grant in grants.values())
        and (known.shell, known.home) == (want.shell, account.home)
        and (known.home_on_removal, known.user_cleanup_days) == (want.home_on_removal, want.user_cleanup_days)
        and (known.groups, known.closed_at) == (tuple(sorted(groups)), None)
        and groups | {names.GROUP_CREATED} <= set(account.groups)
        and is_open_until(account.shadow, rights.expiry_day(grants))
        and not ages(account.shadow)
        and account.passwd.shell == want.shell
        and account.key_file == context.keys.render(grants)
    )


def _staying(want: WantedAccount, known: LedgerAccount, account: AccountFacts) -> AccountPlan:
    return AccountPlan(
        want.name,
        known.uid,
        middle=known.grants,
        end=known.grants,
        intent=known._replace(pending="open"),
        done=known,
        undone=known,
        state_before="active",
        state="active",
        refused=want.refused,
        warnings=_extra_groups(account, known, known.grants),
    )


def _kept(
    want: WantedAccount, known: LedgerAccount, live: Grants, account: AccountFacts
) -> tuple[Grants, list[RefusedGrant], dict[str, Tombstone], tuple[str, ...]]:
    """The wanted grants, or none where somebody took the mark away; refusals, tombstones, warnings."""
    if not live or names.GROUP_CREATED in account.groups:
        return want.grants, list(want.refused), {}, ()
    sentence = f"{want.name} was taken out of the group {names.GROUP_CREATED}; it was closed"
    refused = [RefusedGrant(key, "membership_lost", sentence) for key in want.grants]
    ends = {**live, **want.grants}
    stones = {key: Tombstone(grant.not_after, ledgers.CAUSE_MEMBERSHIP) for key, grant in ends.items()}
    return {}, [*want.refused, *refused], stones, (sentence,)


def _course(
    want: WantedAccount,
    known: LedgerAccount,
    account: AccountFacts,
    live: Grants,
    grants: Grants,
    context: Context,
) -> _Course:
    middle = rights.common(live, grants)
    shrinks = rights.less_than(middle, live) or known.pending == "close"
    taken, cleared = closing_steps(known, account, middle, shrinks, context.keys, context.may_open)
    end, refused = _growth(want, grants, middle, cleared, context)
    # What a run that was cut off had given and couldn't prove may have been used.
    if known.pending and (takes_away(taken, account, cleared) or set(known.grants) - set(end)):
        shrinks = True
    removing = want.remove and not end  # userdel refuses while anything of the account runs
    shut = not (end or is_closed(account.shadow))
    return _Course(middle, end, refused, shrinks or removing or shut)


def _opening(
    want: WantedAccount, account: AccountFacts, course: _Course, context: Context
) -> tuple[Step, ...]:
    """`account` is as the closings leave it."""
    if not course.end:
        return ()
    if context.may_open:
        return opening_steps(want, account, course.middle, course.end, context.keys)
    return shortening_steps(account, course.end)


def takes_away(steps: Sequence[Step], before: AccountFacts, after: AccountFacts) -> bool:
    """Whether these closing steps take anything but time."""
    return any(step.name != "key_file" for step in steps) or loses_lines(before.key_file, after.key_file)


def _growth(
    want: WantedAccount,
    grants: Grants,
    middle: Grants,
    account: AccountFacts,
    context: Context,
) -> tuple[dict[str, LedgerGrant], list[RefusedGrant]]:
    """What will be in effect at the end, and the grants that won't; `account` is as the closings leave it."""
    if not context.may_open:
        return dict(middle), []
    if all(middle.get(key) == grant for key, grant in grants.items()):
        return dict(grants), []
    if middle:
        reason = refusals.why_not_grow(want, account, context.facts)
    else:
        reason = refusals.why_not_open(want, account, context.facts, context.ledger)
    if reason is not None:
        growing = [key for key, grant in grants.items() if middle.get(key) != grant]
        return dict(middle), [RefusedGrant(key, *reason) for key in growing]
    return possible(want, grants, middle, context)


def possible(
    want: WantedAccount, grants: Grants, middle: Grants, context: Context
) -> tuple[dict[str, LedgerGrant], list[RefusedGrant]]:
    """The grants that this host can give; one that can't grow keeps what it has."""
    growing = {key: grant for key, grant in grants.items() if middle.get(key) != grant}
    refused = refusals.refused_grants(growing, want, context.facts, context.ledger)
    lost = {refusal.id for refusal in refused}
    end = {}
    for key, grant in grants.items():
        if key not in lost:
            end[key] = grant
        elif key in middle:
            end[key] = middle[key]
    return end, refused


def _extra_groups(account: AccountFacts, known: LedgerAccount, end: Grants) -> tuple[str, ...]:
    ours = {names.GROUP_CREATED, *known.groups, *rights.groups_of(end)}
    extra = [group for group in account.groups if group not in ours]
    return tuple(f"also in the group {group}, not through us" for group in extra)


def _retired(want: WantedAccount, known: LedgerAccount, account: AccountFacts, now: int) -> Retired:
    home = account.home if want.home_on_removal == "keep" else ""
    return Retired(known.uid, want.name, known.comment, now, home)
