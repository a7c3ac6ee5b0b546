# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes of a joined account end: those of sessions that our certificates opened, no others.

A session is its owner's own when it began before our access did, or when sshd's log says that something else
than our certificate opened it. Where the log has no word on a session since then, that is no proof: a person
who can keep a line out of the log must not stay because of it. And no process keeps a group that we gave,
whoever began it: nobody can take it from a running one.
"""

from __future__ import annotations

import os
import re
import signal
from functools import partial

from ..contract.document import END_ALL
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..sshd import login_log
from . import process_table, processes

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence, Tuple

    from ..effects.system import System
    from ..record.ledger import Joined
    from .process_table import Row

    Scope = Tuple[int, str]  # uid and id of a login session

# The process of a connection that stays root's: it opened the session and leads it (sshd.c, setproctitle).
LEADER = re.compile(r"sshd(?:-session)?: (?P<login>\S+) \[priv\]")
PAUSE_SECONDS = 0.05


class Tied(NamedTuple):
    """One joined account whose sessions end.

    Attributes:
        lost_gids: Groups that it has no longer.
    """

    login: str
    uid: int
    kept: Joined
    lost_gids: frozenset[int]


class Session(NamedTuple):
    """One SSH session; `pid` is its leader's, also of one that is gone (0 where nobody knows)."""

    pid: int
    began: float
    alive: bool
    scope: Scope | None


class Ending:
    """The end of some accounts' sessions; `begin`, then (others' may be ended meanwhile) `finish`.

    Args:
        ca_keys: Public keys whose certificates are ours.
    """

    def __init__(self, system: System, accounts: Sequence[Tied], ca_keys: Iterable[str]) -> None:
        self._system = system
        self._accounts = accounts
        self._ca_keys = tuple(ca_keys)
        self._boot = system.boot_id()
        self._own: dict[Session, bool] = {}  # whether a session is its owner's own, once it was asked
        self._orphans: dict[Scope, login_log.Login | None] = {}
        self._scopes: set[Scope] = set()  # of the sessions that end
        self._began = system.monotonic()

    def begin(self) -> None:
        """TERM to all that ends."""
        self._began = self._system.monotonic()
        self._signal(self.left(), signal.SIGTERM)

    def finish(self, limit_seconds: float) -> dict[str, list[int]]:
        """KILL a second after TERM until quiet, and once more two seconds after: a login in flight.

        Args:
            limit_seconds: How long to go on with what doesn't die.

        Returns:
            login -> pids that are still there; empty when all is quiet.
        """
        self._wait(self._began + processes.TERM_TO_KILL_SECONDS)
        until = self._system.monotonic() + limit_seconds
        self._kill(until)
        rest = self._began + processes.SWEEP_AFTER_SECONDS - self._system.monotonic()
        if rest > 0:
            self._system.sleep(rest)
        left = self._kill(until)
        return {login: [row.pid for row in rows] for login, rows in left.items() if rows}

    def left(self) -> dict[str, list[Row]]:
        """login -> living processes that must end."""
        table = process_table.read_table()
        spared = process_table.ancestors(table, os.getpid())
        found = {}
        for account in self._accounts:
            pids = self._pids_of(account, table) - spared
            found[account.login] = [table[pid] for pid in sorted(pids) if pid in table]
        return {login: rows for login, rows in found.items() if rows}

    def _pids_of(self, account: Tied, table: Mapping[int, Row]) -> set[int]:
        leaders = [row for row in table.values() if _leads(row, account.login)]
        sessions = [Session(row.pid, row.began, alive=True, scope=row.scope) for row in leaders]
        sessions += self._without_leader(account, table, {row.scope for row in leaders})
        self._judge(account, sessions)
        ours = [one for one in sessions if not self._own[one]]
        # Before its session begins, a leader still has those of whoever started sshd.
        scopes = {one.scope for one in ours if one.scope and one.scope[0] == account.uid}
        self._scopes |= scopes
        audits = {table[one.pid].audit for one in ours if one.alive}
        audits = {audit for audit in audits if audit and audit[0] == account.uid}
        pids = process_table.descendants(table, (one.pid for one in ours if one.alive))
        for row in table.values():
            tied = row.scope in scopes or row.audit in audits
            if tied or (account.uid in row.uids and row.gids & account.lost_gids):
                pids.add(row.pid)
        return {pid for pid in pids if not _is_listener(table.get(pid))}

    def _without_leader(
        self, account: Tied, table: Mapping[int, Row], led: set[Scope | None]
    ) -> list[Session]:
        """SSH sessions of which only what somebody left in their scope lives on."""
        first: dict[Scope, float] = {}
        for row in table.values():
            if row.scope is not None and row.scope[0] == account.uid and row.scope not in led:
                first[row.scope] = min(row.began, first.get(row.scope, row.began))
        found = []
        for scope, began in first.items():
            if scope not in self._orphans:
                self._orphans[scope] = login_log.login_of(self._system, scope[1])
            login = self._orphans[scope]
            if login is None or login.service in ("", "sshd"):
                pid = 0 if login is None else login.leader
                found.append(Session(pid, began, alive=False, scope=scope))
        return found

    def _judge(self, account: Tied, sessions: Sequence[Session]) -> None:
        """Decide once for each session whether it is the owner's own."""
        unknown = [one for one in sessions if one not in self._own]
        if not unknown:
            return
        pids = [one.pid for one in unknown if one.pid]
        lines = login_log.accepted(self._system, account.login, pids, self._ca_keys)
        all_end = account.kept.without_log == END_ALL and not lines and not login_log.has_log(self._system)
        for one in unknown:
            # A line from before the process began is about another one that had its number.
            earliest = one.began - 1 if one.alive else 0
            said = [line for line in lines if line.pid == one.pid and (line.at or earliest) >= earliest]
            earlier = account.kept.boot == self._boot != "" and one.began < account.kept.since
            own = all(not line.ours for line in said) if said else earlier and not all_end
            self._own[one] = own

    def _signal(self, left: Mapping[str, Sequence[Row]], number: int) -> None:
        for rows in left.values():
            for row in rows:
                self._system.signal(row.pid, number, partial(process_table.is_still, row))

    def _wait(self, until: float) -> None:
        while self.left() and self._system.monotonic() < until:
            self._system.sleep(PAUSE_SECONDS)

    def _kill(self, until: float) -> dict[str, list[Row]]:
        while True:
            left = self.left()
            if not left or self._system.monotonic() > until:
                return left
            for uid, session in self._scopes:
                processes.kill_scope(self._system, uid, session)
            self._signal(left, signal.SIGKILL)
            self._system.sleep(PAUSE_SECONDS)


def _is_listener(row: Row | None) -> bool:
    return row is not None and processes.is_listener(row.pid, row.uids)


def _leads(row: Row, login: str) -> bool:
    match = LEADER.match(row.title)
    return row.uids == {0} and match is not None and match.group("login") == login
