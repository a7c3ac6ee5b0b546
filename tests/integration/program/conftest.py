"""One light lab host under our ledger, and a controller that reaches it by ssh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import api
from tests.integration.program.playing import Playing

LOGINS = ("alice", "bob")


@pytest.fixture(scope="package")
def playing(lab_name: str, tmp_path_factory: pytest.TempPathFactory) -> Playing:
    """The host and the controller; tests take `host`, which is clean."""
    lab = api.up(lab_name, 1, light=True, prefix="program", fresh=True)
    machine = Playing(lab, lab.host("program-1"), tmp_path_factory.mktemp("playing"))
    machine.sh("groupadd -f -g 2000 team")
    return machine


@pytest.fixture
def host(playing: Playing) -> Iterator[Playing]:
    """The host with an empty ledger, none of our accounts, and no program."""
    playing.forget(*LOGINS)
    yield playing
    playing.forget(*LOGINS)
