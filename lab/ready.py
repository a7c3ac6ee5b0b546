"""Waiting until a host really answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from lab import entering, podman
from lab.errors import LabError
from lab.model import Host, Kind

POLL_SECONDS = 0.1
LIMIT_SECONDS = 300.0
"""A full host boots in under 3 s; a hundred at once on two busy cores take longer."""

BOOTED = ("running", "degraded")


def banner(address: str, port: int, timeout_seconds: float = 5.0) -> bool:
    """Whether an SSH server introduces itself there (RFC 4253, section 4.2)."""
    try:
        with socket.create_connection((address, port), timeout=timeout_seconds) as connection:
            connection.settimeout(timeout_seconds)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def booted(lab: str, host: Host) -> bool:
    """Whether systemd has finished booting and logind runs; a failed unit of others doesn't matter."""
    name = podman.container_name(lab, host.name)
    said = entering.finish(name, ["systemctl", "is-system-running"]).stdout.strip()
    if said not in BOOTED:
        return False
    words = ["systemctl", "is-active", "--quiet", "systemd-logind"]
    return entering.finish(name, words).returncode == 0


def wait(lab: str, host: Host, limit_seconds: float = LIMIT_SECONDS) -> None:
    """Return when the host answers with an SSH banner, and a full host has booted.

    Raises:
        LabError: `not_ready`, after `limit_seconds`.
    """
    end = time.monotonic() + limit_seconds
    _until(lambda: banner(host.address, host.port), end, f"{host.name} doesn't answer on {host.address}")
    if host.kind is Kind.FULL:
        _until(lambda: booted(lab, host), end, f"{host.name} doesn't finish booting")


def _until(condition: Callable[[], bool], end: float, failure: str) -> None:
    while not condition():
        if time.monotonic() > end:
            raise LabError("not_ready", failure, "look into it with lab exec, or take the lab down")
        time.sleep(POLL_SECONDS)
