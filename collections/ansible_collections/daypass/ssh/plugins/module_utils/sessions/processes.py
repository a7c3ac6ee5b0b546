# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions and processes of accounts: found by everything that the kernel ties to a person, and ended.

A process is his when its real, effective, saved or file system uid is his, when it lies in his slice
(`user-<uid>.slice`), or when his login began it (`/proc/PID/loginuid`: `sudo -b setsid` keeps that). Root's
own `sshd: <login> [priv]` counts too: a login in flight survives a naive close.
"""

from __future__ import annotations

import os
import re
import signal

from ..contract.names import SWEEP_AFTER_SECONDS, TERM_TO_KILL_SECONDS
from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Mapping

    from ..effects.system import System

PROC = "/proc"
GROUPS_MAX = 500  # control groups of one person that are looked at
PAUSE_SECONDS = 0.05
SLICE = re.compile(r"/user-(\d+)\.slice(?:/|$)", re.MULTILINE)
SSHD = re.compile(r"sshd(?:-session)?: ([^ @\[]+)[ @\[]")
# The sshd that everybody comes in by, whoever started it again: without it nobody could repair the host.
LISTENER = re.compile(r"sshd: .* \[listener\]")
SSHD_PROGRAMS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd")
SLICES = (
    "/sys/fs/cgroup/user.slice",
    "/sys/fs/cgroup/unified/user.slice",
    "/sys/fs/cgroup/systemd/user.slice",
)


class Process(NamedTuple):
    """One running process that belongs to an account."""

    pid: int
    uid: int  # of the account


def find(logins: Mapping[str, int], proc: str = PROC) -> list[Process]:
    """All living processes of these accounts (login -> uid), without our own ancestors and kernel threads."""
    uids = set(logins.values())
    spared = _ancestors(proc)
    found = []
    for name in os.listdir(proc):
        if name.isdigit() and int(name) not in spared:
            owner = _owner(f"{proc}/{name}", uids, logins)
            if owner is not None:
                found.append(Process(int(name), owner))
    return found


def end_all(system: System, logins: Mapping[str, int], limit_seconds: float) -> dict[str, list[int]]:
    """End everything of these accounts: TERM, KILL a second later until quiet, and once more after two
    seconds.

    Args:
        limit_seconds: How long to go on with what doesn't die.

    Returns:
        login -> pids that are still there; empty when all is quiet.
    """
    began = system.monotonic()
    for process in find(logins):
        _signal(system, process, signal.SIGTERM, logins)
    _wait_until_quiet(system, logins, began + TERM_TO_KILL_SECONDS)
    _kill_until_quiet(system, logins, began + limit_seconds)
    rest = began + SWEEP_AFTER_SECONDS - system.monotonic()
    if rest > 0:
        system.sleep(rest)
    left = _kill_until_quiet(system, logins, began + limit_seconds)
    by_uid = {uid: login for login, uid in logins.items()}
    result: dict[str, list[int]] = {}
    for process in left:
        result.setdefault(by_uid[process.uid], []).append(process.pid)
    return result


def _signal(system: System, process: Process, number: int, logins: Mapping[str, int]) -> None:
    """Other people's processes are never touched, not even one that got the number of his last one."""

    def still_his() -> bool:
        return _owner(f"{PROC}/{process.pid}", {process.uid}, logins) == process.uid

    system.signal(process.pid, number, still_his)


def _wait_until_quiet(system: System, logins: Mapping[str, int], until: float) -> None:
    while find(logins) and system.monotonic() < until:
        system.sleep(PAUSE_SECONDS)


def _kill_until_quiet(system: System, logins: Mapping[str, int], until: float) -> list[Process]:
    """KILL in rounds; what forks faster than one round is caught by the kernel's own cgroup.kill."""
    while True:
        left = find(logins)
        if not left or system.monotonic() > until:
            return left
        for uid in {process.uid for process in left}:
            _kill_slice(system, uid)
        for process in left:
            _signal(system, process, signal.SIGKILL, logins)
        system.sleep(PAUSE_SECONDS)


def _kill_slice(system: System, uid: int) -> None:
    """Write cgroup.kill of the person's slice (cgroups(7), Linux 5.14); without one nothing happens.

    Where something in it is spared (the host's sshd that he started again, ourselves), only beside that.
    """
    spared = _ancestors(PROC)
    for folder in SLICES:
        groups = _groups(f"{folder}/user-{uid}.slice")
        kept = [group for group in groups if _holds_spared(group, spared)]
        for group in groups if kept else groups[:1]:
            if not any(one == group or one.startswith(group + "/") for one in kept):
                _kill_group(system, f"{group}/cgroup.kill")


def kill_scope(system: System, uid: int, session: str) -> None:
    """The same for one login session of a person."""
    spared = _ancestors(PROC)
    for folder in SLICES:
        for group in _groups(f"{folder}/user-{uid}.slice/session-{session}.scope"):
            if not _holds_spared(group, spared):
                _kill_group(system, f"{group}/cgroup.kill")


def _groups(top: str) -> list[str]:
    """A control group and all below it; by a list, since a person may nest them deep."""
    found = [top]
    for group in found:
        try:
            found += [one.path for one in os.scandir(group) if one.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        if len(found) > GROUPS_MAX:
            break
    return found[:GROUPS_MAX]


def _holds_spared(group: str, spared: set[int]) -> bool:
    pids = [int(pid) for pid in _read(f"{group}/cgroup.procs").split() if pid.isdigit()]
    return any(
        pid in spared or _is_listener(f"{PROC}/{pid}", _uids(_read(f"{PROC}/{pid}/status"))) for pid in pids
    )


def _kill_group(system: System, path: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            system.before("cgroup_kill", path)
            file.write("1")
            system.after("cgroup_kill", path)
    except OSError:
        pass


def _ancestors(proc: str) -> set[int]:
    """This process and all above it: whoever runs us is not ended by us."""
    spared = {1}
    pid = os.getpid()
    while pid > 1 and pid not in spared:
        spared.add(pid)
        status = _read(f"{proc}/{pid}/status")
        match = re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)
        pid = int(match.group(1)) if match else 0
    return spared


def _owner(folder: str, uids: set[int], logins: Mapping[str, int]) -> int | None:
    status = _read(f"{folder}/status")
    if not status or is_over(status):
        return None
    held = _uids(status)
    if held & uids:
        return min(held & uids)
    if _is_listener(folder, held):
        return None
    began = _read(f"{folder}/loginuid").strip()
    if began.isdigit() and int(began) in uids:
        return int(began)
    for one in SLICE.findall(_read(f"{folder}/cgroup")):
        if int(one) in uids:
            return int(one)
    return _login_in_flight(folder, held, logins)


def is_over(status: str) -> bool:
    """A zombie that waits for its parent; one whose other threads run on only looks like it."""
    over = re.search(r"^State:\s*[ZX]", status, re.MULTILINE)
    return bool(over) and not re.search(r"^Threads:\s*(?:[2-9]|\d\d)", status, re.MULTILINE)


def _uids(status: str) -> set[int]:
    """Real, effective, saved and file system uid."""
    match = re.search(r"^Uid:\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", status, re.MULTILINE)
    return {int(one) for one in match.groups()} if match else set()


def is_listener(pid: int, held: set[int] | frozenset[int]) -> bool:
    """Whether this process, with these uids, is the sshd that everybody comes in by."""
    return _is_listener(f"{PROC}/{pid}", set(held))


def _is_listener(folder: str, held: set[int]) -> bool:
    """Whether this is the host's sshd: root's, by title and program."""
    try:
        if held != {0} or not LISTENER.match(_read(f"{folder}/cmdline")):
            return False
        return os.readlink(f"{folder}/exe").partition(" ")[0] in SSHD_PROGRAMS  # "… (deleted)": upgraded
    except OSError:
        return False


def _login_in_flight(folder: str, held: set[int], logins: Mapping[str, int]) -> int | None:
    if held != {0}:
        return None
    login = login_in_flight(_read(f"{folder}/cmdline").replace("\0", " "), held)
    return None if login is None else logins.get(login)


def login_in_flight(title: str, held: set[int] | frozenset[int]) -> str | None:
    """Whose login root's sshd with this title is about, None for another process."""
    match = SSHD.match(title) if held == {0} else None
    return match.group(1) if match else None


def name_of(pid: int, proc: str = PROC) -> str:
    """The name of a process (proc(5), comm), for people."""
    return _read(f"{proc}/{pid}/comm").strip()


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""
