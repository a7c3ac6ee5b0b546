# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of joined accounts' sessions within a run: TERM first, then others' ends, then the rest.

So the wait between TERM and KILL costs nobody's deadline anything. Most hosts have no joined account, and
load nothing for this.
"""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..sessions import setid_files
from ..sessions.setid_files import Lost
from . import account_steps

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..effects.system import System
    from ..plan.values import AccountPlan
    from ..sessions.joined import Ending
    from .patience import Patience


class Begun(NamedTuple):
    """Accounts that were told to end; without `ending` the telling itself failed."""

    accounts: tuple[AccountPlan, ...]
    ending: Ending | None
    problem: Exception | None


class JoinedEnded(NamedTuple):
    """What became of them.

    Attributes:
        accounts: All logins that were to end.
        problems: login -> why something of it may still be there.
        warnings: login -> what is to be told.
        own_keys: login -> digest of its own authorized_keys, where our access is over.
    """

    accounts: tuple[str, ...]
    problems: Mapping[str, Exception]
    warnings: Mapping[str, list[str]]
    own_keys: Mapping[str, str]


def begin(system: System, accounts: Sequence[AccountPlan], ca_keys: Sequence[str]) -> Begun:
    """TERM to the certificate sessions of those that were joined; others are left out.

    Args:
        accounts: Those whose sessions end.
    """
    joined = tuple(account for account in accounts if account.joined is not None)
    if not joined:
        return Begun((), None, None)
    from ..sessions.joined import Ending, Tied

    tied = [Tied(one.login, one.uid, one.joined.kept, one.joined.lost_gids) for one in joined if one.joined]
    try:
        ending = Ending(system, tied, ca_keys)
        ending.begin()
    except Exception as error:  # noqa: BLE001 - no surprise here stops another's end
        return Begun(joined, None, error)
    return Begun(joined, ending, None)


def finish(system: System, begun: Begun, patience: Patience) -> JoinedEnded:
    """Wait for the end of what `begin` told to end, and make it; then disarm copies made by a lost group."""
    logins = tuple(account.login for account in begun.accounts)
    if begun.ending is None:
        problem = begun.problem
        return JoinedEnded(logins, {} if problem is None else dict.fromkeys(logins, problem), {}, {})
    try:
        left = begun.ending.finish(patience.processes_seconds)
    except Exception as error:  # noqa: BLE001 - no surprise here stops another's end
        return JoinedEnded(logins, dict.fromkeys(logins, error), {}, {})
    over = [one for one in begun.accounts if not one.middle]
    lost = {
        one.uid: Lost(one.joined.home, one.joined.lost_gids, own=True) for one in begun.accounts if one.joined
    }
    lost = {uid: one for uid, one in lost.items() if one.gids}
    told = setid_files.disarm(system, lost, patience.files_seconds).warnings if lost else {}
    return JoinedEnded(
        logins,
        {login: _remain(login, pids) for login, pids in left.items()},
        {one.login: told.get(one.uid, []) for one in begun.accounts},
        {one.login: _own_keys(system, one.login) for one in over},
    )


def _remain(login: str, pids: Sequence[int]) -> Refusal:
    shown = " ".join(str(pid) for pid in pids[:10])
    return Refusal("processes_remain", f"processes of certificate sessions of {login} are left: {shown}")


def _own_keys(system: System, login: str) -> str:
    from ..facts import own_keys

    entry = account_steps.read_entry(system, login)
    return own_keys.NONE if entry is None else own_keys.digest(system, entry)
