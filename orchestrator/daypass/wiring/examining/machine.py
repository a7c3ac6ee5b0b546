"""Facts of this machine: programs, versions, clock, room, runs."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from daypass.errors import ExecutionError
from daypass.execution.agent import Agent
from daypass.execution.ansible_settings import find_ansible, find_collections
from daypass.execution.run_folder import RunFolder, default_run_root, stale_runs
from daypass.wiring.clock import now
from daypass.workflow.doctor import machine
from daypass.workflow.doctor.findings import Check, Finding, ok

PROGRAMS = ("ssh", "ssh-agent", "ssh-add", "ssh-keygen", "ssh-keyscan")
VERSION_SECONDS = 10  # a program that doesn't say its version by then is broken
TIME_ERROR = 5  # adjtimex(2): the clock isn't synchronised
TIMEX_BYTES = 512  # more than any struct timex has


def checks() -> Iterator[Check]:
    """What can be looked at without a configuration."""
    yield Check("Python", lambda: [machine.judge_python(sys.version_info[:3])])
    yield Check("packages", _packages)
    yield Check(
        "ansible",
        lambda: [ok("ansible", str(find_ansible()))],
    )
    yield Check(
        "collection daypass.ssh",
        lambda: [ok("collection daypass.ssh", str(find_collections()))],
    )
    yield Check("OpenSSH", openssh)
    yield Check("clock", lambda: [machine.judge_synchronised(synchronised())])


def checks_of_runs(state_dir: Path) -> Iterator[Check]:
    """Where waves run, and with what."""
    yield Check("ssh-agent", lambda: _agent(state_dir), machine.INSTALL_SSH)
    yield Check(
        "run folder", lambda: _runs(state_dir), "set XDG_RUNTIME_DIR to a folder of yours with mode 0700"
    )
    if state_dir.is_dir():
        yield Check(
            "disk", lambda: [machine.judge_space("disk", space_of(state_dir), machine.LEAST_FREE_BYTES)]
        )


def _packages() -> Iterator[Finding]:
    for name in machine.LEAST_PACKAGES:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = None
        yield machine.judge_package(name, version)


def openssh() -> Iterator[Finding]:
    """The client's programs, and the version of the one that speaks."""
    yield machine.judge_programs([program for program in PROGRAMS if shutil.which(program) is None])
    ssh = shutil.which("ssh")
    if ssh is not None:
        yield machine.judge_openssh(_version(ssh))


def _version(ssh: str) -> str:
    """What `ssh -V` says. It gets no environment: which variables hold secrets isn't known yet."""
    try:
        done = subprocess.run(
            [ssh, "-V"],
            capture_output=True,
            text=True,
            errors="replace",
            env={},
            timeout=VERSION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExecutionError(
            f"{ssh} -V said nothing for {VERSION_SECONDS} s", hint=machine.INSTALL_SSH
        ) from None
    return done.stderr.strip()


def synchronised() -> bool | None:
    """Whether a time server keeps the clock right, as the kernel knows it; nothing is changed."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return None if state < 0 else state != TIME_ERROR


def _agent(state_dir: Path) -> Iterator[Finding]:
    with RunFolder(default_run_root(state_dir, os.environ)) as folder, Agent(folder.path / "agent") as agent:
        agent.public_keys()
    yield ok("ssh-agent", "starts, answers and ends")


def _runs(state_dir: Path) -> Iterator[Finding]:
    root = default_run_root(state_dir, os.environ)
    yield machine.judge_run_root(root, state_dir.resolve())
    yield machine.judge_space("room for runs", space_of(root), machine.LEAST_RUN_BYTES)
    yield machine.judge_stale_runs(stale_runs(root, now()))


def space_of(path: Path) -> machine.Space:
    """What is free for accounts other than root."""
    found = os.statvfs(path)
    return machine.Space(path, found.f_bavail * found.f_frsize, found.f_favail, found.f_files)
