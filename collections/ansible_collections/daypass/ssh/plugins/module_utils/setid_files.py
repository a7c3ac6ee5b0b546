# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setuid and setgid copies: a program that somebody copied while in a group keeps that group's rights.

After an account's processes have ended, such files of its own lose those bits, in its home and where
everybody can write. Folders keep theirs: there the bit gives nobody a right.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Container, Iterator, Mapping

if TYPE_CHECKING:
    from .system import System

OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked through, never written to
LIMIT_SECONDS = 10.0  # a home with millions of files must not hold up the closing of others
BITS = stat.S_ISUID | stat.S_ISGID


def disarm(system: System, homes: Mapping[int, str]) -> dict[int, list[str]]:
    """Take the setuid and setgid bits off all files of these uids in their homes and in the open folders.

    Args:
        homes: uid -> home.

    Returns:
        uid -> warnings: what couldn't be changed, or that time was up.
    """
    until = system.monotonic() + LIMIT_SECONDS
    warnings: dict[int, list[str]] = {uid: [] for uid in homes}
    places = [(home, (uid,)) for uid, home in homes.items()]
    places += [(folder, tuple(homes)) for folder in OPEN_FOLDERS]
    for folder, uids in places:
        for path, uid in _files_of(folder, uids):
            try:
                if os.lstat(path).st_mode & BITS:
                    system.clear_bits(path, uid, BITS)
            except OSError as error:
                warnings[uid].append(f"{path} keeps its setuid or setgid bit: {error.strerror}")
            if system.monotonic() > until:
                warnings[uid].append(f"not all of {folder} was looked through for setuid files")
                return warnings
    return warnings


def _files_of(folder: str, uids: Container[int]) -> Iterator[tuple[str, int]]:
    """Regular files of these uids, in one file system, never through a link."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        return
    device = _device(folder)
    for here, folders, files in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if _device(os.path.join(here, name)) == device]
        for name in files:
            path = os.path.join(here, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_uid in uids:
                yield path, status.st_uid


def _device(path: str) -> int:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return -1
