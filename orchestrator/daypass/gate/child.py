"""The process of one command: forked from the resident, it takes the place of the one that sshd started.

Its streams, its environment and its end are the client's; nothing of the resident's or of other people's is
left open in it. The client's connection is watched by the kernel: when the client is gone, by an interrupt or
because its terminal is, the process ends as if it were killed, which may happen to it at any moment.
"""

from __future__ import annotations

import fcntl
import io
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from daypass.gate.knock import ENDED, EXIT_FAILED, STARTED

CONNECTION = 3  # behind the three streams
CHANGED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
# `daypass gate …`: its words to its exit code, or SystemExit.
Act = Callable[[Sequence[str]], int | None]


@dataclass(frozen=True)
class Knock:
    """What a client asks for.

    Attributes:
        words: Of `daypass gate`: `keys …` or `run …`.
        environment: The variables that came with it.
        streams: Its standard input, output and errors, as files of ours.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    streams: tuple[int, int, int]

    def close(self) -> None:
        for stream in self.streams:
            os.close(stream)


def become(knock: Knock, connection: socket.socket, act: Act) -> NoReturn:
    """Run the command as the client's own process would; never returns, whatever happens."""
    code = EXIT_FAILED
    try:
        os.setsid()
        _take_over(knock, connection.fileno())
        _end_with_client()
        os.write(CONNECTION, STARTED)
        code = _run(knock.words, act)
        fcntl.fcntl(CONNECTION, fcntl.F_SETFL, 0)
        os.write(CONNECTION, ENDED + bytes([code & 255]))
    finally:
        os._exit(code)


def _take_over(knock: Knock, connection: int) -> None:
    """The client's streams and variables; every other open file is closed."""
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, CONNECTION + 1) for each in (*knock.streams, connection)]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=number != CONNECTION)
    os.closerange(CONNECTION + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    os.environ.update(knock.environment)
    for number in CHANGED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    sys.stdin = _text(0, "r")
    sys.stdout = _text(1, "w", buffering=1 if os.isatty(1) else -1)
    sys.stderr = _text(2, "w", buffering=1, errors="backslashreplace")


def _text(
    descriptor: int, mode: str, *, buffering: int = -1, errors: str = "surrogateescape"
) -> io.TextIOWrapper:
    """A stream as Python makes it with `-X utf8`."""
    stream = open(descriptor, mode, buffering, "utf-8", errors, closefd=False)  # noqa: SIM115 # till the end
    return cast(io.TextIOWrapper, stream)


def _end_with_client() -> None:
    """SIGHUP, whose action is to end, as soon as the other end is closed (fcntl(2), F_SETSIG)."""
    fcntl.fcntl(CONNECTION, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(CONNECTION, fcntl.F_SETSIG, signal.SIGHUP)
    fcntl.fcntl(CONNECTION, fcntl.F_SETFL, os.O_ASYNC)
    watch = select.poll()
    watch.register(CONNECTION, select.POLLIN)
    if watch.poll(0):  # closed before, or something was said, which no client of ours does
        os._exit(EXIT_FAILED)


def _run(words: Sequence[str], act: Act) -> int:
    try:
        code: object = act(words)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 # as the interpreter does with what nobody caught
        traceback.print_exc()
        code = EXIT_FAILED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = EXIT_FAILED  # nobody reads any more
    return code if isinstance(code, int) else 0 if code is None else EXIT_FAILED
