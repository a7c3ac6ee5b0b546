"""One full lab host for all tests of this folder, with an empty ledger before each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api
from tests.integration.accounts.managed_host import ManagedHost, Person, make_person

LOGINS = ("alice", "bob", "carol", "ops", "eve")


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key of a certificate authority, made for these tests."""
    key = tmp_path_factory.mktemp("authority") / "user_ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    return key


@pytest.fixture(scope="package")
def managed(lab_name: str, authority: Path) -> ManagedHost:
    """The host itself; tests take `host`, which is clean."""
    lab = api.up(lab_name, 1, prefix="accounts", fresh=True)
    public = " ".join(authority.with_suffix(".pub").read_text().split()[:2])
    machine = ManagedHost(lab, lab.host("accounts-1"), public)
    machine.sh("groupadd -f -g 2000 team && groupadd -f -g 2001 web && useradd -m -G team olaf")
    return machine


@pytest.fixture
def host(managed: ManagedHost) -> Iterator[ManagedHost]:
    """The host with an empty ledger and none of our accounts; `team` has one member from before, olaf."""
    managed.forget(*LOGINS)
    yield managed
    managed.forget(*LOGINS)


@pytest.fixture
def alice(host: ManagedHost, authority: Path, tmp_path: Path) -> Person:
    """Somebody with a key pair and a certificate for the grant G1."""
    return make_person(host, authority, tmp_path, "alice", "G1")
