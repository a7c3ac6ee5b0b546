"""Stay, and run commands in containers as lab/enter.py does, each in a process forked for it.

`python -I -S enter_often.py`, as root, with a socket (SOCK_SEQPACKET) as standard input, until its other end
is closed. A message brings four files: what the command has for its standard files, and a stream socket.
From that one the command is read, a line of JSON: [PID, "own" or "all", "stdin", WORD, …]; its exit code is
written there. When the other end of it is closed, the command is killed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence

# As in lab/enter.py, pathlib would cost more than all else here.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 # above

from lab import enter

FILES = 4


def ended(order: str, control: socket.socket) -> int | None:
    """The exit code of the command; None when nobody wants it any more."""
    first, kept, _given, *words = json.loads(order)
    child = enter.begin(int(first), enter.bounding_set(int(first)) if kept == "own" else -1, words)
    over = os.pidfd_open(child)
    if over not in select.select([over, control.fileno()], [], [])[0]:
        return None
    return enter.wait(child)


def mind(files: Sequence[int]) -> None:
    """Run one command; it dies with this process (PR_SET_PDEATHSIG)."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, last = files
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    os.set_inheritable(last, False)
    control = socket.socket(fileno=last)
    with control.makefile("r", encoding="ascii") as lines:
        order = lines.readline()
    try:
        code = ended(order, control)
    except OSError:  # as Python itself would end: the container is gone, for one
        traceback.print_exc()
        code = 1
    if code is not None:
        control.sendall(str(code).encode())


def serve(orders: socket.socket) -> None:
    """Fork for each message."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever minds a command is nobody's to wait for
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C ends who asked, and so the command
    while True:
        _, files, _, _ = socket.recv_fds(orders, 1, FILES)
        if not files:
            return
        if os.fork() == 0:
            try:
                mind(files)
            finally:
                os._exit(0)
        for file in files:
            os.close(file)


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
