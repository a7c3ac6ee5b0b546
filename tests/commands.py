"""Run `daypass` as people do: a process of its own, with its own folder and environment."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command_zygote import NUMBER
from tests.waiting import wait_for

COMMAND_SECONDS = 640  # longer than a wave may take
ROOT = Path(__file__).resolve().parent.parent
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Ran:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@functools.cache
def _zygote() -> str:
    """The socket of the process that has the commands loaded; it ends with us."""
    path = f"{tempfile.mkdtemp(prefix='daypass-')}/zygote"
    argv = [sys.executable, "-m", "tests.command_zygote", path]
    process = subprocess.Popen(argv, cwd=ROOT, env=PLAIN, stdin=subprocess.PIPE)
    atexit.register(process.communicate)
    assert wait_for(lambda: Path(path).exists() or process.poll() is not None)
    assert process.poll() is None
    return path


def _number(connection: socket.socket) -> int:
    (number,) = NUMBER.unpack(connection.recv(NUMBER.size, socket.MSG_WAITALL))
    return int(number)


def _code(order: bytes, files: Sequence[int]) -> int:
    """Have a command run with these standard files; its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(COMMAND_SECONDS)
        connection.connect(_zygote())
        socket.send_fds(connection, [order], files)
        connection.shutdown(socket.SHUT_WR)
        child = _number(connection)
        try:
            return _number(connection)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise


def run(words: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run `daypass WORDS` to its end, without input.

    Raises:
        TimeoutError: It took longer than COMMAND_SECONDS.
    """
    order = json.dumps({"words": list(words), "cwd": str(folder), "env": dict(environment)}).encode()
    with (
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        code = _code(order, [nothing.fileno(), out.fileno(), err.fileno()])
        said = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode() for file in (out, err)]
    return Ran(code, *said)
