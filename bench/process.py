"""Processes that are measured from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A process begins with the peak of the one that it was forked from: a small one in between starts it.
LAUNCHER = """
import json, os, sys, time
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
start = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start
print(json.dumps([status, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]))
"""


@dataclass(frozen=True)
class Ran:
    """What a process cost, from its start to its end."""

    out: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measured(*command: str, **where: Any) -> Ran:
    """Run a command to its good end; what it used is that of the process alone (wait4(2)).

    Args:
        command: The first word is a path.
        where: As for `Popen`: `cwd`, `env`.
    """
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        words = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(out), *command]
        done = subprocess.run(words, capture_output=True, text=True, check=True, **where)
        status, *costs = json.loads(done.stdout)
        assert status == 0, (command, done.stderr)
        return Ran(out.read_text(), *costs)
