"""From a question to a login and back, all of it through the gate, with a real server behind the broker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab import api
from lab.broker import CONFIG, Broker
from tests.integration.gate.conftest import SERVERS

SERVER = "reached-1"


@pytest.fixture
def server(lab_name: str, broker: Broker) -> api.Host:
    """A light host, onboarded by the operator as the gate's account."""
    lab = api.up(lab_name, 1, light=True, prefix="reached", fresh=True)
    host = lab.host(SERVER)
    listed = [one for one in json.loads(lab.servers_file.read_text()) if one["name"] == SERVER]
    broker.write("/etc/daypass/servers.json", json.dumps(listed))
    try:
        broker.as_account("onboard", "--config", CONFIG, SERVER)
        yield host
    finally:
        broker.write("/etc/daypass/servers.json", SERVERS)


def log_in(broker: Broker, host: api.Host, certificate: Path) -> subprocess.CompletedProcess[str]:
    options = broker.options(
        "alice", "-o", f"CertificateFile={certificate}", "-o", f"HostKeyAlias={host.name}"
    )
    options[options.index("-p") + 1] = str(host.port)
    known = f"UserKnownHostsFile={api.attach(broker.lab.name).known_hosts}"
    argv = ["ssh", "-o", known, *options, f"alice@{host.address}", "id -un"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_request_approval_certificate_login_and_end_through_the_gate(broker, server, tmp_path):
    """In the resident's sandbox waves run; what is asked, given and ended holds on the server."""
    words = ["--server", SERVER, "--group", "Default", "--for", "1h", "--reason", "INC-7", "-o", "json"]
    made = broker.ssh("alice", "request", "new", *words)
    request = json.loads(made.stdout)["request"]["id"]
    approved = broker.ssh("bob", "request", "approve", request, "-o", "json")
    assert approved.returncode == 0, approved.stdout + approved.stderr
    [access] = json.loads(broker.ssh("alice", "access", "list", "-o", "json").stdout)
    grant = access["id"]
    certificate = tmp_path / "certificate.pub"
    certificate.write_text(broker.ssh("alice", "certificate", grant).stdout)
    came = log_in(broker, server, certificate)
    assert (came.returncode, came.stdout) == (0, "alice\n"), came.stderr
    ended = broker.ssh("alice", "access", "end", grant, "--yes")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert log_in(broker, server, certificate).returncode == 255
    log = broker.exec("journalctl", "-u", "daypass-gate", "--no-pager", "-q").stdout
    assert "Traceback" not in log
