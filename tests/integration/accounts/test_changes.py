"""A grant that changes while somebody is logged in with it, on a real host."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tests.integration.accounts.managed_host import ManagedHost, Person, account, grant
from tests.waiting import LIMIT_SECONDS, wait_for


def moment(seconds: int) -> str:
    """So many seconds from now, as a document says it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def longer(seconds: int) -> dict:
    """The grant G1 with a second certificate and this end."""
    principals = ["daypass-G1-1", "daypass-G1-2"]
    return {**grant("G1", groups=["team"]), "principals": principals, "not_after": moment(seconds)}


def test_session_outlives_the_old_end_of_an_extended_grant(host: ManagedHost, alice: Person):
    """Neither the extension nor the moment of the old end touches it; the new end does."""
    host.send(account("alice", 70007, {**grant("G1", groups=["team"]), "not_after": moment(600)}))
    session = alice.stay("sleep", "611")
    try:
        assert wait_for(lambda: "sleep 611" in host.run("ps", "-eo", "args"))
        said = host.send(account("alice", 70007, longer(7200)))["answer"]["answer"]["accounts"]["alice"]
        assert (said["state"], said["grants"], said["lacking"]) == ("active", ["G1"], [])
        after_the_old_end = {"document": host.document(exclusive=False), "now": int(time.time()) + 3600}
        host.drive(after_the_old_end)
        assert session.poll() is None
        assert alice.gets_in()
        host.drive({"document": host.document(exclusive=False), "now": int(time.time()) + 7300})
        assert session.wait(timeout=LIMIT_SECONDS) != 0
        assert not alice.gets_in()
    finally:
        session.kill()
        session.communicate()


def test_extension_that_fails_leaves_the_grant_as_it_was_and_says_so(host: ManagedHost, alice: Person):
    """All or nothing: old key lines, old end, the session goes on, and the grant is named as lacking."""
    host.send(account("alice", 70007, {**grant("G1", groups=["team"]), "not_after": moment(600)}))
    before = host.state_of("alice")
    session = alice.stay("sleep", "612")
    host.run("mkdir", "/etc/ssh/daypass/keys/.alice.tmp")  # where the new file would be written first
    try:
        said = host.send(account("alice", 70007, longer(86400 * 3)))["answer"]["answer"]["accounts"]["alice"]
        assert (said["state"], said["lacking"]) == ("failed", ["G1"])
    finally:
        host.run("rmdir", "/etc/ssh/daypass/keys/.alice.tmp")
    try:
        assert session.poll() is None
        assert host.state_of("alice")["keys"] == before["keys"]
    finally:
        session.kill()
        session.communicate()


def test_certificate_that_was_taken_back_ends_its_sessions(host: ManagedHost, alice: Person):
    """A lost key: its line goes, and whatever was begun with it."""
    host.send(account("alice", 70007, grant("G1", groups=["team"])))
    session = alice.stay("sleep", "613")
    try:
        assert wait_for(lambda: "sleep 613" in host.run("ps", "-eo", "args"))
        host.send(account("alice", 70007, {**grant("G1", groups=["team"]), "principals": ["daypass-G1-2"]}))
        assert session.wait(timeout=LIMIT_SECONDS) != 0
        assert not alice.gets_in()
        state = host.state_of("alice")
        assert ("daypass-G1-2" in state["keys"], "daypass-G1-1" in state["keys"]) == (True, False)
    finally:
        session.kill()
        session.communicate()
