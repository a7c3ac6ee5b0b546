# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account began in a moment in which it had more than it keeps.

An opening that failed is taken back, but whoever logged in meanwhile, by another grant or a key of his own,
has the groups that were there: a running process keeps them, and what sudo began by a rule keeps running.
Sessions from before have nothing of it and go on.
"""

from __future__ import annotations

import os
import signal
from functools import partial

from ..contract.typed import TYPE_CHECKING, NamedTuple
from . import process_table, processes

if TYPE_CHECKING:
    from typing import Sequence

    from ..effects.system import System
    from .process_table import Row

TICK_SECONDS = 0.02  # starts of processes are rounded down to the kernel's ticks (proc(5), starttime)


class Moment(NamedTuple):
    """The time in which one account had more.

    Attributes:
        since: Seconds of this boot.
        lost_gids: Groups that it had then and hasn't now.
        joined: It was there before: what its owner began with neither such a group nor root's rights stays.
    """

    login: str
    uid: int
    since: float
    lost_gids: frozenset[int]
    joined: bool


def end_all(system: System, moments: Sequence[Moment], limit_seconds: float) -> dict[str, list[int]]:
    """KILL until quiet, and once more two seconds after: a login in flight.

    Args:
        limit_seconds: How long to go on with what doesn't die.

    Returns:
        login -> pids that are still there; empty when all is quiet.
    """
    began = system.monotonic()
    _kill(system, moments, began + limit_seconds)
    system.sleep(processes.SWEEP_AFTER_SECONDS)
    left = _kill(system, moments, began + processes.SWEEP_AFTER_SECONDS + limit_seconds)
    return {login: [row.pid for row in rows] for login, rows in left.items()}


def _kill(system: System, moments: Sequence[Moment], until: float) -> dict[str, list[Row]]:
    while True:
        left = _left(moments)
        if not left or system.monotonic() > until:
            return left
        for rows in left.values():
            for row in rows:
                system.signal(row.pid, signal.SIGKILL, partial(process_table.is_still, row))
        system.sleep(processes.PAUSE_SECONDS)


def _left(moments: Sequence[Moment]) -> dict[str, list[Row]]:
    table = process_table.read_table()
    spared = process_table.ancestors(table, os.getpid())
    found = {
        moment.login: [row for row in table.values() if row.pid not in spared and _has_more(row, moment)]
        for moment in moments
    }
    return {login: rows for login, rows in found.items() if rows}


def _has_more(row: Row, moment: Moment) -> bool:
    if not _is_of(row, moment) or processes.is_listener(row.pid, row.uids):
        return False
    began_then = row.began >= moment.since - TICK_SECONDS
    return bool(row.gids & moment.lost_gids) or (began_then and (not moment.joined or 0 in row.uids))


def _is_of(row: Row, moment: Moment) -> bool:
    """As in `processes`: by uid, slice and login uid, and a login in flight."""
    if moment.uid in row.uids:
        return True
    if any(tie is not None and tie[0] == moment.uid for tie in (row.scope, row.audit)):
        return True
    return processes.login_in_flight(row.title, row.uids) == moment.login
