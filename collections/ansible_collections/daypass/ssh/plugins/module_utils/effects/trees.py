# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing a folder with all in it, whatever a person has built there.

By folder descriptors, so that no link is followed; without recursion and with two descriptors at a time,
however deep folders are nested: each inner folder is moved up beside the outer ones before it is emptied.
busybox's rm(1) has no `--one-file-system`, and shutil.rmtree recurses.
"""

from __future__ import annotations

import errno
import os

from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: str, in_time: Callable[[], bool]) -> None:
    """Remove a file, a link or a folder with all in it; other file systems mounted there stay.

    Args:
        in_time: False when it has taken long enough.

    Raises:
        OSError: Something is still there; what can be removed is gone. `TimeoutError` when time is up.
    """
    try:
        os.unlink(path)
        return
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):  # POSIX lets unlink(2) say either of a folder
        top = os.open(path, FOLDER)
    try:
        problem = _empty(top, in_time)
    finally:
        os.close(top)
    if problem is not None:
        raise problem
    os.rmdir(path)


def _empty(top: int, in_time: Callable[[], bool]) -> OSError | None:
    device = os.fstat(top).st_dev
    stuck: dict[str, OSError] = {}
    while True:
        names = [name for name in os.listdir(top) if name not in stuck]
        if not names:
            return next(iter(stuck.values()), None)
        for name in names:
            if not in_time():
                raise TimeoutError(errno.ETIMEDOUT, "there is too much of it")
            try:
                _remove_one(top, name, device)
            except FileNotFoundError:
                continue
            except OSError as error:
                stuck[name] = error


def _remove_one(top: int, name: str, device: int) -> None:
    try:
        os.unlink(name, dir_fd=top)
        return
    except (IsADirectoryError, PermissionError):
        folder = os.open(name, FOLDER, dir_fd=top)
    try:
        if os.fstat(folder).st_dev != device:
            raise OSError(errno.EXDEV, "something is mounted there", name)
        for inner in os.listdir(folder):
            _unlink_or_move_up(folder, inner, top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _unlink_or_move_up(folder: int, name: str, top: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except (IsADirectoryError, PermissionError):
        os.rename(name, ".daypass-" + os.urandom(12).hex(), src_dir_fd=folder, dst_dir_fd=top)
