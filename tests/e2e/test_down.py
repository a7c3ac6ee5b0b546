"""Servers that are down or silent hold up nobody, and are caught up with when they are back."""

from __future__ import annotations

from datetime import timedelta

from daypass.workflow.reconciling import reconcile_once

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
