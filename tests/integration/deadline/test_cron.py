"""Access ends on the host itself where there is cron and no systemd."""

from __future__ import annotations

from tests.integration.accounts.managed_host import ManagedHost, account, grant
from tests.integration.deadline.watching import Watch, end_of, wait_for

ALICE, BOB = 70007, 70008


def test_access_ends_by_cron_within_a_minute_and_five_seconds(cron_host: ManagedHost, person):
    """The tick that finds the end within its minute waits for it; one that came in between has the next."""
    cron_host.forget("alice", "bob")
    first, second = grant("G1", seconds=20), grant("G2", seconds=70)
    result = cron_host.send(account("alice", ALICE, first), account("bob", BOB, second), program=True)
    assert result["answer"]["answer"]["warnings"] == []
    assert cron_host.run("stat", "-c", "%a %U", "/etc/cron.d/daypass").split() == ["644", "root"]
    people = person(cron_host, "alice", "G1"), person(cron_host, "bob", "G2")
    sessions = [one.stay("sleep 901") for one in people]
    try:
        assert wait_for(lambda: cron_host.run("ps", "-eo", "args").count("sleep 901") > 1)
        watch = Watch(cron_host, end_of(second) + 90, ALICE, BOB)
        seen = watch.last_seen()
        assert -2 < seen[ALICE] - end_of(first) < 65
        assert -2 < seen[BOB] - end_of(second) < 10, "the tick of that minute waits for the moment"
        assert wait_for(lambda: not cron_host.is_open("bob"))
        log = cron_host.sh("cat /var/log/auth.log /var/log/syslog 2>/dev/null || true")
        assert f"closed bob: grant G2 ended at {second['not_after']}" in log
    finally:
        for one in sessions:
            one.kill()
            one.communicate()
        cron_host.forget("alice", "bob")
