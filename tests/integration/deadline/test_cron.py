"""Access ends on the host itself where there is cron and no systemd."""

from __future__ import annotations

import time

from tests.integration.accounts.managed_host import ManagedHost, account, grant, stamp
from tests.integration.deadline.watching import Watch, end_of
from tests.waiting import LIMIT_SECONDS, wait_for

ALICE, BOB = 70007, 70008
LATE_SECONDS = 35  # a few on a quiet machine; from there to the next tick it would be 40


def both(first: str, second: str) -> list[dict]:
    """Alice with the first end and bob with the second."""
    return [
        account("alice", ALICE, {**grant("G1"), "not_after": first}),
        account("bob", BOB, {**grant("G2"), "not_after": second}),
    ]


def test_access_ends_by_cron_within_a_minute_and_five_seconds(cron_host: ManagedHost, person):
    """The tick that finds the end within its minute waits for it; one that came in between has the next."""
    cron_host.forget("alice", "bob")
    result = cron_host.send(*both(stamp(3600), stamp(3600)), program=True)
    assert result["answer"]["answer"]["warnings"] == []
    assert cron_host.run("stat", "-c", "%a %U", "/etc/cron.d/daypass").split() == ["644", "root"]
    people = person(cron_host, "alice", "G1"), person(cron_host, "bob", "G2")
    sessions = [one.stay("sleep 901") for one in people]
    try:
        assert wait_for(lambda: cron_host.run("ps", "-eo", "args").count("sleep 901") > 1)
        soon = cron_host.room(*both(stamp(3600), stamp(3600)))
        now = time.time()
        watch = Watch(cron_host, now + soon + 180 + LIMIT_SECONDS, ALICE, BOB)
        first = stamp(soon)
        second = stamp(soon + (80 - (now + soon) % 60))  # 20 seconds into a minute
        cron_host.send(*both(first, second), program=True)
        seen = watch.last_seen()
        assert -2 < seen[ALICE] - end_of({"not_after": first}) < 60 + LATE_SECONDS
        assert -2 < seen[BOB] - end_of({"not_after": second}) < LATE_SECONDS, "the tick waits for the moment"
        assert wait_for(lambda: not cron_host.is_open("bob"))
        log = "cat /var/log/auth.log /var/log/syslog 2>/dev/null || true"
        assert wait_for(lambda: f"closed bob: grant G2 ended at {second}" in cron_host.sh(log))
    finally:
        for one in sessions:
            one.kill()
            one.communicate()
        cron_host.forget("alice", "bob")
