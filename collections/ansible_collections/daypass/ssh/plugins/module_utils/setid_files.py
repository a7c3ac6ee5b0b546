# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setuid and setgid copies: a program that somebody copied while in a group keeps that group's rights.

After an account's processes have ended, such files of its own lose those bits, in its home and where
everybody can write. Folders keep theirs: there the bit gives nobody a right.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Iterator, Mapping, Sequence

if TYPE_CHECKING:
    from .system import System

OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked through, never written to
LIMIT_SECONDS = 5.0  # for each place: one home with millions of files takes nothing from the next
SHOWN_LENGTH = 120
BITS = stat.S_ISUID | stat.S_ISGID


def disarm(system: System, homes: Mapping[int, str]) -> dict[int, list[str]]:
    """Take the setuid and setgid bits off all files of these uids in their homes and in the open folders.

    Args:
        homes: uid -> home.

    Returns:
        uid -> warnings: what couldn't be looked at or changed, or that time was up.
    """
    warnings: dict[int, list[str]] = {uid: [] for uid in homes}
    places = [(home, (uid,)) for uid, home in homes.items()]
    places += [(folder, tuple(homes)) for folder in OPEN_FOLDERS]
    for folder, uids in places:
        for path, uid, problem in _files_of(system, folder, uids):
            told = problem or _clear(system, path, uid)
            if told:
                warnings[uid].append(f"{path[:SHOWN_LENGTH]} {told}")
    return warnings


def _clear(system: System, path: str, uid: int) -> str:
    try:
        system.clear_bits(path, uid, BITS)
    except OSError as error:
        return f"keeps its setuid or setgid bit: {error.strerror}"
    return ""


def _files_of(system: System, folder: str, uids: Sequence[int]) -> Iterator[tuple[str, int, str]]:
    """Files of these uids with such a bit, in one file system, never through a link; or (path, uid, problem).

    By a list of its own: os.walk recurses before Python 3.12, and a person may nest folders deeper than that.
    """
    until = system.monotonic() + LIMIT_SECONDS
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
                    elif stat.S_ISREG(status.st_mode) and status.st_mode & BITS and status.st_uid in uids:
                        yield entry.path, status.st_uid, ""
                    if system.monotonic() > until:
                        yield from ((folder, uid, "wasn't looked through to its end") for uid in uids)
                        return
        except FileNotFoundError:
            continue
        except OSError as error:  # a path longer than the kernel takes, for one
            yield from ((here, uid, f"can't be looked at: {error.strerror}") for uid in uids)


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
