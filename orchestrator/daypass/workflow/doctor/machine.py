"""Programs, their versions, the clock, room on disks and in memory, what killed runs left behind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from daypass.domain.durations import length_text
from daypass.workflow.doctor.findings import Finding, fail, ok, typed, warn

LEAST_PYTHON = (3, 11)  # pyproject.toml, requires-python
# pyproject.toml, dependencies: name on the package index, least version
LEAST_PACKAGES = {"ansible-core": (2, 18), "ansible-runner": (2, 4)}
LEAST_OPENSSH = (8, 2)  # FIDO keys, and what servers need as well (docs/supported-hosts.md)
LEAST_FREE_BYTES = 100 * 1024 * 1024  # room for the database, its backup and a few waves
LEAST_RUN_BYTES = 32 * 1024 * 1024  # a wave of some hundred servers
LEAST_INODES = 2000
CLOCK_AHEAD = timedelta(seconds=60)  # what certificates are backdated by (design.md, certificate profile)
INSTALL_SSH = "apt-get install openssh-client"


class Space(NamedTuple):
    """What is free at a place, for this account."""

    path: Path
    bytes: int
    inodes: int  # 0 of 0 where the file system doesn't count them
    inodes_at_all: int


def version_of(text: str) -> tuple[int, ...]:
    """The first number with a dot in it: (9, 2) of `OpenSSH_9.2p1 Debian-2`; () where there is none."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def judge_python(version: Sequence[int]) -> Finding:
    found = f"Python {dotted(version)}"
    if tuple(version) < LEAST_PYTHON:
        return fail(
            "Python",
            f"{found}; {dotted(LEAST_PYTHON)} is the oldest that works",
            "apt-get install python3.11 python3.11-venv, and install Daypass with it",
        )
    return ok("Python", found)


def judge_package(name: str, version: str | None) -> Finding:
    least = LEAST_PACKAGES[name]
    hint = f"python3 -m pip install '{name}>={dotted(least)}'   (with the Python that runs Daypass)"
    if version is None:
        return fail(name, "isn't installed", hint)
    if version_of(version) < least:
        return fail(name, f"{version}; {dotted(least)} is the oldest that works", hint)
    return ok(name, version)


def judge_programs(missing: Sequence[str]) -> Finding:
    if missing:
        return fail("OpenSSH's programs", f"not found: {', '.join(missing)}", INSTALL_SSH)
    return ok("OpenSSH's programs", "all there")


def judge_openssh(said: str) -> Finding:
    """What `ssh -V` said."""
    version = version_of(said)
    if not version:
        return fail("OpenSSH", f"ssh -V said {said[:80]!r}", f"{INSTALL_SSH} --reinstall")
    if version < LEAST_OPENSSH:
        return fail("OpenSSH", f"{said}; {dotted(LEAST_OPENSSH)} is the oldest that works", INSTALL_SSH)
    return ok("OpenSSH", said)


def judge_synchronised(synchronised: bool | None) -> Finding:
    """What the kernel knows of its clock; None where it doesn't say."""
    if synchronised is False:
        said = "no time server keeps this machine's clock right; access begins and ends by it"
        return warn("clock", said, "timedatectl set-ntp true   (or: apt-get install chrony)")
    return ok("clock", "kept right by a time server" if synchronised else "the kernel doesn't say")


def judge_clock_went_back(ahead: timedelta) -> Finding:
    """How far the last event of the audit log is ahead of the clock; negative = behind it."""
    if ahead > CLOCK_AHEAD:
        said = f"the audit log's last event is {length_text(ahead)} ahead: it went back, or was wrong then"
        return fail("clock", said, "set it right: timedatectl; until then access ends too late")
    return ok("clock against the log", "not behind the last event")


def judge_space(what: str, space: Space, least_bytes: int) -> Finding:
    found = f"{space.bytes // 1024**2} MiB and {space.inodes} files free at {space.path}"
    hint = f"make room: {typed('df', '-h', '-i', space.path)}; else nothing is recorded or granted"
    if space.bytes < least_bytes or (space.inodes_at_all and space.inodes < LEAST_INODES):
        return fail(what, found, hint)
    return ok(what, found if space.inodes_at_all else f"{space.bytes // 1024**2} MiB free at {space.path}")


def judge_run_root(run_root: Path, state_dir: Path) -> Finding:
    """Runs hold what servers are to do; in memory nothing of it outlives a power cut."""
    if run_root.is_relative_to(state_dir):
        said = f"{run_root} is on a disk: neither XDG_RUNTIME_DIR nor /dev/shm can be used"
        return warn("run folder", said, "loginctl enable-linger, or mount a tmpfs at /dev/shm")
    return ok("run folder", str(run_root))


def judge_stale_runs(names: Sequence[str]) -> Finding:
    if names:
        said = f"{len(names)} left behind by killed processes: {', '.join(names[:3])}"
        return warn("runs", said, "daypass reconcile")
    return ok("runs", "nothing is left behind")
