"""Hosts on which onboarding works, and those on which only the proof shows that it can't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from lab import api
from tests.integration.accounts.managed_host import ship_code
from tests.integration.onboard.controller import TRUST_RUN, refusal_on
from tests.waiting import wait_for

MARKER = "/var/lib/daypass/way-back/armed.json"
DROPIN = "/etc/ssh/sshd_config.d/00-daypass.conf"
LEDGER, LOCK = "/var/lib/daypass/ledger.json", "/var/lib/daypass/lock"
# The login itself reads its key file, so the way there is passable, and nobody lists who has one.
FOLDERS = {"/etc/ssh/daypass/keys": "711", "/etc/ssh/daypass": "755", "/var/lib/daypass": "700"}
HOST_ID, ORCHESTRATOR_ID = "a" * 32, "b" * 32

# What an administrator may have set, and what must not stand in the way.
ADMIN = r"""
cat >> /etc/ssh/sshd_config <<END
AllowUsers apono
AllowGroups apono
AuthorizedKeysCommand /usr/local/bin/keys
AuthorizedKeysCommandUser nobody
END
printf '#!/bin/sh\n' > /usr/local/bin/keys; chmod 755 /usr/local/bin/keys
printf 'Match all\n    PasswordAuthentication yes\n' > /etc/ssh/sshd_config.d/05-x.conf
systemctl reload ssh
"""


def there(lab: api.Lab, host: api.Host, path: str) -> bool:
    return lab.exec(host, ["test", "-e", path], check=False).returncode == 0


def read_ledger(lab: api.Lab, host: api.Host) -> dict:
    return json.loads(lab.exec(host, ["cat", LEDGER]).stdout)


@pytest.fixture(scope="module")
def lab(lab_name: str) -> api.Lab:
    """One full host and one light one."""
    api.up(lab_name, 1, prefix="onboard", fresh=True)
    return api.up(lab_name, 1, light=True, prefix="onboard-light", fresh=True)


WITH_SYSTEMD, WITH_SSHD_ALONE = "onboard-1", "onboard-light-1"


# Before the others: the same hosts go on as on their first day.
@pytest.mark.parametrize("name", [WITH_SYSTEMD, WITH_SSHD_ALONE])
def test_host_takes_onboarding_back_when_the_controller_dies(controller, lab: api.Lab, name: str):
    """Killed between reload and proof: nobody comes back, and the host is as before by itself."""
    host, console = lab.host(name), controller(lab)
    before = console.look(host)
    process = console.start(host, "onboard.yml", {"onboard_way_back_seconds": 10})
    assert process.stdout is not None
    for line in process.stdout:
        if '"task": "Install the sshd drop-in' in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert console.connector_gets_in(host)
    assert wait_for(lambda: not there(lab, host, MARKER))
    assert wait_for(lambda: console.look(host) == before), console.look(host)
    assert console.connector_gets_in(host)


def test_host_on_which_the_proof_fails_is_as_before(controller, lab: api.Lab):
    """sshd takes the drop-in, but certificates aren't accepted here: only the canary's login shows it."""
    host = lab.host(WITH_SSHD_ALONE)
    script = "echo 'PubkeyAcceptedAlgorithms ssh-ed25519' > /etc/ssh/sshd_config.d/10-x.conf"
    script += "; pkill -HUP -o -x sshd"
    lab.exec(host, ["sh", "-c", script])
    console = controller(lab)
    before = console.look(host)
    play = console.onboard(host)
    after = console.look(host)
    lab.exec(host, ["sh", "-c", "rm /etc/ssh/sshd_config.d/10-x.conf; pkill -HUP -o -x sshd"])
    assert play.code != 0
    assert "dp-canary failed: " in play.last("Say why the host stays as it was")["msg"], play.text
    assert after == before
    assert console.connector_gets_in(host)


@pytest.fixture(scope="module")
def host(controller, lab: api.Lab) -> api.Host:
    """A host with an administrator's settings that was onboarded by playbook."""
    found = lab.host(WITH_SYSTEMD)
    lab.exec(found, ["sh", "-c", ADMIN])
    play = controller(lab).onboard(found)
    assert play.code == 0, play.text
    assert play.stats["changed"] == 1
    ship_code(lab, found, TRUST_RUN)
    return found


def test_admins_limits_dont_stand_in_the_way(controller, lab: api.Lab, host: api.Host):
    """AllowUsers, AllowGroups, AuthorizedKeysCommand, a later drop-in: overcome, for our accounts only."""
    console = controller(lab)
    assert console.connector_gets_in(host)
    assert there(lab, host, DROPIN)
    assert not there(lab, host, MARKER)
    modes = ("stat", "-c", "%a %U:%G %n", DROPIN, LEDGER, LOCK, *FOLDERS)
    assert lab.exec(host, modes).stdout.splitlines() == [
        *(f"644 root:root {DROPIN}", f"600 root:root {LEDGER}", f"600 root:root {LOCK}"),
        *(f"{mode} root:root {folder}" for folder, mode in FOLDERS.items()),
    ]
    settings = console.look(host)
    assert "allowusers apono" in settings
    assert "authorizedkeyscommand /usr/local/bin/keys" in settings


def test_canary_is_gone_and_its_uid_retired(lab: api.Lab, host: api.Host):
    """The account of the proof leaves nothing that could be used again."""
    assert lab.exec(host, ["getent", "passwd", "dp-canary"], check=False).returncode == 2
    assert {entry["uid"] for entry in read_ledger(lab, host)["retired"]} == {70000}
    assert lab.exec(host, ["ls", "/etc/ssh/daypass/keys"]).stdout == ""


def test_connector_in_our_group_is_not_shut_out(controller, lab: api.Lab, host: api.Host):
    """Whoever puts him there doesn't take the way in from everybody who would take him out again."""
    console = controller(lab)
    lab.exec(host, ["gpasswd", "-a", "apono", "daypass"])
    try:
        assert console.connector_gets_in(host)
    finally:
        lab.exec(host, ["gpasswd", "-d", "apono", "daypass"])


def test_second_onboarding_changes_nothing(controller, lab: api.Lab, host: api.Host):
    """On a good host only the canary comes and goes, which doesn't count as a change."""
    console = controller(lab)
    before = console.look(host)
    play = console.onboard(host)
    assert (play.code, play.stats["changed"]) == (0, 0), play.text
    assert play.trust["state"] == "confirmed"
    # The ledger knows one canary more; everything else is the same.
    assert console.look(host) == before


def test_other_orchestrator_is_refused(controller, lab: api.Lab, host: api.Host):
    """A host that belongs to somebody else isn't taken by the way."""
    console = controller(lab)
    before, ledger = console.look(host), read_ledger(lab, host)
    refusal = refusal_on(console, host, "if_possible", HOST_ID, ORCHESTRATOR_ID)
    assert refusal is not None
    assert refusal["code"] == "orchestrator_mismatch"
    assert (console.look(host), read_ledger(lab, host)) == (before, ledger)


def test_clone_is_refused(controller, lab: api.Lab, host: api.Host):
    """A copied disk brings a ledger along that was never made for this machine."""
    original = lab.exec(host, ["cat", "/etc/machine-id"]).stdout
    lab.exec(host, ["sh", "-c", f"echo {'c' * 32} > /etc/machine-id"])
    try:
        refusal = refusal_on(controller(lab), host, "if_possible")
    finally:
        lab.exec(host, ["sh", "-c", "cat > /etc/machine-id"], input=original)
    assert refusal is not None
    assert refusal["code"] == "machine_id_mismatch"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of this test's own, for the canary's private key."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    while not socket.exists():
        time.sleep(0.01)
    yield
    process.terminate()
    process.wait()


def canary_document(grant: str, ca_key: str, sequence: int, *, gone: bool) -> str:
    """What the orchestrator sends before and after the proof."""
    present = {
        "id": grant,
        "state": "present",
        "principals": [f"daypass-{grant}-1"],
        "groups": [],
        "sudo": [],
        "warn_before": 0,
        "not_after": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600)),
    }
    account = {
        "name": "dp-canary",
        "uid": 70000,
        "comment": "daypass canary",
        "shell": "/bin/sh",
        "existing": "refuse",
        "home_on_removal": "delete",
        "user_cleanup_days": 0,
        "remove": gone,
        "grants": [{"id": grant, "state": "absent"}] if gone else [present],
    }
    fields = {"version": 1, "host_id": HOST_ID, "orchestrator_id": ORCHESTRATOR_ID, "sequence": sequence}
    return document.build({**fields, "exclusive": True, "ca_keys": [ca_key], "accounts": [account]})[0]


@pytest.mark.usefixtures("agent")
def test_orchestrators_documents_onboard_and_take_over(controller, lab: api.Lab, host: api.Host):
    """Documents from the orchestrator need no CA key here; the canary's private key stays in an agent."""
    console = controller(lab)
    key, public = console.folder / "canary", console.folder / "canary.pub"
    grant = "canary01"
    argv = ["ssh-keygen", "-q", "-s", str(console.folder / "user_ca"), "-I", "daypass canary", "-z", "7"]
    subprocess.run([*argv, "-n", f"daypass-{grant}-1", "-V", "-1m:+10m", str(public)], check=True)
    subprocess.run(["ssh-add", "-q", str(key)], check=True)
    key.unlink()
    ca_key = " ".join((console.folder / "user_ca.pub").read_text().split()[:2])
    play = console.onboard(
        host,
        playbook="daypass.ssh.onboard",
        onboard_ca_key_file="",
        onboard_host_id=HOST_ID,
        onboard_orchestrator_id=ORCHESTRATOR_ID,
        onboard_take_over="true",
        onboard_document=canary_document(grant, ca_key, 1, gone=False),
        onboard_document_after=canary_document(grant, ca_key, 2, gone=True),
        daypass_file_canary_public_key=str(public),
        daypass_file_canary_certificate=str(console.folder / "canary-cert.pub"),
    )
    assert play.code == 0, play.text
    ledger = read_ledger(lab, host)
    assert (ledger["host_id"], ledger["orchestrator_id"], ledger["sequence"]) == (HOST_ID, ORCHESTRATOR_ID, 2)
    assert lab.exec(host, ["getent", "passwd", "dp-canary"], check=False).returncode == 2
