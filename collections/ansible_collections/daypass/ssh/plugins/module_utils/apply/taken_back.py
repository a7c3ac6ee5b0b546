# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Openings that were taken back: what their people began in the moment between."""

from __future__ import annotations

from ..contract import names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..record import rights

if TYPE_CHECKING:
    from typing import Mapping

    from ..effects.system import System
    from ..facts.host import Facts
    from ..plan.values import AccountPlan
    from ..sessions.moments import Moment
    from .patience import Patience


class Ended(NamedTuple):
    """login -> why something of it may still be there; login -> what is to be told."""

    problems: Mapping[str, Exception]
    warnings: Mapping[str, list[str]]


class TakenBack:
    """Notes when an account is given more, and ends what began since where that was taken back."""

    def __init__(self, system: System, facts: Facts) -> None:
        self._system = system
        self._facts = facts
        self._since: dict[str, float] = {}
        self._undone: list[AccountPlan] = []

    def gives(self, *logins: str) -> None:
        """Groups or rules are about to be given."""
        for login in logins:
            self._since.setdefault(login, self._system.boot_seconds())

    def undone(self, account: AccountPlan) -> None:
        """They were taken back. Who had nothing before couldn't come in: the key line is the last to come."""
        could_come_in = account.middle or account.joined is not None
        if account.login in self._since and could_come_in and _gives_more(account):
            self._undone.append(account)

    def end(self, patience: Patience) -> Ended:
        """End what began since, then disarm copies that were made by a group.

        Raises:
            OSError: The processes can't be listed.
        """
        if not self._undone:
            return Ended({}, {})
        from ..sessions import moments, setid_files  # few runs need them

        found = {account.login: self._moment(account) for account in self._undone}
        left = moments.end_all(self._system, list(found.values()), patience.processes_seconds)
        lost = {
            one.uid: setid_files.Lost(self._facts.accounts[one.login].home, one.lost_gids, own=one.joined)
            for one in found.values()
            if one.lost_gids and one.login not in left
        }
        told = setid_files.disarm(self._system, lost, patience.files_seconds).warnings if lost else {}
        return Ended(
            {login: _remain(login, pids) for login, pids in left.items()},
            {one.login: told.get(one.uid, []) for one in found.values()},
        )

    def _moment(self, account: AccountPlan) -> Moment:
        from ..sessions.moments import Moment

        groups = self._facts.groups
        lost = [groups[name].gid for name in given(account) if name in groups]
        since = self._since[account.login]
        return Moment(account.login, account.uid, since, frozenset(lost), account.joined is not None)


def given(account: AccountPlan) -> frozenset[str]:
    """The groups that this opening gives beyond what is kept, without our mark."""
    if account.joined is None:
        return frozenset(rights.groups_of(account.end) - rights.groups_of(account.middle))
    values = [step.value for step in account.open if step.name == "give_groups"]
    return frozenset(values[0] if values else ()) - {names.GROUP_JOINED}


def _gives_more(account: AccountPlan) -> bool:
    """Whether it was to get more than time."""
    rules, kept = ({rule for rule, _end in rights.sudo_of(one)} for one in (account.end, account.middle))
    return bool(given(account) or rules - kept)


def _remain(login: str, pids: list[int]) -> Refusal:
    shown = " ".join(str(pid) for pid in pids[:10])
    return Refusal("processes_remain", f"processes of {login} with rights that were taken back: {shown}")
