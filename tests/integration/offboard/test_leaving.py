"""Off-boarding on a real host, step by step: cut off anywhere, refused, and with what was there before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import api
from tests.integration.accounts.managed_host import FOLDER, ManagedHost, account, grant

LOOP = Path(__file__).with_name("leave_loop.py")


@pytest.fixture(scope="module")
def host(lab_name: str) -> ManagedHost:
    """A light host under our ledger."""
    lab = api.up(lab_name, 1, light=True, prefix="leave", fresh=True)
    managed = ManagedHost(lab, lab.host("leave-1"))
    lab.exec(managed.host, ["sh", "-c", f"cat > {FOLDER}/leave_loop.py"], input=LOOP.read_text())
    return managed


def leave(host: ManagedHost, **wish: object) -> Any:
    """Run the loop with these words, the host's own ids unless others are given."""
    words = {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id, **wish}
    argv = ["python3", f"{FOLDER}/leave_loop.py"]
    done = host.lab.exec(host.host, argv, input=json.dumps(words), check=False, timeout_seconds=850)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_host_of_another_orchestrator_is_refused(host):
    """Its ledger says whose it is, and nothing of it is touched."""
    host.forget("alice")
    host.send(account("alice", 70007, grant("G1")))
    before = host.ledger()
    said = leave(host, once=True, orchestrator_id="e" * 32)
    assert said.startswith("Refusal: this host belongs to orchestrator")
    assert host.ledger() == before
    assert host.is_open("alice")


def test_a_group_from_before_stays(host):
    """What onboarding found is the administrator's; what it made goes."""
    host.forget("alice")
    ledger = {**host.ledger(), "found": ["daypass", "/etc/ssh/sshd_config.d"]}
    host.lab.exec(host.host, ["sh", "-c", "cat > /var/lib/daypass/ledger.json"], input=json.dumps(ledger))
    assert isinstance(leave(host, once=True), list)
    assert host.code("getent", "group", "daypass") == 0
    assert host.code("getent", "group", "daypass-join") == 2
    assert host.code("test", "-e", "/var/lib/daypass") == 1
    assert host.code("test", "-e", "/etc/ssh/sshd_config.d/00-daypass.conf") == 1


def test_marked_accounts_without_a_ledger_stop_it(host):
    """Nobody knows whose they are; trust stays, so that somebody finds out."""
    host.forget("alice")
    host.send(account("alice", 70007, grant("G1")))
    host.sh("rm /var/lib/daypass/ledger.*")
    said = leave(host, once=True)
    assert said == "Refusal: there is no ledger, and accounts have our mark: alice"
    assert host.code("test", "-e", "/etc/ssh/sshd_config.d/00-daypass.conf") == 0


def test_an_off_boarding_killed_at_any_step_is_finished_by_the_next(host):
    """Whatever is left of the accounts, sshd's trust and the files: the next run takes all of it."""
    host.forget("alice")
    host.send(account("alice", 70007, grant("G1"), home_on_removal="delete"))
    result = leave(host)
    assert result["failures"] == []
    assert result["kills"] == len(result["effects"]) + 1 > 20  # before each, after the last
    details = [detail for _kind, detail in result["effects"]]
    order = ("userdel alice", "00-daypass.conf", "groupdel daypass", "/var/lib/daypass")
    places = [next(n for n, one in enumerate(details) if word in one and n > 2) for word in order]
    assert places[0] < places[1] < places[2]
