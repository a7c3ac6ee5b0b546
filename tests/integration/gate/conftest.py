"""One broker for all tests of the gate on a real sshd."""

from __future__ import annotations

import pytest

from lab import api
from lab.broker import Broker, directory, stand_up
from tests.lab_fixtures import only

CONFIGURATION = """
state_dir: /var/lib/daypass-broker
ca: {key: {file: /var/lib/daypass-broker/user_ca}}
directory: directory.yaml
integrations:
  - name: prod
    servers: servers.json
    secret: {file: /etc/daypass/connector_key}
    user_groups: [Default, ops]
    local_deadline: if_possible
access_flows:
  - name: production
    requesters: everyone
    targets: {integration: prod, user_groups: [Default, ops]}
    max_duration: 8h
    approvers: [{user: bob}]
"""
SERVERS = '[{"name": "web-1", "host": "192.0.2.1"}]'


@pytest.fixture(scope="session")
def broker(lab_name: str, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Alice and bob with a key each, and one that stands at both; installed by `daypass gate install`."""
    lab = only(api.up(lab_name, 1, prefix="broker", fresh=True), "broker")
    keys = Broker(lab, lab.host("broker-1"), tmp_path_factory.mktemp("keys"))
    files = {
        "daypass.yaml": CONFIGURATION,
        "servers.json": SERVERS,
        "directory.yaml": directory(**everybody(keys)),
    }
    return stand_up(lab, keys.host, keys.folder, files)


def everybody(broker: Broker) -> dict[str, dict[str, object]]:
    """Whom the directory knows."""
    shared = broker.public("shared")
    return {name: {"public_keys": [broker.public(name), shared]} for name in ("alice", "bob")}
