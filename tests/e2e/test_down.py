"""Servers that are down or silent hold up nobody, and are caught up with when they are back."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from daypass.domain.grants import GrantState, ShareState
from daypass.workflow import granting
from daypass.workflow.granting import GrantRequest
from daypass.workflow.reconciling import reconcile_once
from tests.waiting import LIMIT_SECONDS, wait_for

UP, DOWN = "web-1", "web-3"
AFTER_THE_PAUSE = timedelta(minutes=1)  # the first try again comes 30 s after the failed one


def later_pass(site):
    """The pass of `reconcile` that comes when the pause after a failed try is over."""
    with site.opened(AFTER_THE_PAUSE) as daypass:
        return reconcile_once(daypass.seams, daypass.now()).outcomes


def test_a_server_that_is_down_is_told_to_the_person_and_caught_up_later(site, look, all_agree, tidy):
    """Exit code 3 and the reason; the other server is open at once; grant and revocation both catch up."""
    kept = site.grant("patient", DOWN)
    site.lab.kill(DOWN)
    try:
        grant = site.grant("waiting", UP, DOWN, code=3)
        servers = grant.answer["servers"]
        assert servers[UP]["state"] == "applied"
        assert (servers[DOWN]["state"], servers[DOWN]["outcome"]) == ("pending", "unreachable")
        assert servers[DOWN]["code"]
        assert servers[DOWN]["message"]
        assert servers[DOWN]["next_try_at"]
        assert site.gets_in(grant, UP)
        ending = site.revoke(kept, code=3)
        assert ending["grant"]["state"] == "ending"
        table = site.run("status").out
        assert "ending (unconfirmed)" in table
    finally:
        site.lab.start(DOWN)
    assert site.gets_in(kept, DOWN)  # no wave has come since: the record says "ending", not "ended"
    later_pass(site)
    assert site.gets_in(grant, DOWN)
    assert not site.gets_in(kept, DOWN)
    all_agree()
    assert site.run("audit", "verify").code == 0


def test_a_silent_server_holds_up_no_other(site, all_agree, tidy):
    """It accepts the connection and says nothing; the wave ends with it unreachable."""
    site.lab.exec(DOWN, ["pkill", "-STOP", "-x", "sshd"])
    try:
        grant = site.grant("thawing", UP, DOWN, code=3)
        assert grant.answer["servers"][UP]["state"] == "applied"
        assert grant.answer["servers"][DOWN]["outcome"] == "unreachable"
    finally:
        site.lab.exec(DOWN, ["pkill", "-CONT", "-x", "sshd"])
    later_pass(site)
    assert site.gets_in(grant, DOWN)
    all_agree()


def test_a_revocation_that_can_t_be_told_is_carried_out_at_the_end_by_the_server(
    site, look, all_agree, tidy, monkeypatch
):
    """It reads as unconfirmed until the server has answered, though its own deadline has closed it."""
    monkeypatch.setattr(granting, "SHORTEST_GRANT", timedelta(seconds=1))
    public_key = Path(f"{site.key('deaf')}.pub").read_text()
    began = time.monotonic()
    site.grant("measured", DOWN)
    length = timedelta(seconds=max(30, 5 * (time.monotonic() - began)))  # still open when the wave lands
    with site.opened() as daypass:
        request = GrantRequest("deaf", (DOWN,), (), (), length, public_key)
        given = granting.give(daypass.seams, request, daypass.now())
    assert [share.state for share in given.shares] == [ShareState.APPLIED]
    site.lab.exec(DOWN, ["pkill", "-STOP", "-x", "sshd"])
    try:
        ran = site.run("revoke", given.grant.id, code=3)
        assert "ending (unconfirmed)" in ran.out
        assert "until the server itself ends it" in ran.err
        limit = length.total_seconds() + LIMIT_SECONDS
        key_file = "/etc/ssh/daypass/keys/deaf"
        script = f"for look in $(seq {limit:.0f}); do grep -q principals {key_file} || exit 0; sleep 1; done"
        site.lab.exec(DOWN, ["sh", "-c", script], timeout_seconds=2 * limit)
        assert wait_for(lambda: not look(DOWN).accounts["deaf"].open)
        assert "ending (unconfirmed)" in site.run("status").out
    finally:
        site.lab.exec(DOWN, ["pkill", "-CONT", "-x", "sshd"])
    site.run("reconcile", "--now")
    with site.opened() as daypass, daypass.seams.store.read() as view:
        assert view.grant(given.grant.id).state is GrantState.ENDED
    all_agree()
