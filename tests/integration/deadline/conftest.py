"""One host with systemd and one with cron alone, both with the program and what starts its tick."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import api
from tests.integration.accounts.managed_host import ManagedHost, Person, make_person

LOGINS = ("alice", "bob", "carol")


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key of a certificate authority, made for these tests."""
    key = tmp_path_factory.mktemp("authority") / "user_ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    return key


def _managed(lab: api.Lab, name: str, authority: Path) -> ManagedHost:
    public = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    machine = ManagedHost(lab, lab.host(name), public)
    machine.sh("groupadd -f -g 2000 team && useradd -m -G team olaf")
    return machine


@pytest.fixture(scope="package")
def systemd_host(lab_name: str, authority: Path) -> ManagedHost:
    """A host with systemd; tests take `host`, which is clean."""
    return _managed(api.up(lab_name, 1, prefix="deadline", fresh=True), "deadline-1", authority)


@pytest.fixture(scope="package")
def cron_host(lab_name: str, authority: Path) -> ManagedHost:
    """A host without systemd whose cron runs."""
    lab = api.up(lab_name, 1, image="debian12-cron", light=True, prefix="cron", fresh=True)
    return _managed(lab, "cron-1", authority)


@pytest.fixture
def host(systemd_host: ManagedHost) -> Iterator[ManagedHost]:
    """The host with systemd, an empty ledger and none of our accounts; olaf was there before."""
    systemd_host.forget(*LOGINS)
    yield systemd_host
    systemd_host.sh("systemctl start ssh")
    systemd_host.forget(*LOGINS)


@pytest.fixture
def person(authority: Path, tmp_path: Path) -> Callable[[ManagedHost, str, str], Person]:
    """Makes somebody with a key pair and a certificate for one grant on a host."""
    return lambda host, login, grant_id: make_person(host, authority, tmp_path, login, grant_id)
