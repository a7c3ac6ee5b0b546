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
import syslog
import time

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from . import children
from .beside import Beside
from .files import Files

if TYPE_CHECKING:
    from typing import Any, Callable

# A full or read-only file system: flock(2) works there all the same, and closings must go on.
PSEUDO_TERMINALS = range(136, 144)  # major numbers of /dev/pts (Linux, Documentation/admin-guide/devices.txt)
CANT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# For a program that hung before in this run: the other accounts' closings can't wait for it each time.
HUNG_SECONDS = 2.0


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


class Held:
    """A lock file that is held inside of a `with`. (contextlib costs as much as fifty accounts.)

    Args:
        begin: Opens it.
        take: Takes the lock.
        let_go: Called before the file is closed.
    """

    def __init__(
        self, begin: Callable[[], int], take: Callable[[int], None], let_go: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._take = take
        self._let_go = let_go

    def __enter__(self) -> None:
        self._descriptor = self._begin()
        try:
            self._take(self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *_raised: object) -> None:
        self._let_go()
        os.close(self._descriptor)


class System(Files):
    """The host as it is. Paths are absolute; contents are bytes; times are seconds."""

    _hung: frozenset = frozenset()  # programs that didn't end once in this run
    _waiting: tuple[Beside, ...] = ()  # what begins beside the next program
    _lock_descriptor = None  # inherited by changing programs: a useradd that outlives us keeps the lock

    # --- programs -------------------------------------------------------------------------------------------
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
        completed = self._run(argv, stdin, timeout_seconds, self._lock_descriptor)
        self.after("change", " ".join(argv))
        return completed

    def _run(self, argv: list[str], stdin: str, timeout_seconds: float, held: int | None = None) -> Completed:
        limit = min(timeout_seconds, HUNG_SECONDS) if argv[0] in self._hung else timeout_seconds
        try:
            rc, *texts = children.run(argv, stdin.encode("utf-8"), limit, held, self._begin_waiting)
        except TimeoutError:
            self._hung = self._hung | {argv[0]}
            return Completed(124, "", "not finished after %s s" % limit)
        except OSError as error:
            return Completed(127, "", "%s: %s" % (argv[0], error.strerror))
        return Completed(rc, *(text.decode("utf-8", "replace") for text in texts))

    def _begin_waiting(self) -> None:
        waiting, self._waiting = self._waiting, ()
        for beside in waiting:
            beside.begin()

    def beside(self, ask: Callable[[], Any], at_once: bool = True) -> Callable[[], Any]:
        """Begin to ask what changes nothing, beside what comes next.

        Args:
            at_once: False where it takes more computing than waiting: it begins when the next program runs,
                and until then takes no time from what comes next.

        Returns:
            Waits for the answer and gives it, or raises what asking raised; may be called once or never.
        """
        beside = Beside(ask)
        if at_once:
            beside.begin()
        else:
            self._waiting = (*self._waiting, beside)
        return beside.wait

    # --- processes and time ---------------------------------------------------------------------------------
    def signal(self, pid: int, number: int, still_meant: Callable[[], bool] | None = None) -> bool:
        """Send a signal; False where the process is gone.

        Args:
            still_meant: Asked once the process is held: its number may be another's by now, for one where
                somebody forks as fast as he can (pidfd_open(2); without it a gap of microseconds remains).
        """
        import signal  # loads enum; most runs end nobody

        self.before("signal", "%d %d" % (pid, number))
        held = None
        try:
            held = children.hold(pid)
            if still_meant is not None and not still_meant():
                return False
            if held is None:
                os.kill(pid, number)
            else:
                getattr(signal, "pidfd_send_signal")(held, number)  # noqa: B009 - not in Python 3.8
        except ProcessLookupError:
            return False
        finally:
            if held is not None:
                os.close(held)
            self.after("signal", "%d %d" % (pid, number))
        return True

    def log(self, line: str, problem: bool = False) -> None:
        """Tell the host's log (syslog(3), facility auth) in one line."""
        syslog.openlog("daypass", syslog.LOG_PID, syslog.LOG_AUTH)
        syslog.syslog(syslog.LOG_WARNING if problem else syslog.LOG_NOTICE, line)

    def write_terminal(self, path: str, uid: int, text: bytes) -> bool:
        """Write to a terminal of this person without ever waiting; False: it isn't his, or takes nothing."""
        self.before("terminal", path)
        try:
            return self._write_terminal(path, uid, text)
        except OSError:
            return False
        finally:
            self.after("terminal", path)

    @staticmethod
    def _write_terminal(path: str, uid: int, text: bytes) -> bool:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            his = stat.S_ISCHR(status.st_mode) and status.st_uid == uid
            if not his or os.major(status.st_rdev) not in PSEUDO_TERMINALS:
                return False
            return os.write(descriptor, text) == len(text)
        finally:
            os.close(descriptor)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def boot_id(self) -> str:
        """The kernel's id of this boot; "" where it says none."""
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read(64).strip()
        except OSError:
            return ""

    def boot_seconds(self) -> float:
        """Seconds since the kernel was booted, as /proc/PID/stat counts a process's start."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def clock(self) -> int:
        """The host's clock in seconds since 1970."""
        return int(time.time())

    def lock(self, path: str, wait_seconds: float) -> Held:
        """Hold the lock file alone; the kernel frees it with the process.

        It is removed by off-boarding alone, which holds it then: whoever has waited for it finds out.

        Raises:
            Refusal: `lock_timeout`, with the process that holds it.
            FileNotFoundError: Its folder isn't there, or has gone meanwhile.
        """

        def take(descriptor: int) -> None:
            self._wait_for_lock(descriptor, path, wait_seconds)
            if not os.path.samestat(os.stat(path), os.fstat(descriptor)):
                raise FileNotFoundError(errno.ENOENT, "the lock was taken away and made anew", path)
            self._name_holder(descriptor)
            self._lock_descriptor = descriptor

        def let_go() -> None:
            self._lock_descriptor = None

        return Held(lambda: self._open_lock(path), take, let_go)

    def shared_lock(self, path: str, wait_seconds: float) -> Held:
        """Hold the lock file beside other readers, for looking only: nothing is written, not even who we are.

        Raises:
            Refusal: `lock_timeout`.
            FileNotFoundError: There is no lock file.
        """

        def take(descriptor: int) -> None:
            self._wait_for_lock(descriptor, path, wait_seconds, fcntl.LOCK_SH)

        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        return Held(lambda: os.open(path, flags), take, lambda: None)

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

    def _wait_for_lock(
        self, descriptor: int, path: str, wait_seconds: float, kind: int = fcntl.LOCK_EX
    ) -> None:
        until = self.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
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
