"""Servers that leave: the record ends first, the server follows, and nothing from before can come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.domain.grants import AccountState, GrantState, ShareState
from daypass.domain.outcomes import OutcomeKind
from daypass.errors import NotFoundError, UsageError
from daypass.workflow.granting import give
from daypass.workflow.offboarding import forget, offboard
from daypass.workflow.onboarding import onboard
from daypass.workflow.reconciling import reconcile_once
from tests.fakes import Killed

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0BRtJjQGZ7NzqH9SpTnnF0yBnEVZ1pRCyRbMhtGhqV"


def states(world, grant_id):
    with world.seams.store.read() as view:
        return {share.server: share.state for share in view.shares(grant_id=grant_id)}


def kinds(world, subject):
    with world.seams.store.read() as view:
        return [event.kind for event in view.events() if event.subject == subject]


def test_grants_end_in_the_record_before_the_server_is_told(world, request_for):
    """Whatever becomes of the wave, nobody is left with a grant on a server that leaves."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    seen = []
    world.waves.on_step = lambda step: seen.append((step, states(world, answer.grant.id)["web-1"]))
    outcomes = offboard(world.seams, ["web-1"], world.clock())
    assert outcomes["web-1"].kind is OutcomeKind.APPLIED
    assert seen[0] == ("reaching web-1", ShareState.ENDING)
    assert not world.hosts["web-1"].onboarded
    with world.seams.store.read() as view:
        assert view.grant(answer.grant.id).state is GrantState.ENDED
        assert view.accounts(server="web-1")[0].state is AccountState.REMOVED
        assert view.host("web-1").offboarded_at == world.clock()
    assert kinds(world, "web-1") == ["host.leaving", "account.removed", "host.offboarded"]


def test_a_grant_goes_on_on_the_servers_that_stay(world, request_for):
    """Only one server's part of it ends; it ends as a whole with its last server."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    offboard(world.seams, ["web-1"], world.clock())
    with world.seams.store.read() as view:
        grant = view.grant(answer.grant.id)
    assert (grant.state, grant.ended_at) == (GrantState.ACTIVE, None)
    assert world.hosts["web-2"].open_principals("anna")
    offboard(world.seams, ["web-2"], world.clock())
    with world.seams.store.read() as view:
        assert view.grant(answer.grant.id).end_reason == "server off-boarded"
        assert view.grant(answer.grant.id).state is GrantState.ENDED


def test_a_server_that_is_down_stays_onboarded_and_its_grants_ending(world, request_for):
    """What nobody has confirmed isn't done; the next try, or the operator's word, settles it."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    world.hosts["web-1"].up = False
    assert offboard(world.seams, ["web-1"], world.clock())["web-1"].kind is OutcomeKind.UNREACHABLE
    assert states(world, answer.grant.id) == {"web-1": ShareState.ENDING}
    with world.seams.store.read() as view:
        assert view.host("web-1").offboarded_at is None
    world.hosts["web-1"].up = True
    assert offboard(world.seams, ["web-1"], world.clock())["web-1"].kind is OutcomeKind.APPLIED


def test_nothing_is_given_on_a_server_while_its_off_boarding_is_not_over(world, request_for):
    """Until the server has said that all is gone; onboarding it again keeps it."""
    servers = {name: replace(server, host_key=KEY) for name, server in world.seams.servers.items()}
    seams = replace(world.seams, servers=servers)
    world.hosts["web-1"].up = False
    offboard(seams, ["web-1"], world.clock())
    world.hosts["web-1"].up = True
    with pytest.raises(UsageError) as caught:
        give(seams, request_for("anna", "web-1", "web-2"), world.clock())
    assert caught.value.code == "server_leaving"
    assert "daypass offboard web-1" in caught.value.hint
    assert onboard(seams, ["web-1"], world.clock())["web-1"].kind is OutcomeKind.APPLIED
    give(seams, request_for("anna", "web-1"), world.clock())
    assert world.hosts["web-1"].open_principals("anna")


def test_another_orchestrators_server_is_left_alone(world, request_for):
    """The ledger says whose it is; ours is refused before anything goes."""
    give(world.seams, request_for("anna", "web-1"), world.clock())
    host = world.hosts["web-1"]
    host.ledger = host.ledger._replace(orchestrator_id="e" * 32)
    outcome = offboard(world.seams, ["web-1"], world.clock())["web-1"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "orchestrator_mismatch")
    assert host.onboarded
    assert "anna" in host.ledger.accounts


def test_homes_are_kept_where_that_is_asked_for(world, request_for):
    """The document that removes the accounts says so, whatever their own policy is."""
    give(world.seams, request_for("anna", "web-1"), world.clock())
    offboard(world.seams, ["web-1"], world.clock(), keep_homes=True)
    with world.seams.store.read() as view:
        assert view.accounts(server="web-1")[0].home_on_removal == "keep"


def test_nothing_can_be_given_on_a_server_that_left(world, request_for):
    """The message says what to do about it; nothing is recorded."""
    offboard(world.seams, ["web-1"], world.clock())
    with pytest.raises(UsageError) as caught:
        give(world.seams, request_for("anna", "web-1"), world.clock())
    assert caught.value.hint == "daypass onboard web-1"


def test_a_server_that_comes_back_follows_no_document_from_before(world, request_for):
    """A new onboarding gives it another host_id, so a wave that was left behind lands on nobody."""
    servers = {name: replace(server, host_key=KEY) for name, server in world.seams.servers.items()}
    seams = replace(world.seams, servers=servers)
    give(seams, request_for("anna", "web-1"), world.clock())
    old = world.waves.sent[-1][1]
    offboard(seams, ["web-1"], world.clock())
    assert world.waves.deliver("web-1", old).code == "not_onboarded"
    assert onboard(seams, ["web-1"], world.clock())["web-1"].kind is OutcomeKind.APPLIED
    assert world.waves.deliver("web-1", old).code == "host_id_mismatch"
    again = give(seams, request_for("anna", "web-1"), world.clock())
    assert world.hosts["web-1"].open_principals("anna") == {again.certificate.principal}


def test_a_killed_off_boarding_is_finished_by_the_next(world, request_for):
    """At every step: what was recorded is done, what wasn't is as before, and a repetition ends it all."""
    for step in range(1, 60):
        answer = give(world.seams, request_for(f"user{step}", "web-1", "web-2"), world.clock())
        process, mortal = world.mortal(step)
        try:
            offboard(process, ["web-1"], world.clock())
        except Killed:
            assert mortal.dead
        else:
            break
        left = states(world, answer.grant.id)["web-1"]
        if left is ShareState.APPLIED:
            assert world.hosts["web-1"].open_principals(f"user{step}")
        else:
            world.clock.forward(timedelta(minutes=20))
            reconcile_once(world.seams, world.clock())
            assert not world.hosts["web-1"].open_principals(f"user{step}")
        with world.seams.store.read() as view:
            done = view.host("web-1").offboarded_at is not None
        if not done:
            offboard(world.seams, ["web-1"], world.clock())
        assert not world.hosts["web-1"].onboarded
        assert states(world, answer.grant.id)["web-1"] in (ShareState.ENDED, ShareState.REMOVED)
        servers = {name: replace(server, host_key=KEY) for name, server in world.seams.servers.items()}
        onboard(replace(world.seams, servers=servers), ["web-1"], world.clock())
    assert step > 8


def test_a_server_that_is_gone_for_good_is_given_up(world, request_for):
    """Its shares end in the record alone, which says that nobody confirmed it; reconcile is quiet then."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    servers = {name: server for name, server in world.seams.servers.items() if name != "web-1"}
    seams = replace(world.seams, servers=servers)
    world.hosts["web-1"].up = False
    with pytest.raises(NotFoundError) as caught:
        offboard(seams, ["web-1"], world.clock())
    assert "daypass offboard web-1 --forget" in caught.value.hint
    forget(seams, "web-1", world.clock())
    with seams.store.read() as view:
        shares = {share.server: share for share in view.shares(grant_id=answer.grant.id)}
        forgotten = [event for event in view.events() if event.kind == "host.forgotten"]
    assert shares["web-1"].outcome_code == "server_forgotten"
    assert shares["web-1"].confirmed_at is None
    assert shares["web-2"].state is ShareState.APPLIED
    assert forgotten[0].details["unconfirmed_grants"] == [answer.grant.id]
    assert forgotten[0].details["confirmed"] is False
    world.clock.forward(timedelta(hours=2))
    done = reconcile_once(seams, world.clock())
    assert set(done.outcomes) == {"web-2"}
    assert not done.waiting
    world.clock.forward(timedelta(hours=1))
    assert not reconcile_once(seams, world.clock()).outcomes


def test_a_server_that_nobody_knows_cannot_leave(world):
    """The nearest name is proposed."""
    with pytest.raises(NotFoundError) as caught:
        forget(world.seams, "web-11", world.clock())
    assert "web-1" in caught.value.hint
