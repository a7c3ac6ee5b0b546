"""One light lab host whose files, tools and sources break, with an empty ledger before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import api
from tests.integration.faults.breaking import BreakingHost

LOGINS = ("alice", "bob", "carol")


@pytest.fixture(scope="package")
def broken(lab_name: str) -> BreakingHost:
    """The host itself; tests take `host`, which is clean."""
    lab = api.up(lab_name, 1, light=True, prefix="faults", fresh=True)
    machine = BreakingHost(lab, lab.host("faults-1"))
    machine.sh("groupadd -f -g 2000 team && groupadd -f -g 2001 web")
    return machine


@pytest.fixture
def host(broken: BreakingHost) -> Iterator[BreakingHost]:
    """The host with an empty ledger and none of our accounts."""
    broken.forget(*LOGINS)
    yield broken
    broken.repair()
    broken.forget(*LOGINS)
