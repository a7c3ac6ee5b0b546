"""Processes for `daypass …` that need not import it: one process has it loaded, and forks for each command.

A command's own process, environment, folder, files and exit code are as real as when started by its name;
only what Python reads from disk at each start is read once. `python -m tests.command_zygote SOCKET` listens
there. What is about starting itself starts the real program (`Orchestrator.start`, test_installation.py).
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from daypass import cli
from daypass.cli.lazy import LazyGroup

LONGEST_ORDER = 1 << 20  # bytes; our own tests', words and environment
STREAMS = 3  # standard input, output, error
NUMBER = struct.Struct("!i")


def load() -> None:
    """Import what the commands import, so that a child has only its own work left."""
    for module, _attribute, _help in cli.COMMANDS.values():
        importlib.import_module(f"daypass.cli.{module}")
    for name in ("daypass.wiring.opening", "alembic.command", "sqlalchemy.dialects.sqlite.pysqlite"):
        importlib.import_module(name)
    assert isinstance(cli.main, LazyGroup)


def run_command(order: dict[str, Any]) -> None:
    """Become the command: folder, environment, words; never returns."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.argv = ["daypass", *order["words"]]
    cli.main(prog_name="daypass")


def exit_code(act: Callable[[], None]) -> int:
    """What Python would end with after this."""
    try:
        act()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 # as Python itself: the traceback and 1
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def ended(act: Callable[[], None]) -> int:
    """Run to the end as a process does: what is registered for its exit, then what is still to be written."""
    code = exit_code(act)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def mind(connection: socket.socket) -> None:
    """Run one order in a child; answer with its id, then its code (or minus the signal that ended it)."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, files, _flags, _address = socket.recv_fds(connection, LONGEST_ORDER, STREAMS)
    while chunk := connection.recv(LONGEST_ORDER):
        text += chunk
    child = os.fork()
    if child == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os._exit(ended(lambda: run_command(json.loads(text))))
    connection.sendall(NUMBER.pack(child))
    _, status = os.waitpid(child, 0)
    connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))


def serve(path: str) -> None:
    """Fork for each connection until standard input ends, which it does with the tests."""
    load()
    gc.freeze()
    ours = sys.stdin.fileno()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever minds a command is nobody's to wait for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while ours not in select.select([listener, ours], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    os._exit(exit_code(functools.partial(mind, connection)))


if __name__ == "__main__":
    serve(sys.argv[1])
