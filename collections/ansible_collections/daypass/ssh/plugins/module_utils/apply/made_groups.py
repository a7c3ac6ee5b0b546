# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups that grants need: made with the number that is recorded for them, removed once they are empty."""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects.system import CommandFailed
from ..facts import account_files
from ..record import rights
from .account_steps import remove_group

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..effects.system import System
    from ..facts.account_files import Group
    from ..plan.values import Plan
    from .applied import Applied


class Ended(NamedTuple):
    """name -> gid of the groups that are ours no more; whether one was removed; what is to be told."""

    gone: Mapping[str, int]
    changed: bool
    warnings: tuple[str, ...]


def make(system: System, pairs: Sequence[tuple[str, int]]) -> None:
    """Make these groups where they aren't there yet.

    Raises:
        CommandFailed: The name or the number is somebody's by now.
        Refusal: `group_foreign`: a group of this name has another number.
    """
    for name, gid in pairs:
        found = _read(system, name)
        if found is None:
            system.change(["groupadd", "--gid", str(gid), name])
        elif found.gid != gid:
            raise Refusal(
                "group_foreign",
                f"a group {name} with the gid {found.gid} has come meanwhile; ours was to have {gid}",
                "the next run takes it as it is",
            )


def remove_unused(system: System, plan: Plan, applied: Applied) -> Ended:
    """Remove those without members that no grant in effect names; another one stays ours for the next run.

    One that was made in vain stays in the record, so that the next try takes the same number.
    """
    wanted = {
        name
        for login, account in plan.accounts.items()
        for name in rights.groups_of(account.middle if login in applied.undone else account.end)
    } | _looked_for(plan, applied)
    gone: dict[str, int] = {}
    warnings: list[str] = []
    changed = False
    for name, gid in sorted({**plan.groups.make, **plan.groups.remove}.items()):
        if name in wanted:
            continue
        try:
            removed = _remove(system, name, gid)
        except (Refusal, CommandFailed, OSError) as error:
            warnings.append(f"the group {name} is left, the next run tries again: {error}")
            continue
        changed = changed or removed
        if name in plan.groups.remove:
            gone[name] = gid
    return Ended(gone, changed, tuple(warnings))


def _looked_for(plan: Plan, applied: Applied) -> set[str]:
    """Groups whose numbers somebody's processes or files may still have: by the name they are found again."""
    entries = [plan.accounts[login].intent for login in applied.stuck]
    gids = {gid for lost in applied.unfinished.values() for gid in lost.gids}
    names = {name for name, gid in plan.groups.remove.items() if gid in gids}
    return names.union(*(entry.groups for entry in entries if entry is not None))


def _remove(system: System, name: str, gid: int) -> bool:
    """Remove it, if it is there and ours; whether it was."""
    group = _read(system, name)
    if group is None or group.gid != gid:
        return False
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    members = [*group.members, *(entry.name for entry in passwd.values() if entry.gid == gid)]
    if members:
        raise Refusal("group_used", f"{members[0]} is in it")
    remove_group(system, name)
    return True


def _read(system: System, name: str) -> Group | None:
    return account_files.parse_group(system.read("/etc/group") or b"").get(name)
