"""Ending what a wave left running.

Ansible's workers leave the process group of the playbook (they call setsid since ansible-core 2.19), so the
group isn't enough. Every process of a wave has the wave's run folder as HOME in its environment, and
nothing else has.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 20  # a process may fork while we look; each round ends all that it finds, so two or three are enough
PAUSE_SECONDS = 0.02


def end_processes(run_folder: Path) -> int:
    """Kill every process of this user that works for the run folder, and return how many there were."""
    ended: set[int] = set()
    for _ in range(ROUNDS):
        found = [pid for pid in _pids() if _kill_if_of(pid, run_folder)]
        if not found:
            break
        ended.update(found)
        time.sleep(PAUSE_SECONDS)
    return len(ended)


def _pids() -> Iterator[int]:
    own = os.getpid()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != own:
            yield int(entry.name)


def _kill_if_of(pid: int, run_folder: Path) -> bool:
    """The handle is opened before the look, so that a pid that is given away in between is never hit."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if f"HOME={run_folder}".encode() not in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:  # gone meanwhile, or another user's
        return False
    finally:
        os.close(handle)
    return True
