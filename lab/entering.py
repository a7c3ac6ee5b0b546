"""Commands on a running host by lab/enter.py: podman's own `exec` takes half a second on a busy machine."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import machine, podman

PROGRAM = Path(__file__).with_name("enter.py")
STARTED = (
    19  # field of /proc/PID/stat behind the name: start time (proc(5)); with the PID it names one process
)

_known: dict[str, tuple[int, str]] = {}


@functools.cache
def _base() -> tuple[str, ...]:
    return tuple(machine.privileged([sys.executable, "-I", "-S", str(PROGRAM)]))


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
    kept, given = "all" if privileged else "own", "stdin" if interactive else "nothing"
    return [*_base(), str(pid), kept, given, *words]
