"""One broker for all tests of the gate on a real sshd."""

from __future__ import annotations

import subprocess

import pytest

from lab import api
from tests.integration.gate.broker import CONFIG, NAME, Broker, cargo

CONFIGURATION = """
state_dir: /var/lib/daypass-broker
ca: {key: {file: /var/lib/daypass-broker/user_ca}}
directory: directory.yaml
integrations:
  - name: prod
    servers: [{name: web-1, host: 192.0.2.1}]
    secret: {file: /etc/daypass/connector_key}
    user_groups: [Default, ops]
access_flows:
  - name: production
    requesters: everyone
    targets: {integration: prod, user_groups: [Default, ops]}
    max_duration: 8h
    approvers: [{user: bob}]
"""


@pytest.fixture(scope="session")
def broker(lab_name: str, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Alice and bob with a key each, and one that stands at both; installed by `daypass gate install`."""
    lab = api.up(lab_name, 1, prefix="broker", fresh=True)
    host = lab.host("broker-1")
    made = Broker(lab, host, tmp_path_factory.mktemp("keys"))
    subprocess.run(
        lab.exec_argv(host, ["tar", "-x", "-C", "/"], options=["--interactive"]), input=cargo(), check=True
    )
    made.exec("install", "-d", "/etc/daypass")
    made.write(CONFIG, CONFIGURATION)
    made.write("/etc/daypass/connector_key", made.key("connector").read_text())
    made.exec("chmod", "0600", "/etc/daypass/connector_key")
    everybody(made)
    made.daypass("init", "--config", CONFIG)
    made.daypass("gate", "install", "--config", CONFIG, "--broker", NAME)
    return made


def everybody(broker: Broker) -> None:
    shared = broker.public("shared")
    broker.people(
        alice={"public_keys": [broker.public("alice"), shared]},
        bob={"public_keys": [broker.public("bob"), shared]},
    )
