# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All effects on a host go through `System`: reading, running, writing, signalling.

Each change calls `before` and `after`; here they do nothing, the tests end the process in them to prove that
the next run puts everything right.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import time
from contextlib import contextmanager
from typing import Callable, Iterator

from .names import Refusal

# The whole environment of every program that we start: nothing of the caller's reaches useradd or visudo.
CHILD_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
READ_LIMIT = 64 << 20  # no file that we read is larger on a sane host
REMOVE_TREE_SECONDS = 60  # what is left goes with the next run
# A full or read-only file system: flock(2) works there all the same, and closings must go on.
CANT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Completed:
    """What a program left behind: `rc` (int; 124 = time is up, 127 = not found), `stdout`, `stderr` (str)."""

    def __init__(self, rc: int, stdout: str, stderr: str) -> None:
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr


class CommandFailed(Exception):
    """A changing program returned another code than 0."""

    def __init__(self, argv: list[str], completed: Completed) -> None:
        super().__init__("%s returned %d: %s" % (argv[0], completed.rc, completed.stderr.strip()[-300:]))
        self.argv = argv
        self.completed = completed


class System:
    """The host as it is. Paths are absolute; contents are bytes; times are seconds."""

    _lock_descriptor = None  # inherited by changing programs: a useradd that outlives us keeps the lock

    def before(self, effect: str, detail: str) -> None:
        """Called before each change with its kind (`change`, `write`, …) and a word on it."""

    def after(self, effect: str, detail: str) -> None:
        """Called after each change."""

    # --- programs -------------------------------------------------------------------------------------------
    def query(self, argv: list[str], stdin: str = "", timeout_seconds: float = 10) -> Completed:
        """Run a program that changes nothing. Never raises on its return code."""
        return self._run(argv, stdin, timeout_seconds)

    def change(self, argv: list[str], stdin: str = "", timeout_seconds: float = 30) -> Completed:
        """Run a program that changes the host.

        Raises:
            CommandFailed: It returned another code than 0, wasn't found, or took too long.
        """
        completed = self.attempt(argv, stdin, timeout_seconds)
        if completed.rc != 0:
            raise CommandFailed(argv, completed)
        return completed

    def attempt(self, argv: list[str], stdin: str = "", timeout_seconds: float = 30) -> Completed:
        """Run a program that changes the host and whose return code proves nothing: look afterwards."""
        self.before("change", " ".join(argv))
        held = () if self._lock_descriptor is None else (self._lock_descriptor,)
        completed = self._run(argv, stdin, timeout_seconds, held)
        self.after("change", " ".join(argv))
        return completed

    def _run(self, argv: list[str], stdin: str, timeout_seconds: float, descriptors: tuple = ()) -> Completed:
        try:
            done = subprocess.run(
                argv,
                input=stdin.encode("utf-8"),
                capture_output=True,
                env=CHILD_ENVIRONMENT,
                cwd="/",
                timeout=timeout_seconds,
                pass_fds=descriptors,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Completed(124, "", "not finished after %s s" % timeout_seconds)
        except OSError as error:
            return Completed(127, "", "%s: %s" % (argv[0], error.strerror))
        return Completed(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    # --- files ----------------------------------------------------------------------------------------------
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
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            return file.read(READ_LIMIT)

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

    def _restore_context(self, path: str, temporary: str) -> None:
        """Give the temporary file the SELinux context that `path` should have."""
        if not os.path.exists("/sys/fs/selinux/enforce"):
            return
        wanted = self.query(["matchpathcon", "-n", path]).stdout.strip()
        if wanted and wanted != "<<none>>":
            self.query(["chcon", wanted, temporary])

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
        self._sync_folder(os.path.dirname(old))
        self._sync_folder(os.path.dirname(new))
        self.after("rename", "%s %s" % (old, new))

    def remove_tree(self, path: str) -> None:
        """Remove a folder and all in it, never through a link and never onto another file system.

        By rm(1), which goes by folder descriptors as shutil.rmtree does, but neither recurses (a person may
        nest folders deeper than Python's stack) nor runs without a limit.

        Raises:
            OSError: Something of it is still there.
        """
        self.before("remove_tree", path)
        done = self._run(["rm", "-rf", "--one-file-system", "--", path], "", REMOVE_TREE_SECONDS)
        self.after("remove_tree", path)
        if os.path.lexists(path):
            raise OSError(errno.ENOTEMPTY, " ".join(done.stderr.split())[-200:] or "it is still there", path)

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

    # --- processes and time ---------------------------------------------------------------------------------
    def signal(self, pid: int, number: int) -> bool:
        """Send a signal; False where the process is gone."""
        self.before("signal", "%d %d" % (pid, number))
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        finally:
            self.after("signal", "%d %d" % (pid, number))
        return True

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """Seconds that never jump, for waiting."""
        return time.monotonic()

    def clock(self) -> int:
        """The host's clock in seconds since 1970."""
        return int(time.time())

    @contextmanager
    def lock(self, path: str, wait_seconds: float) -> Iterator[None]:
        """Hold the lock file alone. It is never renamed or removed; the kernel frees it with the process.

        Raises:
            Refusal: `lock_timeout`, with the process that holds it.
        """
        descriptor = self._open_lock(path)
        try:
            self._wait_for_lock(descriptor, path, wait_seconds)
            self._name_holder(descriptor)
            self._lock_descriptor = descriptor
            yield
        finally:
            self._lock_descriptor = None
            os.close(descriptor)

    @staticmethod
    def _open_lock(path: str) -> int:
        flags = os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno not in CANT_WRITE:
                raise
            return os.open(path, flags | os.O_RDONLY)

    @staticmethod
    def _name_holder(descriptor: int) -> None:
        """Write who holds it, for messages; whoever can't write has the lock all the same."""
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass

    def _wait_for_lock(self, descriptor: int, path: str, wait_seconds: float) -> None:
        until = self.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self.sleep(0.05)
            if self.monotonic() >= until:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                raise Refusal(
                    "lock_timeout",
                    f"{path} is held by process {holder or '?'} for more than {wait_seconds} s",
                    "look at that process on the host; the next run tries again",
                )
