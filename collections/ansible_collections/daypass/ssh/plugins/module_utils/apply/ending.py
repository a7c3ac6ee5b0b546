# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of accounts' sessions, and of what would outlive them: jobs put there meanwhile, setuid copies.

All accounts of a run are ended together, so that nobody's last process waits for somebody else's.
"""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.host import jobs_of
from ..plan.steps import Leaving
from ..removal import leftovers
from ..sessions import processes, setid_files
from ..sessions.setid_files import Lost

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..effects.system import System
    from ..facts.host import Facts
    from ..plan.values import AccountPlan
    from .patience import Patience

PIDS_SHOWN = 10


class Ended(NamedTuple):
    """What became of the accounts.

    Attributes:
        problems: login -> why it isn't quiet yet.
        warnings: login -> what is to be told.
        unfinished: uid -> where copies weren't all looked for.
    """

    problems: Mapping[str, Exception]
    warnings: Mapping[str, list[str]]
    unfinished: Mapping[int, Lost]


def end_sessions(system: System, accounts: Sequence[AccountPlan], facts: Facts, patience: Patience) -> Ended:
    """End what runs of these accounts, then what they left to run later.

    Raises:
        OSError: The processes can't be listed.
    """
    uids = {account.login: account.uid for account in accounts}
    left = processes.end_all(system, uids, patience.processes_seconds)
    problems: dict[str, Exception] = {login: _remaining(login, pids) for login, pids in left.items()}
    # Nothing in a home is opened while his processes live; the next run comes back to those.
    quiet = [account for account in accounts if account.login not in left]
    for account in quiet:
        try:
            _park_again(system, account)
        except OSError as error:
            problems[account.login] = error
    lost = {account.uid: _lost(account, facts) for account in quiet}
    done = setid_files.disarm(system, lost, patience.files_seconds)
    warnings = {account.login: done.warnings[account.uid] for account in quiet}
    return Ended(problems, warnings, {uid: lost[uid] for uid in done.unfinished})


def _remaining(login: str, pids: Sequence[int]) -> Refusal:
    shown = " ".join(str(pid) for pid in pids[:PIDS_SHOWN])
    return Refusal("processes_remain", f"processes of {login} are left: {shown}")


def _park_again(system: System, account: AccountPlan) -> None:
    """What he put there between the first parking and his last process's end."""
    if _leaving(account).park:
        jobs = jobs_of(system, account.login, account.uid)
        if jobs:
            leftovers.park(system, account.login, jobs)


def _lost(account: AccountPlan, facts: Facts) -> Lost:
    groups = facts.groups
    gids = frozenset(groups[name].gid for name in _leaving(account).lost if name in groups)
    return Lost(facts.accounts[account.login].home, gids)


def _leaving(account: AccountPlan) -> Leaving:
    values = [step.value for step in account.close if step.name == "sessions"]
    return values[0] if values and values[0] is not None else Leaving()
