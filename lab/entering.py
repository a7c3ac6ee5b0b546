"""Commands on a running host by lab/enter.py: podman's own `exec` takes half a second on a busy machine."""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from lab import machine, podman

PROGRAM = Path(__file__).with_name("enter.py")
RESIDENT = Path(__file__).with_name("enter_often.py")
KILLED = 137  # nobody was left to say how the command ended
STARTED = (
    19  # field of /proc/PID/stat behind the name: start time (proc(5)); with the PID it names one process
)

_known: dict[str, tuple[int, str]] = {}


@functools.cache
def _base() -> tuple[str, ...]:
    return tuple(machine.privileged([sys.executable, "-I", "-S", str(PROGRAM)]))


_turn = threading.Lock()
_residents: list[tuple[subprocess.Popen[bytes], socket.socket]] = []


def _resident() -> socket.socket:
    """Where lab/enter_often.py takes orders; it is started when first needed, and ends with us."""
    with _turn:
        while _residents and _residents[-1][0].poll() is not None:
            _residents.pop()[1].close()
        if not _residents:
            atexit.register(_end)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            words = machine.privileged([sys.executable, "-I", "-S", str(RESIDENT)])
            with theirs:
                _residents.append((subprocess.Popen(words, stdin=theirs.fileno()), ours))
        return _residents[-1][1]


def _end() -> None:
    """Let go of lab/enter_often.py, and wait for it."""
    while _residents:
        process, orders = _residents.pop()
        orders.close()
        process.wait()


def _started(pid: int) -> str:
    """When the process was started; nothing when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[STARTED]


def first_process(container: str) -> int | None:
    """The container's first process as this machine numbers it; None when it doesn't run."""
    pid, started = _known.get(container, (0, ""))
    if started and _started(pid) == started:
        return pid
    said = podman.run("inspect", "--format", "{{.State.Pid}}", container, check=False).stdout.strip()
    pid = int(said) if said.isdecimal() else 0
    _known[container] = pid, _started(pid) if pid else ""
    return pid or None


def argv(
    container: str, words: Sequence[str], *, interactive: bool = False, privileged: bool = False
) -> list[str]:
    """The words that run a command as root in a container.

    Args:
        interactive: Hand standard input on; without it, there is none.
        privileged: With every capability.
    """
    pid = first_process(container)
    if pid is None:  # podman says what is wrong
        return podman.argv("exec", container, *words)
    return [*_base(), *_order(pid, words, interactive, privileged)]


def _order(pid: int, words: Sequence[str], interactive: bool, privileged: bool) -> list[str]:
    """What lab/enter.py is told."""
    return [str(pid), "all" if privileged else "own", "stdin" if interactive else "nothing", *words]


def finish(
    container: str,
    words: Sequence[str],
    *,
    stdin: str | None = None,
    privileged: bool = False,
    timeout_seconds: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run a command as root in a container to its end, as `podman.finish` does, by lab/enter_often.py.

    Raises:
        LabError: `podman_hangs` after the time.
    """
    pid = first_process(container)
    if pid is None:  # podman says what is wrong
        return podman.finish(podman.argv("exec", container, *words), timeout_seconds=timeout_seconds)
    order = json.dumps(_order(pid, words, interactive=True, privileged=privileged)).encode() + b"\n"
    with _begun(order, stdin) as (control, out, err):
        said = _heard(control, out, err, time.monotonic() + timeout_seconds)
    if said is None:
        raise podman.too_long(words, timeout_seconds)
    return podman.completed(words, *said)


@contextmanager
def _begun(order: bytes, stdin: str | None) -> Iterator[tuple[socket.socket, IO[bytes], IO[bytes]]]:
    """Have a command run: the socket that ends with it (and it with the socket), and what it says."""
    with ExitStack() as ours:
        with ExitStack() as theirs:
            control, other = socket.socketpair()
            ours.enter_context(control)
            theirs.enter_context(other)
            files = [theirs.enter_context(podman.source(stdin))]
            said = []
            for _stream in ("out", "err"):
                read, write = os.pipe()
                said.append(ours.enter_context(os.fdopen(read, "rb")))
                files.append(theirs.enter_context(os.fdopen(write, "wb")))
            numbers = [file.fileno() for file in files]
            socket.send_fds(_resident(), [b"1"], [*numbers, other.fileno()])
        control.sendall(order)
        yield control, said[0], said[1]


def _heard(
    control: socket.socket, out: IO[bytes], err: IO[bytes], end: float
) -> tuple[int, bytes, bytes] | None:
    """Exit code and both outputs; None when it takes longer. What it leaves running isn't waited for long."""
    texts: dict[int, bytearray] = {file.fileno(): bytearray() for file in (control, out, err)}
    with selectors.DefaultSelector() as selector:
        for number in texts:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            for key, _events in ready:
                chunk = os.read(key.fd, 1 << 16)
                texts[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
                    if key.fd == control.fileno():
                        end = min(end, time.monotonic() + podman.LOOK_SECONDS)
            over = control.fileno() not in selector.get_map()
            if time.monotonic() >= end and not (over and ready):
                break
    if not over:
        return None
    code, said, complained = (bytes(texts[file.fileno()]) for file in (control, out, err))
    return int(code or KILLED), said, complained
