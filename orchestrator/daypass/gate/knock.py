"""What sshd starts: hands `gate keys …` and `gate run …` to the resident, and runs them here where none is.

A script: `python -I -S -X utf8 knock.py keys|run --config … --folder … --broker … …`. Standard library only,
and of that what Python has within itself: all of it starts in the time of an empty program.

The resident (`resident`) gets the words, three variables, and our standard input, output and errors
(unix(7), SCM_RIGHTS). Until it has said that it began nothing was done, and the command may be run here;
after that never. When this process ends, however it ends, the resident's part of it is ended too.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # of `signal`, which loads much more
import _socket
import errno
import os
import sys

TYPE_CHECKING = False  # as typing's, without loading typing
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROTOCOL = "1"  # of the two ends; another one is answered with ELSEWHERE
SOCKET = "socket"  # in the gate's own folder
VARIABLES = ("SSH_ORIGINAL_COMMAND", "SSH_CONNECTION", "TERM")
PYTHON_OPTIONS = ("-I", "-X", "utf8", "-m", "daypass", "gate")
STARTED, ELSEWHERE, BUSY, ENDED = b"S", b"N", b"B", b"E"
MOST_BYTES = 96 * 1024  # one message; words that are longer are refused by the command itself
ANSWER_SECONDS = 90  # longer than anybody waits for a turn
EXIT_FAILED = 1


def ask(words: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """The exit code of the command that the resident ran; None: nothing was begun.

    Args:
        words: Of `daypass gate`; `--folder` says where the resident listens.
    """
    connection = _connected(words)
    if connection is None:
        return None
    fields = [PROTOCOL, *(environ.get(name, "") for name in VARIABLES), *words]
    try:
        return _served(connection, "\0".join(fields).encode("utf-8", "surrogateescape"))
    finally:
        connection.close()


def _served(connection: _socket.socket, message: bytes) -> int | None:
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    if len(message) > MOST_BYTES:
        return None
    try:
        connection.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
        answer = connection.recv(MOST_BYTES)
    except (BrokenPipeError, ConnectionResetError):
        return None  # it came to an end with our words unread
    except OSError:
        return _told(b"error: the gate doesn't answer\n")
    if answer in (b"", ELSEWHERE):
        return None
    if answer != STARTED:
        return _told(answer[1:] if answer[:1] == BUSY else b"error: the gate's answer is odd\n")
    return _end(connection)


def _connected(words: Sequence[str]) -> _socket.socket | None:
    """A connection to a resident of our own user."""
    folder = words[words.index("--folder") + 1]
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    _wait_at_most(connection, ANSWER_SECONDS)
    try:
        connection.connect(f"{folder}/{SOCKET}")
        peer = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    except OSError as error:
        if error.errno == errno.EAGAIN:  # it is there, and so many wait that nobody is taken in
            os._exit(_told(b"error: too many people are here right now\nhint: try again in a minute\n"))
        return None
    uid = int.from_bytes(peer[4:8], sys.byteorder)  # struct ucred: pid, uid, gid
    return connection if uid == os.geteuid() else None


def _wait_at_most(connection: _socket.socket, seconds: int) -> None:
    """For each step; 0 = for ever. A struct timeval (socket(7))."""
    wait = seconds.to_bytes(8, sys.byteorder) + bytes(8)
    connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, wait)
    connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDTIMEO, wait)


def _end(connection: _socket.socket) -> int:
    """How the command ended; one that was killed has failed."""
    _wait_at_most(connection, 0)
    try:
        answer = connection.recv(2)
    except OSError:
        return EXIT_FAILED
    return answer[1] if len(answer) == 2 and answer[:1] == ENDED else EXIT_FAILED


def _told(text: bytes) -> int:
    os.write(2, text)
    return EXIT_FAILED


def main() -> None:
    """Ask, or become the command itself."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # an interrupt ends us, and so the resident's part
    words = sys.argv[1:]
    code = ask(words, os.environ)
    if code is not None:
        os._exit(code)
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)  # before Python is ready one would show a traceback
    os.execv(  # noqa: S606 # the very words that we were started with
        sys.executable, [sys.executable, *PYTHON_OPTIONS, *words]
    )


if __name__ == "__main__":
    main()
