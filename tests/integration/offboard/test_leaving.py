"""Off-boarding on a real host, step by step: cut off anywhere, refused, and with what was there before."""

from __future__ import annotations

import json
from pathlib import Path

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


@pytest.mark.timeout(500)
def test_an_off_boarding_killed_at_any_step_is_finished_by_the_next(host):
    """Whatever is left of the accounts, sshd's trust and the files: the next run takes all of it."""
    host.send(account("alice", 70007, grant("G1"), home_on_removal="delete"))
    wish = {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id}
    done = host.lab.exec(
        host.host,
        ["python3", f"{FOLDER}/leave_loop.py"],
        input=json.dumps(wish),
        check=False,
        timeout_seconds=480,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["failures"] == []
    assert result["kills"] > 40
    details = [detail for _kind, detail in result["effects"]]
    order = ("userdel alice", "00-daypass.conf", "groupdel daypass", "/var/lib/daypass")
    places = [next(n for n, one in enumerate(details) if word in one and n > 2) for word in order]
    assert places[0] < places[1] < places[2]
