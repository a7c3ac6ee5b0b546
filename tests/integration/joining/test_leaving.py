"""A joined account whose host is off-boarded is what it was before it was joined."""

from __future__ import annotations

import json

from tests.integration.accounts.managed_host import FOLDER, grant
from tests.integration.joining.conftest import Host, Person
from tests.integration.offboard.test_leaving import LOOP


def without_ours(files: dict[str, str]) -> dict[str, str]:
    """The account files less our own groups, which come and go with onboarding."""
    return {
        name: "".join(line for line in text.splitlines(True) if not line.startswith("daypass"))
        for name, text in files.items()
    }


def test_a_joined_account_gets_back_what_it_was(host: Host, own: Person, granted: Person):
    """Its grant ends with the host's off-boarding; groups, sudo, password and home are as they were."""
    before, sshd_before = without_ours(host.files()), host.sshd_of_all()
    host.join(grant("G1", groups=["team"]))
    assert granted.gets_in()
    host.lab.exec(host.host, ["sh", "-c", f"cat > {FOLDER}/leave_loop.py"], input=LOOP.read_text())
    wish = {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id, "once": True}
    said = host.lab.exec(host.host, ["python3", f"{FOLDER}/leave_loop.py"], input=json.dumps(wish)).stdout
    assert isinstance(json.loads(said), list), said
    assert without_ours(host.files()) == before
    assert host.sshd_of_all() == sshd_before
    assert host.code("getent", "group", "daypass-join") == 2
    assert own.gets_in()
    assert not granted.gets_in()
