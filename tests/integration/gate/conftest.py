"""One broker for all tests of the gate on a real sshd."""

from __future__ import annotations

import pytest

from lab import api
from lab.broker import Broker, configuration, directory, stand_up
from tests.lab_fixtures import only

SERVERS = '[{"name": "web-1", "host": "192.0.2.1"}]'


@pytest.fixture(scope="session")
def broker(lab_name: str, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Alice and bob with a key each, and one that stands at both; installed by `daypass gate install`."""
    lab = only(api.up(lab_name, 1, prefix="broker", fresh=True), "broker")
    keys = Broker(lab, lab.host("broker-1"), tmp_path_factory.mktemp("keys"))
    files = {
        "daypass.yaml": configuration("bob", "Default", "ops"),
        "servers.json": SERVERS,
        "directory.yaml": directory(**everybody(keys)),
    }
    return stand_up(lab, keys.host, keys.folder, files)


def everybody(broker: Broker) -> dict[str, dict[str, object]]:
    """Whom the directory knows."""
    shared = broker.public("shared")
    return {name: {"public_keys": [broker.public(name), shared]} for name in ("alice", "bob")}
