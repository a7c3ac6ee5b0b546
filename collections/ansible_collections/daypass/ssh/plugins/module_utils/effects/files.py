# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file effects of `System`: written as one step, never through a link that somebody put there."""

from __future__ import annotations

import errno
import os
import stat
import time

from ..contract.typed import TYPE_CHECKING
from . import trees

if TYPE_CHECKING:
    from typing import Any, Callable

READ_LIMIT = 64 << 20  # no file that we read is larger on a sane host
CHUNK = 1 << 16
REMOVE_TREE_SECONDS = 60  # what is left goes with the next run


class Files:
    """Reading and writing files of root's. `System` gives the hooks and the programs."""

    if TYPE_CHECKING:
        _run: Callable[..., Any]  # `System` has it

    def before(self, effect: str, detail: str) -> None:
        """Called before each change with its kind (`change`, `write`, …) and a word on it."""

    def after(self, effect: str, detail: str) -> None:
        """Called after each change."""

    def query(self, argv: list[str], stdin: str = "", timeout_seconds: float = 10) -> Any:
        """Run a program that changes nothing."""
        return self._run(argv, stdin, timeout_seconds)

    def monotonic(self) -> float:
        """Seconds that never jump, for waiting."""
        return time.monotonic()

    def read(self, path: str) -> bytes | None:
        """The content of a regular file, None where there is none.

        Raises:
            OSError: It is there and can't be read, or is no regular file. A FIFO isn't waited for.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            return _content(descriptor)
        finally:
            os.close(descriptor)

    def exists(self, path: str) -> bool:
        """Whether anything has that name, a dangling link too."""
        return os.path.lexists(path)

    def status(self, path: str) -> os.stat_result | None:
        """`lstat` of the path, None where there is nothing."""
        try:
            return os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, folder: str) -> list:
        """Sorted names in a folder; empty where there is no such folder."""
        try:
            return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def write(
        self,
        path: str,
        content: bytes,
        mode: int,
        uid: int = 0,
        gid: int = 0,
        validate: Callable[[str], None] | None = None,
    ) -> None:
        """Replace a file as one step: whoever reads sees the old or the new content, also after a power cut.

        The temporary file lies in the same folder and begins with a dot: a name without one is live in
        sudoers.d, and no login begins with one. Its name is fixed, so that a kill leaves no litter.

        Args:
            validate: Called with the temporary path before the rename; what it raises stops the write.
        """
        folder, name = os.path.split(path)
        temporary = os.path.join(folder, ".%s.tmp" % name)
        self.before("write", path)
        try:
            self._write_temporary(temporary, content, mode, uid, gid)
            if validate is not None:
                validate(temporary)
            self._restore_context(path, temporary)
            os.rename(temporary, path)
        except BaseException:
            self._unlink(temporary)
            raise
        self._sync_folder(folder)
        self.after("write", path)

    def _write_temporary(self, temporary: str, content: bytes, mode: int, uid: int, gid: int) -> None:
        self._unlink(temporary)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)  # whatever the umask
            os.fsync(descriptor)

    def _restore_context(self, path: str, place: str) -> None:
        """Give what lies at `place` the SELinux context that `path` should have."""
        if not os.path.exists("/sys/fs/selinux/enforce"):
            return
        wanted = self.query(["matchpathcon", "-n", path]).stdout.strip()
        if wanted and wanted != "<<none>>":
            self.query(["chcon", wanted, place])

    def overwrite(self, path: str, content: bytes) -> None:
        """Put content over a file's first bytes, in place. It needs no room, so it works on a full disk.

        Raises:
            OSError: The file isn't there or can't be written.
        """
        self.before("overwrite", path)
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags), "wb", buffering=0) as file:
            os.pwrite(file.fileno(), content, 0)
            os.fsync(file.fileno())
        self.after("overwrite", path)

    def remove(self, path: str) -> None:
        """Remove a file or link; nothing there is fine."""
        self.before("remove", path)
        self._unlink(path)
        self._sync_folder(os.path.dirname(path))
        self.after("remove", path)

    def rename(self, old: str, new: str) -> None:
        """Rename within one file system."""
        self.before("rename", "%s %s" % (old, new))
        os.rename(old, new)
        # The new name first: a power cut between the two leaves it under both, not under none.
        self._sync_folder(os.path.dirname(new))
        self._sync_folder(os.path.dirname(old))
        self.after("rename", "%s %s" % (old, new))

    def blank_lines(self, path: str, gone: Callable[[bytes], bool]) -> None:
        """Make lines of a file of root's comments, in place. It needs no room, so it works on a full disk.

        Args:
            gone: Whether a line (with its end) is to go.

        Raises:
            OSError: The file isn't there or can't be written.
        """
        self.before("blank_lines", path)
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags), "r+b", buffering=0) as file:
            place = 0
            for line in _content(file.fileno()).splitlines(True):
                if len(line) > 2 and gone(line):
                    # Two characters at once: in sudoers `#` alone makes a user id of a digit that follows.
                    os.pwrite(file.fileno(), b"# ", place)
                place += len(line)
            os.fsync(file.fileno())
        self.after("blank_lines", path)

    def clear_bits(self, path: str, uid: int, bits: int) -> None:
        """Take mode bits off a regular file of this owner; a link, a FIFO or another's file stays as it is.

        Raises:
            OSError: It couldn't be opened or changed.
        """
        self.before("clear_bits", path)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_uid == uid:
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~bits)
        finally:
            os.close(descriptor)
        self.after("clear_bits", path)

    def remove_tree(self, path: str, seconds: float | None = None) -> None:
        """Remove a folder and all in it, never through a link and never onto another file system.

        Args:
            seconds: How long it may take; None = `REMOVE_TREE_SECONDS`.

        Raises:
            OSError: Something of it is still there; `TimeoutError`: there is too much for one run.
        """
        self.before("remove_tree", path)
        until = self.monotonic() + (REMOVE_TREE_SECONDS if seconds is None else seconds)
        trees.remove(path, lambda: self.monotonic() < until)
        self.after("remove_tree", path)

    def open_part(self, path: str, offset: int) -> int:
        """Open root's own file (0600) for writing after its first `offset` bytes; what came after is gone.

        Returns:
            A descriptor, which the caller closes.
        """
        self.before("open_part", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        self._restore_context(path, path)
        self.after("open_part", path)
        return descriptor

    def make_folder(self, path: str, mode: int) -> None:
        """Make a folder of root's with exactly this mode; one that is there keeps its content.

        Raises:
            OSError: Something else has that name, or the folder isn't root's.
        """
        self.before("make_folder", path)
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            pass
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
            raise OSError(errno.EEXIST, "not a folder of root", path)
        if stat.S_IMODE(found.st_mode) != mode:
            os.chmod(path, mode)
        self._restore_context(path, path)
        self._sync_folder(os.path.dirname(path))
        self.after("make_folder", path)

    @staticmethod
    def _unlink(path: str) -> None:
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            pass

    @staticmethod
    def _sync_folder(folder: str) -> None:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _content(descriptor: int) -> bytes:
    """All of a file up to `READ_LIMIT`; asked for that much at once, Python first makes room for it."""
    content = b""
    while len(content) < READ_LIMIT:
        part = os.read(descriptor, CHUNK)
        if not part:
            break
        content += part
    return content[:READ_LIMIT]
