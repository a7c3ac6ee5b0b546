# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of an account that is ours: over what it keeps to what it should have. Pure."""

from __future__ import annotations

from typing import Mapping, Sequence

from . import entries, names, refusals, rights
from . import ledger as ledgers
from .changes import with_changes
from .facts import AccountFacts, Facts
from .ledger import LedgerAccount, LedgerGrant, Retired, Tombstone
from .merge import RefusedGrant, WantedAccount
from .plan_types import AccountPlan, Context
from .shortening import loses_lines
from .steps import Step, closing_steps, is_closed, opening_steps, removal_steps, shortening_steps


def plan_ours(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    live = {key: grant for key, grant in known.grants.items() if grant.live}
    warnings: tuple[str, ...] = ()
    stones: dict[str, Tombstone] = {}
    refused = list(want.refused)
    grants = dict(want.grants)
    if live and names.GROUP_CREATED not in account.groups:
        sentence = f"{want.name} was taken out of the group {names.GROUP_CREATED}; it was closed"
        refused += [RefusedGrant(key, "membership_lost", sentence) for key in grants]
        ends = {
            **{key: grant.not_after for key, grant in live.items()},
            **{k: g.not_after for k, g in grants.items()},
        }
        stones = {key: Tombstone(end, ledgers.CAUSE_MEMBERSHIP) for key, end in ends.items()}
        warnings, grants = (sentence,), {}
    middle = rights.common(live, grants)
    shrinks = rights.less_than(middle, live) or known.pending == "close"
    taken, cleared = closing_steps(known, account, middle, shrinks, context.keys, context.may_open)
    # What a run that was cut off had given and couldn't prove may have been used.
    shrinks = shrinks or bool(known.pending and takes_away(taken, account, cleared))
    end, more = _growth(want, grants, middle, cleared, context)
    refused += more
    shrinks = shrinks or bool(known.pending and set(known.grants) - set(end))
    removing = want.remove and not end  # userdel refuses while anything of the account runs
    sessions = shrinks or removing or not (end or is_closed(account.shadow))
    close, after = closing_steps(known, account, middle, sessions, context.keys, context.may_open)
    opening: tuple[Step, ...] = ()
    if end and context.may_open:
        opening = opening_steps(want, after, middle, end, context.keys)
    elif end:
        opening = shortening_steps(after, end)
    remove = removal_steps(want) if removing else ()
    pending = "remove" if remove else "close" if sessions else "open"
    entry = entries.intended(want, account.home, end, pending, known, context.now)
    entry = entry._replace(groups=tuple(sorted(rights.groups_of(end))))
    held = tuple(sorted(set(known.groups) | rights.groups_of(end)))
    state_before = "active" if live else "closed"
    return with_changes(
        AccountPlan(
            want.name,
            known.uid,
            close=close,
            open=opening,
            remove=remove,
            middle=middle,
            end=end,
            intent=entries.unproven(entry, middle)._replace(groups=held),
            done=None if remove else entries.proven(entry, end),
            undone=entries.undone(entry, middle, known, context.now),
            retired=_retired(want, known, account, context.now) if remove else None,
            state_before=state_before,
            state="removed" if remove else "active" if end else "closed",
            refused=tuple(refused),
            warnings=(*warnings, *_extra_groups(account, known, end)),
            stones=stones,
        ),
        live,
        account,
    )


def takes_away(steps: Sequence[Step], before: AccountFacts, after: AccountFacts) -> bool:
    """Whether these closing steps take anything but time."""
    return any(step.name != "key_file" for step in steps) or loses_lines(before.key_file, after.key_file)


def _growth(
    want: WantedAccount,
    grants: Mapping[str, LedgerGrant],
    middle: Mapping[str, LedgerGrant],
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
    return possible(grants, middle, context.facts)


def possible(
    grants: Mapping[str, LedgerGrant], middle: Mapping[str, LedgerGrant], facts: Facts
) -> tuple[dict[str, LedgerGrant], list[RefusedGrant]]:
    """The grants that this host can give; one that can't grow keeps what it has."""
    growing = {key: grant for key, grant in grants.items() if middle.get(key) != grant}
    refused = refusals.refused_grants(growing, facts)
    lost = {refusal.id for refusal in refused}
    end = {}
    for key, grant in grants.items():
        if key not in lost:
            end[key] = grant
        elif key in middle:
            end[key] = middle[key]
    return end, refused


def _extra_groups(
    account: AccountFacts, known: LedgerAccount, end: Mapping[str, LedgerGrant]
) -> tuple[str, ...]:
    ours = {names.GROUP_CREATED, *known.groups, *rights.groups_of(end)}
    extra = [group for group in account.groups if group not in ours]
    return tuple(f"also in the group {group}, not through us" for group in extra)


def _retired(want: WantedAccount, known: LedgerAccount, account: AccountFacts, now: int) -> Retired:
    home = account.home if want.home_on_removal == "keep" else ""
    return Retired(known.uid, want.name, known.comment, now, home)
