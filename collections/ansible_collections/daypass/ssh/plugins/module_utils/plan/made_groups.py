# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups that are made for grants, and that go with their last member. Pure.

One is ours by its number: we choose it from our own range and record it before the group is made. A group of
the same name with another number is somebody else's, whenever it came. Only a run that may open makes and
removes groups, so the local deadline leaves them for the next wave.
"""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.account_files import Group
from ..record import rights
from . import refusals
from .steps import Step

if TYPE_CHECKING:
    from typing import Mapping

    from ..facts.host import Facts
    from ..record.ledger import Ledger
    from ..record.merge import Wanted
    from .values import AccountPlan, Context

GIVING = ("groups", "give_groups")


class GroupsPlan(NamedTuple):
    """The way of the groups that are ours, each with its gid.

    Attributes:
        make: Made before they are given.
        remove: No grant names them any more; removed once they are empty.
        forget: Gone, or not ours (any more); they stay as they are.
    """

    make: Mapping[str, int] = {}
    remove: Mapping[str, int] = {}
    forget: Mapping[str, int] = {}
    warnings: tuple[str, ...] = ()

    def changes(self) -> list[tuple[str, str, str]]:
        """What happens to which group: (name, before, after)."""
        made = [(name, "absent", "made") for name in sorted(self.make)]
        return [*made, *((name, "ours", "removed") for name in sorted(self.remove))]


def plan_groups(
    accounts: Mapping[str, AccountPlan], wanted: Wanted, context: Context
) -> tuple[dict[str, AccountPlan], GroupsPlan]:
    """The accounts' plans with the steps that make their groups, and the plan of the groups."""
    if not context.may_open:
        return dict(accounts), GroupsPlan()
    lacking = {login: _lacking(account, wanted, context) for login, account in accounts.items()}
    make = _numbered(sorted(set().union(*lacking.values())), context)
    planned = {login: _making(account, lacking[login], make) for login, account in accounts.items()}
    remove, forget, warnings = {}, {}, []
    needed = _needed(accounts)
    for name, gid in sorted(context.ledger.made_groups.items()):
        group = context.facts.groups.get(name)
        reason = _why_not_ours(group, gid, context)
        if name in make or (name in needed and (group is None or group.gid == gid)):
            continue
        if group is not None and reason is None:
            remove[name] = gid
            continue
        forget[name] = gid
        if reason is not None:
            warnings.append(f"the group {name}, which was made for grants, stays: {reason}")
    return planned, GroupsPlan(make, remove, forget, tuple(warnings))


def _lacking(account: AccountPlan, wanted: Wanted, context: Context) -> set[str]:
    """Groups that this account is given, that aren't there and may be made for it."""
    given = {name for step in account.open if step.name in GIVING for name in step.value}
    want = wanted.accounts[account.login]
    may = {name for key, name in want.create_groups if key in account.end and name in given}
    missing = may - set(context.facts.groups)
    return {name for name in missing if refusals.why_not_make(name, context.facts, context.ledger) is None}


def _numbered(missing: list[str], context: Context) -> dict[str, int]:
    """A number for each; a making that was cut off goes on with its own."""
    facts, known = context.facts, context.ledger.made_groups
    free = iter(facts.free_gids)
    found = {}
    for name in missing:
        gid = known.get(name)
        if gid is None or gid in facts.gid_names or gid in facts.uid_names:
            gid = next(free, None)
        if gid is not None:
            found[name] = gid
    return found


def _making(account: AccountPlan, lacking: set[str], make: Mapping[str, int]) -> AccountPlan:
    pairs = tuple((name, make[name]) for name in sorted(lacking) if name in make)
    if not pairs:
        return account
    steps: list[Step] = []
    for step in account.open:
        if step.name in GIVING:
            steps.append(Step("make_groups", pairs))
        steps.append(step)
    return account._replace(open=tuple(steps))


def _needed(accounts: Mapping[str, AccountPlan]) -> frozenset[str]:
    plans = accounts.values()
    return frozenset().union(*(rights.groups_of(grants) for one in plans for grants in (one.middle, one.end)))


def _why_not_ours(group: Group | None, gid: int, context: Context) -> str | None:
    """Why a group that we made isn't removed with our last member, None where it is, or is gone."""
    if group is None:
        return None
    if group.gid != gid:
        return f"it has the gid {group.gid} now, ours had {gid}"
    known = context.ledger.accounts
    others = [one for one in group.members if one not in known or group.name not in known[one].groups]
    if others:
        return f"{others[0]} is in it, not through us"
    if gid in context.facts.primary_gids:
        return "it is somebody's primary group"
    return None


def with_made(facts: Facts, groups: GroupsPlan) -> Facts:
    """The facts with the groups as they'll be made: what is taken back is looked for by their numbers."""
    if not groups.make:
        return facts
    made = {name: Group(name, gid, ()) for name, gid in groups.make.items()}
    return facts._replace(groups={**facts.groups, **made})


def intended(ledger: Ledger, groups: GroupsPlan) -> Ledger:
    """The ledger with what is about to be made, and without what isn't ours."""
    return without(ledger._replace(made_groups={**ledger.made_groups, **groups.make}), groups.forget)


def without(ledger: Ledger, gone: Mapping[str, int]) -> Ledger:
    """The ledger without these groups; nobody gets their numbers again."""
    if not gone:
        return ledger
    return ledger._replace(
        made_groups={name: gid for name, gid in ledger.made_groups.items() if gone.get(name) != gid},
        retired_gids=tuple(sorted({*ledger.retired_gids, *gone.values()})),
    )
