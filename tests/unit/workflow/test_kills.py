"""Rules of dying: the orchestrator is killed at every step, and one `reconcile` makes all of it right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from daypass.audit.verifying import verify_store
from daypass.domain.grants import ShareState
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from daypass.workflow.seams import Seams
from tests.agreement import check_agreement, check_certificates, check_not_more
from tests.fakes import Killed, MemoryHosts, World

Work = Callable[[Seams], object]
SERVERS = ("web-1", "web-2")
MOST_STEPS = 60


def opened(world: World, server: str) -> dict[str, set[str]]:
    host = world.hosts[server]
    return {login: host.open_principals(login) for login in host.ledger.accounts}


def never_more(world: World) -> None:
    with world.seams.store.read() as view:
        for server in world.hosts:
            check_not_more(view, server, opened(world, server), world.clock())


def all_agree(world: World) -> None:
    with world.seams.store.read() as view:
        for server in world.hosts:
            check_agreement(view, server, opened(world, server), world.clock())
        check_certificates(view)
        assert verify_store(view, anchor=None, expect=None).whole


def dies_at(world: World, step: int, work: Work) -> bool:
    """Run the work in a process that is killed at this step; whether it came that far."""
    seams, mortal = world.mortal(step)
    try:
        work(seams)
    except Killed:
        return True
    assert not mortal.dead
    return False


def orphaned_wave(world: World, before: int) -> list[tuple[str, str]]:
    """The documents of the last wave since so many were sent: what a killed process left behind."""
    return world.waves.sent[before:]


@pytest.mark.parametrize("orphan", ["ends with its owner", "lands at once", "lands after something newer"])
def test_a_killed_grant_is_whole_or_absent_after_the_next_pass(world, request_for, orphan):
    """Wherever the kill comes, reconcile completes the grant or finds none; the late wave changes nothing."""
    wanted = request_for("anna", *SERVERS, groups=("ops",))
    give(world.seams, request_for("bert", *SERVERS), world.clock())
    begun = world.moment()
    for step in range(1, MOST_STEPS):
        world.back_to(begun)
        before = len(world.waves.sent)
        if not dies_at(world, step, lambda seams: give(seams, wanted, seams.clock())):
            break
        left = orphaned_wave(world, before)
        never_more(world)
        if orphan == "lands at once":
            deliver(world.waves, left)
            never_more(world)
        reconcile_once(world.seams, world.clock())
        all_agree(world)
        if orphan == "lands after something newer":
            give(world.seams, request_for("newer", *SERVERS), world.clock())
            take_back_all(world, "anna")
            deliver(world.waves, left)
        all_agree(world)
    else:
        pytest.fail("the grant has more steps than were tried")
    assert step > 15  # commits, signing, two servers: a kill before and after each


@pytest.mark.parametrize("orphan", ["ends with its owner", "lands at once", "lands after something newer"])
def test_a_killed_revocation_is_done_or_not_begun_after_the_next_pass(world, request_for, orphan):
    """Once the revocation is recorded, reconcile carries it out on every server; other grants stay."""
    kept = give(world.seams, request_for("anna", *SERVERS), world.clock()).grant
    grant = give(world.seams, request_for("anna", *SERVERS, groups=("ops",)), world.clock()).grant
    begun = world.moment()
    for step in range(1, MOST_STEPS):
        world.back_to(begun)
        before = len(world.waves.sent)
        if not dies_at(world, step, lambda seams: take_back(seams, grant.id, seams.clock())):
            break
        left = orphaned_wave(world, before)
        if orphan == "lands at once":
            deliver(world.waves, left)
        reconcile_once(world.seams, world.clock())
        all_agree(world)
        if orphan == "lands after something newer":
            give(world.seams, request_for("anna", *SERVERS, groups=("logs",)), world.clock())
            deliver(world.waves, left)
        all_agree(world)
    else:
        pytest.fail("the revocation has more steps than were tried")
    assert step > 10
    with world.seams.store.read() as view:
        states = {share.state for share in view.shares(grant_id=kept.id)}
    assert states == {ShareState.APPLIED}


def test_a_killed_pass_is_finished_by_the_next_one(world, request_for):
    """Ends, retries and removals that a killed reconcile had begun are finished by the next."""
    give(world.seams, request_for("anna", "web-1", length=timedelta(minutes=1)), world.clock())
    give(world.seams, request_for("bert", "web-1", length=timedelta(hours=9)), world.clock())
    world.clock.forward(timedelta(minutes=2))
    begun = world.moment()
    for step in range(1, MOST_STEPS):
        world.back_to(begun)
        killed = dies_at(world, step, lambda seams: reconcile_once(seams, seams.clock()))
        for _ in range(2):  # the end comes in one pass, the removal after it at the earliest in the next
            reconcile_once(world.seams, world.clock())
        all_agree(world)
        assert all("anna" not in host.ledger.accounts for host in world.hosts.values())
        if not killed:
            break
    else:
        pytest.fail("the pass has more steps than were tried")
    assert step > 8


def take_back_all(world: World, login: str) -> None:
    """Take back every grant of this person that was recorded."""
    with world.seams.store.read() as view:
        grants = view.grants(login=login)
    for grant in grants:
        take_back(world.seams, grant.id, world.clock())


def deliver(waves: MemoryHosts, documents: list[tuple[str, str]]) -> None:
    """Hand late documents to their servers."""
    for server, opaque in documents:
        waves.deliver(server, opaque)
