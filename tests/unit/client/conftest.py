"""Open access, made up, and a home to put it in."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.client.places import Home, home_of
from daypass.domain.open_access import OpenAccess, OpenCertificate, OpenGrant, OpenServer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOST_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))
KEY = check_public_key(public_line(load_ca_key(generate_ca_key("ed25519"))))
GRANT = "01JD8F3K9M2N4P6Q8R0S2T4V6W"
LATER = "01JD8F3K9M2N4P6Q8R0S2T4V6X"
TEXT = "ssh-ed25519-cert-v01@openssh.com AAAA"


def grant(
    grant_id: str = GRANT, *, number: int = 1, hours: float = 2, begins: float = -1, **more: Any
) -> OpenGrant:
    """A grant with one certificate for `KEY`."""
    start, end = NOW + timedelta(hours=begins), NOW + timedelta(hours=hours)
    certificate = OpenCertificate(number, KEY.fingerprint, start, end, TEXT)
    made = OpenGrant(grant_id, "applied", start, end, False, (certificate,))
    return replace(made, **more)


def server(name: str = "web-1", *grants: OpenGrant, **more: Any) -> OpenServer:
    made = OpenServer(name, "192.0.2.1", 22, "alice", "daypass", (HOST_KEY,), grants or (grant(),))
    return replace(made, **more)


def access(*servers: OpenServer, **more: Any) -> OpenAccess:
    return replace(OpenAccess("d" * 32, "alice", servers), **more)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With the public half of `KEY` as ~/.ssh/daypass.pub."""
    made = home_of(tmp_path)
    made.ssh.mkdir(mode=0o700)
    made.key("daypass.pub").write_text(f"{KEY.line}\n")
    return made


@pytest.fixture
def keys(home: Home) -> dict[str, Path]:
    return {KEY.fingerprint: home.key("daypass")}


def effective(home: Home, name: str, *, before: str = "", after: str = "") -> dict[str, list[str]]:
    """What `ssh NAME` would do: option to values, from a configuration that includes ours."""
    config = home.path / "config-under-test"
    config.write_text(f"{before}{home.include}\n{after}")
    done = subprocess.run(
        ["ssh", "-F", str(config), "-G", "--", name], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        option, _, value = line.partition(" ")
        found.setdefault(option, []).append(value)
    return found
