# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setuid and setgid files of the whole host, in a time limit. Nothing is changed.

What the host's packages bring is left out where dpkg's lists say so; elsewhere everything outside of the
system's own folders counts. Files of our range of uids and gids always do.
"""

from __future__ import annotations

import os
import stat

from ..contract import names
from ..contract.typed import TYPE_CHECKING
from .seen import Deep

if TYPE_CHECKING:
    from typing import Iterator

    from ..effects.system import System

BITS = stat.S_ISUID | stat.S_ISGID
FOUND_MOST = 200
PACKAGE_LISTS = "/var/lib/dpkg/info"
SYSTEM_FOLDERS = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/")
# Where nothing of a disk is, or another host's.
LEFT_OUT = ("/proc", "/sys", "/dev/pts", "/dev/mqueue", "/dev/hugepages")
LOCAL_TYPES = frozenset(
    "ext2 ext3 ext4 xfs btrfs f2fs zfs overlay tmpfs ramfs devtmpfs jfs reiserfs bcachefs vfat".split()
)


def search(system: System, mounts: list[tuple[str, str]], seconds: float) -> Deep:
    """Look at every local file system, folder by folder.

    Args:
        mounts: (mount point, type) of all mounts.
        seconds: Time for all of it; a host with millions of files isn't held up.
    """
    until = system.monotonic() + seconds
    packaged = _packaged(system)
    local = {point for point, kind in mounts if kind in LOCAL_TYPES} | {"/"}
    found: list[tuple[str, str]] = []
    for path, status in _files(sorted(local)):
        if status is None:
            if system.monotonic() > until or len(found) >= FOUND_MOST:
                return Deep(tuple(found), path)
        elif _worth_telling(path, status, packaged):
            found.append((path, _rights(status)))
    return Deep(tuple(sorted(set(found))))


def _files(roots: list[str]) -> Iterator[tuple[str, os.stat_result | None]]:
    """Each folder as (path, None) before it is opened, then its files with such a bit."""
    for root in roots:
        device = _device(root)
        waiting = [] if device is None or root.startswith(LEFT_OUT) else [root]
        while waiting:
            here = waiting.pop()
            yield here, None
            for path, status in _entries(here):
                if stat.S_ISDIR(status.st_mode):
                    if status.st_dev == device and _passable(status):
                        waiting.append(path)
                elif stat.S_ISREG(status.st_mode) and status.st_mode & BITS:
                    yield path, status


def _passable(folder: os.stat_result) -> bool:
    """Whether anybody but root gets into it: what lies in others (images of containers) runs for nobody."""
    mode = folder.st_mode
    return bool(folder.st_uid or mode & stat.S_IXOTH or (mode & stat.S_IXGRP and folder.st_gid))


def _entries(folder: str) -> list[tuple[str, os.stat_result]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    found.append((entry.path, entry.stat(follow_symlinks=False)))
                except OSError:
                    continue
    except OSError:
        pass  # gone meanwhile, or a mount of somebody's that root may not look at
    return found


def _device(path: str) -> int | None:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return None


def _packaged(system: System) -> frozenset[str] | None:
    """Paths of all files that packages brought, None where there is no dpkg."""
    lists = [name for name in system.names(PACKAGE_LISTS) if name.endswith(".list")]
    if not lists:
        return None
    paths: set[str] = set()
    for name in lists:
        content = system.read(f"{PACKAGE_LISTS}/{name}") or b""
        paths.update(content.decode("utf-8", "surrogateescape").splitlines())
    # A merged /usr: the list says /bin/su, the file is /usr/bin/su.
    return frozenset(paths | {"/usr" + path for path in paths})


def _worth_telling(path: str, status: os.stat_result, packaged: frozenset[str] | None) -> bool:
    if any(names.UID_MIN <= one <= names.UID_MAX for one in (status.st_uid, status.st_gid)):
        return True
    if packaged is not None:
        return path not in packaged
    return not path.startswith(SYSTEM_FOLDERS)


def _rights(status: os.stat_result) -> str:
    words = [f"uid {status.st_uid}"] if status.st_mode & stat.S_ISUID else []
    words += [f"gid {status.st_gid}"] if status.st_mode & stat.S_ISGID else []
    return " and ".join(words)
