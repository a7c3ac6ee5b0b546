# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder as one tar file, written bit by bit: what a run had no time for, the next one appends.

By folder descriptors and never through a link, though nothing should change there any more: another person
may still hold a folder open in it. Owners are numbers, as their names are gone. Not kept: extended
attributes, access control lists, sockets, and that sparse files are sparse.
"""

from __future__ import annotations

import os
import stat

from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects.trees import FOLDER

if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence

BLOCK = 512  # ustar (pax(1), "ustar Interchange Format")
RECORD = 20 * BLOCK
CHUNK = 1 << 20
DEPTH_MAX = 200  # descriptors; a process may have 1024
ENTRY_BYTES = 2 * BLOCK  # of a header, with room for a long name


class TooDeep(OSError):
    """Folders are nested deeper than `DEPTH_MAX`."""


class Mounted(OSError):
    """Another file system begins in the tree."""


class Entry(NamedTuple):
    """One thing in a tree.

    Attributes:
        path: Names from the top down.
        folder: Descriptor of the folder that it lies in; open until the next entry is asked for.
    """

    path: tuple[str, ...]
    status: os.stat_result
    folder: int


class _Level(NamedTuple):
    folder: int
    names: Iterator[str]
    path: tuple[str, ...]
    after: tuple[str, ...]


def walk(top: str, after: Sequence[str] = ()) -> Iterator[Entry]:
    """Everything in a tree, folders before their content, by name: the same order each time.

    Args:
        after: Path of an entry; those up to it are left out.

    Raises:
        OSError, TooDeep, Mounted.
    """
    levels = [_level(os.open(top, FOLDER), (), tuple(after))]
    device = os.fstat(levels[0].folder).st_dev
    try:
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                os.close(levels.pop().folder)
                continue
            path, on_the_way = (*level.path, name), level.after[:1] == (name,)
            try:
                status = os.stat(name, dir_fd=level.folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not on_the_way:
                yield Entry(path, status, level.folder)
            if stat.S_ISDIR(status.st_mode):
                if status.st_dev != device:
                    raise Mounted(0, "another file system is mounted there", "/".join(path))
                if len(levels) >= DEPTH_MAX:
                    raise TooDeep(0, "folders are nested too deep", "/".join(path[:3]))
                inner = os.open(name, FOLDER, dir_fd=level.folder)
                levels.append(_level(inner, path, level.after[1:] if on_the_way else ()))
    finally:
        for level in levels:
            os.close(level.folder)


def _level(folder: int, path: tuple[str, ...], after: tuple[str, ...]) -> _Level:
    names = sorted(os.listdir(folder))
    if after:
        names = [name for name in names if name >= after[0]]
    return _Level(folder, iter(names), path, after)


def measure(top: str, most: int, in_time: Callable[[], bool]) -> int | None:
    """Bytes that the archive of a tree will have, about; None when it takes too long to say.

    Args:
        most: More than this isn't counted any further.

    Raises:
        OSError, TooDeep, Mounted.
    """
    total = RECORD
    for entry in walk(top):
        if not in_time():
            return None
        total += ENTRY_BYTES
        if stat.S_ISREG(entry.status.st_mode):
            total += _padded(entry.status.st_size)
        if total > most:
            break
    return total


class Writer:
    """Appends entries to a tar file.

    Args:
        file: Descriptor, at the end of what is complete.
        base: First folder of every name in the archive.
    """

    def __init__(self, file: int, base: str) -> None:
        self._file = file
        self._base = base
        self._links: dict[tuple[int, int], str] = {}

    def add(self, entry: Entry) -> None:
        """Append one thing; what isn't there any more, and a socket, is left out.

        Raises:
            OSError: It can't be read, or the archive can't be written.
        """
        mode, name = entry.status.st_mode, "/".join((self._base, *entry.path))
        if stat.S_ISREG(mode):
            self._add_file(entry, name)
        elif stat.S_ISLNK(mode):
            self._header(
                name, entry.status, "SYMTYPE", target=os.readlink(entry.path[-1], dir_fd=entry.folder)
            )
        elif stat.S_ISDIR(mode):
            self._header(name, entry.status, "DIRTYPE")
        elif stat.S_ISFIFO(mode):
            self._header(name, entry.status, "FIFOTYPE")
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            self._header(name, entry.status, "CHRTYPE" if stat.S_ISCHR(mode) else "BLKTYPE")

    def top(self, status: os.stat_result) -> None:
        """Append the top folder itself."""
        self._header(self._base, status, "DIRTYPE")

    def end(self) -> None:
        """Append the end of the archive, and have all of it on the disk."""
        done = os.lseek(self._file, 0, os.SEEK_CUR) + 2 * BLOCK
        self._write(b"\0" * (2 * BLOCK + -done % RECORD))
        os.fsync(self._file)

    def _add_file(self, entry: Entry, name: str) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            source = os.open(entry.path[-1], flags, dir_fd=entry.folder)
        except FileNotFoundError:
            return
        try:
            status = os.fstat(source)
            if not stat.S_ISREG(status.st_mode):
                return
            first = self._links.get((status.st_dev, status.st_ino))
            if first is not None:
                self._header(name, status, "LNKTYPE", target=first)
                return
            if status.st_nlink > 1:
                self._links[(status.st_dev, status.st_ino)] = name
            self._header(name, status, "REGTYPE", status.st_size)
            self._copy(source, status.st_size)
        finally:
            os.close(source)

    def _header(self, name: str, status: os.stat_result, kind: str, size: int = 0, target: str = "") -> None:
        import tarfile  # only here: a run without a home to archive doesn't pay for it

        info = tarfile.TarInfo(name)
        info.type = getattr(tarfile, kind)
        info.size, info.linkname = size, target
        info.mode, info.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
        info.uid, info.gid = status.st_uid, status.st_gid
        info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))

    def _copy(self, source: int, size: int) -> None:
        """Exactly `size` bytes: a file that grows meanwhile is cut, one that shrinks is filled up."""
        left = size
        while left:
            chunk = os.read(source, min(CHUNK, left))
            if not chunk:
                chunk = b"\0" * min(CHUNK, left)
            self._write(chunk)
            left -= len(chunk)
        self._write(b"\0" * (-size % BLOCK))

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[os.write(self._file, view) :]


def _padded(size: int) -> int:
    return size + -size % BLOCK
