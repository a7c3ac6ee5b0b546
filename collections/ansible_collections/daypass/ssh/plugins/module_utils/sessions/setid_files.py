# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setuid and setgid copies: a program that somebody copied while in a group keeps that group's rights.

After an account's processes have ended, such files of its own lose those bits: in its home, where everybody
can write, and, when it lost a group, wherever that group or the account can write. Folders keep theirs: there
the bit gives nobody a right.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque

from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects.mounts import read_mounts

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ..effects.system import System

    Found = Iterator["tuple[str, int, str]"]  # path, uid, problem

OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked through, never written to
LIMIT_SECONDS = 5.0  # for each place: one home with millions of files takes nothing from the next
SHOWN_LENGTH = 120
BITS = stat.S_ISUID | stat.S_ISGID
ROOT = "/"
# Where files can lie that somebody made: never a network's, nor one that a person mounted himself (fuse).
FILE_SYSTEMS = ("ext", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "f2fs", "jfs", "bcachefs", "reiserfs")


class Lost(NamedTuple):
    """An account that was closed, or has less than before: its home, and the gids that it lost.

    `own`: it was there before, and all but setgid copies with these gids is its owner's.
    """

    home: str
    gids: frozenset[int] = frozenset()
    own: bool = False


class Disarmed(NamedTuple):
    """uid -> warnings (what couldn't be looked at or changed, or that time was up); uids to go on with."""

    warnings: dict[int, list[str]]
    unfinished: frozenset[int]


def disarm(system: System, accounts: Mapping[int, Lost], total_seconds: float | None = None) -> Disarmed:
    """Take the setuid and setgid bits off all files of these uids where they may have left some.

    Args:
        accounts: By uid.
        total_seconds: For all places together, where somebody waits; each has its own limit besides.
    """
    warnings: dict[int, list[str]] = {uid: [] for uid in accounts}
    unfinished: set[int] = set()
    end = None if total_seconds is None else system.monotonic() + total_seconds
    for walk in _places(system, accounts, end):
        for path, uid, problem in walk:
            if problem == TIME_IS_UP:
                unfinished.add(uid)
            if not problem and accounts[uid].own and not _has_gid(path, accounts[uid].gids):
                continue
            told = problem or _clear(system, path, uid)
            if told:
                warnings[uid].append(f"{path[:SHOWN_LENGTH]} {told}")
    return Disarmed(warnings, frozenset(unfinished))


TIME_IS_UP = "wasn't looked through to its end"


def _places(system: System, accounts: Mapping[int, Lost], end: float | None) -> Iterator[Found]:
    everybody = tuple(accounts)
    for uid, lost in accounts.items():
        yield _files_of(system, lost.home, (uid,), end)
    for folder in OPEN_FOLDERS:
        yield _files_of(system, folder, everybody, end)
    gids = frozenset(gid for lost in accounts.values() for gid in lost.gids)
    if gids:
        yield _files_where_writable(system, everybody, gids, end)


def _until(system: System, end: float | None) -> float:
    until = system.monotonic() + LIMIT_SECONDS
    return until if end is None else min(until, end)


def _has_gid(path: str, gids: frozenset[int]) -> bool:
    status = _status(path)
    return status is not None and status.st_gid in gids


def _clear(system: System, path: str, uid: int) -> str:
    try:
        system.clear_bits(path, uid, BITS)
    except OSError as error:
        return f"keeps its setuid or setgid bit: {error.strerror}"
    return ""


def _files_of(system: System, folder: str, uids: Sequence[int], end: float | None) -> Found:
    """Files of these uids with such a bit, in one file system, never through a link; or (path, uid, problem).

    By a list of its own: os.walk recurses before Python 3.12, and a person may nest folders deeper than that.
    """
    until = _until(system, end)
    device = _device(folder)
    waiting = [] if device is None else [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    status = _status(entry.path)
                    if status is None:
                        continue
                    if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                        waiting.append(entry.path)
                    elif _is_copy(status, uids):
                        yield entry.path, status.st_uid, ""
                    if system.monotonic() > until:
                        yield from ((folder, uid, TIME_IS_UP) for uid in uids)
                        return
        except FileNotFoundError:
            continue
        except OSError as error:  # a path longer than the kernel takes, for one
            yield from ((here, uid, f"can't be looked at: {error.strerror}") for uid in uids)


def _files_where_writable(
    system: System, uids: Sequence[int], gids: frozenset[int], end: float | None
) -> Found:
    """The same in all folders of local file systems that these uids or gids, or everybody, can write.

    Outer folders first, since shared ones lie there; of the others only the folders in them are looked at.
    """
    until = _until(system, end)
    closed = {point for point, kind in read_mounts() if not kind.startswith(FILE_SYSTEMS)}
    waiting = deque([ROOT])
    while waiting:
        here = waiting.popleft()
        if here in closed:
            continue
        try:
            writable = _can_write(_status(here), uids, gids)
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif writable:
                        found = _status(entry.path)
                        if found is not None and _is_copy(found, uids):
                            yield entry.path, found.st_uid, ""
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                yield from ((here, uid, f"can't be looked at: {error.strerror}") for uid in uids)
        if system.monotonic() > until:
            yield from ((ROOT, uid, TIME_IS_UP) for uid in uids)
            return


def _is_copy(status: os.stat_result, uids: Sequence[int]) -> bool:
    return bool(stat.S_ISREG(status.st_mode) and status.st_mode & BITS and status.st_uid in uids)


def _can_write(folder: os.stat_result | None, uids: Sequence[int], gids: frozenset[int]) -> bool:
    if folder is None:
        return False
    by_group = folder.st_gid in gids and folder.st_mode & stat.S_IWGRP
    return bool(folder.st_uid in uids or by_group or folder.st_mode & stat.S_IWOTH)


def _device(folder: str) -> int | None:
    """The file system of a folder, None where there is no folder or something is in its place."""
    status = _status(folder)
    return status.st_dev if status is not None and stat.S_ISDIR(status.st_mode) else None


def _status(path: str) -> os.stat_result | None:
    """What lies there; None where nothing does, or a mount of somebody's that root may not look at."""
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise
        return None
