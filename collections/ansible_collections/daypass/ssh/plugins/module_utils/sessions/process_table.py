# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All processes of the host with what ties them to a session: parent, control group, audit session.

For joined accounts, where a uid says too little: some of its processes are their owner's own (proc(5)).
"""

from __future__ import annotations

import os
import re

from ..contract.typed import TYPE_CHECKING, NamedTuple
from .processes import is_over

if TYPE_CHECKING:
    from typing import Iterable, Mapping

PROC = "/proc"
NO_SESSION = "4294967295"  # /proc/PID/sessionid of what no login began
UIDS = re.compile(r"^Uid:[ \t]*(.*)$", re.MULTILINE)
GIDS = re.compile(r"^(?:Gid|Groups):[ \t]*(.*)$", re.MULTILINE)
SCOPE = re.compile(r"/user-(?P<uid>\d+)\.slice/session-(?P<id>[A-Za-z0-9]+)\.scope(?:/|$)", re.MULTILINE)


class Row(NamedTuple):
    """One living process.

    Attributes:
        began: Seconds of this boot when it began.
        uids, gids: Real, effective, saved and file system ones; gids with all groups.
        title: Its command line.
        scope: (uid, id) of its login session by control group, None outside of one.
        audit: (uid, id) of its login session by the kernel's audit, None where no login began it.
    """

    pid: int
    parent: int
    began: float
    uids: frozenset[int]
    gids: frozenset[int]
    title: str
    scope: tuple[int, str] | None
    audit: tuple[int, str] | None


def read_table(proc: str = PROC) -> dict[int, Row]:
    """pid -> process, without those that are over."""
    rows = (row_of(f"{proc}/{name}", int(name)) for name in os.listdir(proc) if name.isdigit())
    return {row.pid: row for row in rows if row is not None}


def row_of(folder: str, pid: int) -> Row | None:
    """One process; None where it is gone or over."""
    status, stat = _text(f"{folder}/status"), _text(f"{folder}/stat")
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything
    if not status or is_over(status) or len(fields) < 20:
        return None
    scope = SCOPE.search(_text(f"{folder}/cgroup"))
    login, session = (_text(f"{folder}/{name}").strip() for name in ("loginuid", "sessionid"))
    return Row(
        pid=pid,
        parent=int(fields[1]),
        began=int(fields[19]) / os.sysconf("SC_CLK_TCK"),
        uids=_numbers(UIDS.findall(status)),
        gids=_numbers(GIDS.findall(status)),
        title=_text(f"{folder}/cmdline").replace("\0", " "),
        scope=None if scope is None else (int(scope.group("uid")), scope.group("id")),
        audit=(int(login), session) if login.isdigit() and session not in ("", NO_SESSION) else None,
    )


def is_still(row: Row, proc: str = PROC) -> bool:
    """Whether the number still belongs to this process."""
    now = row_of(f"{proc}/{row.pid}", row.pid)
    return now is not None and now.began == row.began


def descendants(table: Mapping[int, Row], pids: Iterable[int]) -> set[int]:
    """These processes and all below them."""
    children: dict[int, list[int]] = {}
    for row in table.values():
        children.setdefault(row.parent, []).append(row.pid)
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, ())
    return found


def ancestors(table: Mapping[int, Row], pid: int) -> set[int]:
    """This process and all above it."""
    found = {1}
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return found


def _numbers(lines: Iterable[str]) -> frozenset[int]:
    return frozenset(int(word) for line in lines for word in line.split())


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""
