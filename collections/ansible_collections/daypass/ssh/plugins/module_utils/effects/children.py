# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs as children of ours: started, listened to, ended when their time is up.

As subprocess does it, at a price that a short run can pay: importing that takes as long as reading fifty
accounts, and it finds out up to 50 ms late that a child has ended. Needs posix_spawn(3) with a new session:
glibc 2.26, musl 1.1.22.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from select import POLLIN, POLLOUT, poll

from ..contract.typed import TYPE_CHECKING

try:
    from _signal import SIGKILL, SIGPIPE, SIGXFSZ  # without signal, which loads enum
except ImportError:
    from signal import SIGKILL, SIGPIPE, SIGXFSZ

if TYPE_CHECKING:
    from typing import Callable

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The whole environment of every program that we start: nothing of the caller's reaches useradd or visudo.
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
KILLED_SECONDS = 1.0  # for a program in an uninterruptible wait (a dead NFS server): it is left behind then
LOOK_SECONDS = 0.0005  # between two looks at a child, where this Python or kernel can't wait for one
CHUNK = 1 << 16  # what a pipe holds


def run(
    argv: list[str], stdin: bytes, seconds: float, held: int | None, begun: Callable[[], None]
) -> tuple[int, bytes, bytes]:
    """Run a program to its end, in a session of its own and in the root folder.

    That is this process's own folder from here on: it isn't started in a person's home, which may be gone.

    Args:
        held: A descriptor that it inherits beside its three pipes, None for none.
        begun: Called as soon as it runs.

    Returns:
        Its exit code (less than 0: the signal that ended it), standard output, standard error.

    Raises:
        OSError: It can't be started.
        TimeoutError: It took longer; it was killed with all of its session's first process group.
    """
    until = time.monotonic() + seconds
    child = _Child(argv, stdin, held)
    try:
        begun()
        out, complaint = child.listen(until)
        return child.wait(until), out, complaint
    except TimeoutError:
        child.kill()
        raise
    finally:
        child.close()


class _Child:
    """A program that runs, and our ends of its pipes."""

    def __init__(self, argv: list[str], stdin: bytes, held: int | None) -> None:
        self._ours: set[int] = set()
        self._theirs: set[int] = set()
        self._stdin = memoryview(stdin)
        os.chdir("/")
        try:
            self._start(argv, held)
        except BaseException:
            self.close()
            raise
        finally:
            _close(self._theirs)

    def _start(self, argv: list[str], held: int | None) -> None:
        actions: list[tuple] = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        if self._stdin:
            theirs, self._in = self._pipe(ours=1)
            os.set_blocking(self._in, False)
            actions = [(os.POSIX_SPAWN_DUP2, theirs, 0)]
        self._out, theirs = self._pipe(ours=0)
        actions.append((os.POSIX_SPAWN_DUP2, theirs, 1))
        self._err, theirs = self._pipe(ours=0)
        actions.append((os.POSIX_SPAWN_DUP2, theirs, 2))
        if held is not None:  # the last: its new number may have been a pipe's
            actions.append((os.POSIX_SPAWN_DUP2, held, 4 if held == 3 else 3))
        self.pid = os.posix_spawn(
            program_of(argv[0]),
            argv,
            ENVIRONMENT,
            file_actions=actions,
            setsid=True,
            setsigdef=[SIGPIPE, SIGXFSZ],  # Python ignores them
        )

    def _pipe(self, ours: int) -> tuple[int, int]:
        ends = tuple(map(_above_standard, os.pipe()))
        self._ours.add(ends[ours])
        self._theirs.add(ends[1 - ours])
        return ends[0], ends[1]

    def listen(self, until: float) -> tuple[bytes, bytes]:
        """Tell it its input and hear it out, until it has closed both of its pipes."""
        pipes = poll()
        heard: dict[int, list[bytes]] = {self._out: [], self._err: []}
        for descriptor in self._ours:
            pipes.register(descriptor, POLLIN if descriptor in heard else POLLOUT)
        while not self._ours.isdisjoint(heard):
            for descriptor, _event in pipes.poll(_milliseconds(until)):
                chunk = os.read(descriptor, CHUNK) if descriptor in heard else self._tell()
                if chunk:
                    heard.get(descriptor, []).append(chunk)
                else:
                    pipes.unregister(descriptor)
                    self._ours.discard(descriptor)
                    os.close(descriptor)
        return b"".join(heard[self._out]), b"".join(heard[self._err])

    def _tell(self) -> memoryview:
        """Write as much as it takes; what is left, nothing when it takes no more."""
        try:
            self._stdin = self._stdin[os.write(self._in, self._stdin[:CHUNK]) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._stdin = memoryview(b"")
        return self._stdin

    def wait(self, until: float) -> int:
        """Its exit code."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            _wait_for_end(self.pid, until)

    def kill(self) -> None:
        """End it with all that it started; one that can't be killed isn't waited for."""
        try:
            os.killpg(self.pid, SIGKILL)
            self.wait(time.monotonic() + KILLED_SECONDS)
        except (ProcessLookupError, TimeoutError):
            pass

    def close(self) -> None:
        """Close what is left of its pipes."""
        _close(self._ours)


def program_of(name: str) -> str:
    """The path of a program.

    Raises:
        FileNotFoundError: It is in none of the folders of our `PATH`.
    """
    if "/" in name:
        return name
    for folder in PATH.split(":"):
        path = "%s/%s" % (folder, name)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def hold(pid: int) -> int | None:
    """A descriptor of the process, None where this Python or kernel has none (pidfd_open(2)).

    Raises:
        ProcessLookupError: There is none.
    """
    opener = getattr(os, "pidfd_open", None)  # Python 3.9, Linux 5.3
    try:
        return None if opener is None else int(opener(pid))
    except ProcessLookupError:
        raise
    except OSError:
        return None


def _wait_for_end(pid: int, until: float) -> None:
    """Wait until a child of ours has ended, or some time where that can't be waited for."""
    left = _milliseconds(until)
    held = hold(pid)
    if held is None:
        time.sleep(LOOK_SECONDS)
        return
    try:
        ended = poll()
        ended.register(held, POLLIN)
        ended.poll(left)
    finally:
        os.close(held)


def _milliseconds(until: float) -> int:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return int(left * 1000) + 1


def _above_standard(descriptor: int) -> int:
    """The same above 2, for whoever was started with one of the standard ones closed."""
    if descriptor > 2:
        return descriptor
    higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return int(higher)


def _close(descriptors: set[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
