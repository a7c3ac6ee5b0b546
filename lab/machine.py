"""What this machine needs so that podman runs: privilege, limits, cgroups. Detected, never assumed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

from lab import state
from lab.errors import LabError

CGROUPS = Path("/sys/fs/cgroup")
SYSTEMD_RUNS = Path("/run/systemd/system")

FILES = (1024, 524288)
"""Open files of a process, soft and hard, as systemd sets them on a Debian server."""

PROCESSES = (16384, 16384)
"""Processes of a user over all hosts. podman lowers its own limit to the kernel's pid_max (32768 by default)
and can't raise it again everywhere."""

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 4096
"""A full host's systemd takes five or six, all of root's share one limit (inotify(7)), and with the kernel's
default of 128 the hosts from about the twentieth on didn't boot."""

SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENING = "0A"
"""State TCP_LISTEN in /proc/net/tcp (proc(5))."""

PORTS = (22, 2222, 22222)
"""Ports for the hosts' sshd, in order of preference."""


def privileged(argv: list[str]) -> list[str]:
    """The command as root runs it: as it is for root, through sudo for others.

    Raises:
        LabError: `not_root`, when sudo isn't there or asks for a password.
    """
    if os.geteuid() == 0:
        return argv
    sudo = shutil.which("sudo")
    if not sudo or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode != 0:
        raise LabError(
            "not_root", "the lab's containers need root", "run as root, or as a user with passwordless sudo"
        )
    return [sudo, "-n", *argv]


def hybrid_cgroups() -> bool:
    """True where controllers are still on version 1: crun refuses such machines, runc works."""
    return not (CGROUPS / "cgroup.controllers").exists()


def limit(name: str, kind: int, usual: tuple[int, int]) -> str:
    """A "name=soft:hard" of podman: the usual values, but never above what this process has itself."""
    own = resource.getrlimit(kind)[1]
    soft, hard = (value if own == resource.RLIM_INFINITY else min(value, own) for value in usual)
    return f"{name}={soft}:{hard}"


def containers_conf() -> str:
    """Settings for podman (containers.conf(5)) that work with the limits and cgroups of this machine."""
    ulimits = [
        limit("nofile", resource.RLIMIT_NOFILE, FILES),
        limit("nproc", resource.RLIMIT_NPROC, PROCESSES),
    ]
    lines = [
        "[containers]",
        "default_ulimits = [" + ", ".join(f'"{entry}"' for entry in ulimits) + "]",
        "[engine]",
        'events_logger = "none"',
    ]
    if hybrid_cgroups():
        lines.append('runtime = "runc"')
    if not SYSTEMD_RUNS.exists():
        lines.append('cgroup_manager = "cgroupfs"')
    return "\n".join(lines) + "\n"


def settings_file() -> Path:
    """Write podman's settings for this machine; return their path, for `CONTAINERS_CONF`."""
    path = state.root() / "containers.conf"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = containers_conf()
    if not path.exists() or path.read_text() != wanted:
        state.write(path, wanted)
    return path


def allow_many_hosts() -> None:
    """Raise the machine's limit of inotify instances until its next boot, where it is too low for the lab."""
    if int(INOTIFY.read_text()) < INOTIFY_INSTANCES:
        setting = f"fs.inotify.max_user_instances={INOTIFY_INSTANCES}"
        # Refused inside some containers; a few hosts start all the same.
        subprocess.run(privileged(["sysctl", "-q", "-w", setting]), capture_output=True, check=False)


def wildcard_ports(sockets: str) -> set[int]:
    """Ports on which something listens on every address, from the text of /proc/net/tcp or tcp6 (proc(5))."""
    ports = set()
    for line in sockets.splitlines()[1:]:
        local, state_code = line.split()[1:4:2]
        address, _, port = local.partition(":")
        if state_code == LISTENING and set(address) == {"0"}:
            ports.add(int(port, 16))
    return ports


def free_port() -> int:
    """Port that hosts can have: 22, unless the machine's own sshd has it on all addresses, loopback too.

    Raises:
        LabError: `no_port`.
    """
    taken = {port for path in SOCKETS if path.exists() for port in wildcard_ports(path.read_text())}
    for port in PORTS:
        if port not in taken:
            return port
    raise LabError("no_port", f"something listens on every address for ports {PORTS}", "stop one of them")
