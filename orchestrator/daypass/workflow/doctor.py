"""What can be wrong on the orchestrator's machine, each with the way to mend it. Reads only."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from daypass.errors import DaypassError, ExecutionError

PROGRAMS = ("ssh", "ssh-agent", "ssh-add", "ssh-keygen")
LEAST_FREE_BYTES = 100 * 1024 * 1024  # room for the database, its backup and a few waves
VERSION_SECONDS = 10  # a program that doesn't say its version by then is broken


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, and what to do about it."""

    what: str
    grade: Grade
    found: str
    hint: str = ""


def check(what: str, look: Callable[[], str], hint: str = "") -> Finding:
    """Run one look; its sentence is the finding, its error the failure."""
    try:
        return Finding(what, Grade.OK, look())
    except DaypassError as error:
        return Finding(what, Grade.FAIL, error.sentence, error.hint or hint)
    except OSError as error:
        return Finding(what, Grade.FAIL, f"{error.strerror}: {error.filename}", hint)


def check_programs() -> Iterator[Finding]:
    """OpenSSH's client programs, and the version that speaks."""
    for program in PROGRAMS:
        path = shutil.which(program)
        if path is None:
            yield Finding(program, Grade.FAIL, "not found", "apt-get install openssh-client")
    ssh = shutil.which("ssh")
    if ssh is not None:
        yield check("ssh", lambda: _version(ssh), "apt-get install --reinstall openssh-client")


def _version(ssh: str) -> str:
    """What `ssh -V` says. It gets no environment: which variables hold secrets isn't known yet."""
    try:
        done = subprocess.run(
            [ssh, "-V"], capture_output=True, text=True, env={}, timeout=VERSION_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExecutionError(f"{ssh} -V said nothing for {VERSION_SECONDS} s") from None
    return done.stderr.strip()


def check_mode(what: str, path: Path, allowed: int) -> Finding:
    """A file or folder that nobody else may touch."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Finding(what, Grade.FAIL, f"{path}: {error.strerror}", "daypass init")
    if mode & ~allowed:
        return Finding(what, Grade.FAIL, f"{path} has mode {mode:04o}", f"chmod {allowed:04o} {path}")
    return Finding(what, Grade.OK, f"{path} has mode {mode:04o}")


def check_disk(path: Path) -> Finding:
    """Free space where the state is kept."""
    free = shutil.disk_usage(path).free
    found = f"{free // (1024 * 1024)} MiB free at {path}"
    if free < LEAST_FREE_BYTES:
        return Finding(
            "disk", Grade.FAIL, found, "make room: without it nothing can be recorded, so nothing is granted"
        )
    return Finding("disk", Grade.OK, found)
