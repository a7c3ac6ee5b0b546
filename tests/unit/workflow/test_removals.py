"""Rules of an account whose cleanup window has passed and that doesn't go at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.domain.grants import Account, AccountState
from daypass.domain.outcomes import IN_WORK
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from daypass.workflow.settle import LONGEST_PAUSE
from tests.fakes import MemoryHosts, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def over(world, request_for) -> World:
    """Anna's only grant on web-1 has ended; her account is to go."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, answer.grant.id, world.clock())
    return world


def account(world: World) -> Account:
    with world.seams.store.read() as view:
        (found,) = view.accounts(server="web-1", login="anna")
    return found


def answering(world: World, unfinished):
    """Servers that have more to do than one document gives time for."""

    class Slow(MemoryHosts):
        def deliver(self, server, opaque):
            outcome = super().deliver(server, opaque)
            told = replace(outcome.answer.accounts["anna"], unfinished=unfinished)
            return replace(outcome, answer=replace(outcome.answer, accounts={"anna": told}))

    slow = Slow(world.hosts, world.clock)
    return replace(world.seams, executor=lambda _integration: slow)


def test_a_removal_that_fails_is_tried_again_after_growing_pauses(over):
    """A server that is gone for good doesn't get a wave each minute for ever."""
    over.hosts["web-1"].up = False
    tries = 0
    for _ in range(60):
        tries += bool(reconcile_once(over.seams, over.clock.forward(MINUTE)).outcomes)
    assert 4 < tries < 12
    assert account(over).removal_next_try_at - over.clock() <= LONGEST_PAUSE
    assert account(over).removal_message == "no answer"


def test_what_is_left_to_remove_is_told_by_every_pass(over):
    """Also by one that leaves the server alone, with the time of the next try."""
    over.hosts["web-1"].up = False
    reconcile_once(over.seams, over.clock())
    quiet = reconcile_once(over.seams, over.clock.forward(timedelta(seconds=1)))
    assert (dict(quiet.outcomes), [one.login for one in quiet.unremoved]) == ({}, ["anna"])
    assert quiet.waiting == {"web-1": account(over).removal_next_try_at}


def test_somebody_who_asks_doesn_t_wait_for_a_pause(over):
    """`reconcile --now` after the server was repaired."""
    over.hosts["web-1"].up = False
    reconcile_once(over.seams, over.clock())
    over.hosts["web-1"].up = True
    assert not reconcile_once(over.seams, over.clock()).outcomes
    reconcile_once(over.seams, over.clock(), pauses=False)
    assert account(over).state is AccountState.REMOVED


def test_a_server_at_work_goes_on_with_the_next_pass(over):
    """A large home is archived over several waves; the account counts as removed when all of it is done."""
    at_work = answering(over, (IN_WORK, "the home of anna is being archived"))
    for _ in range(2):
        done = reconcile_once(at_work, over.clock())
        assert [one.removal_message for one in done.unremoved] == ["the home of anna is being archived"]
        assert done.waiting == {"web-1": over.clock()}
    assert not reconcile_once(over.seams, over.clock()).unremoved
    assert account(over).state is AccountState.REMOVED


def test_something_in_the_way_of_a_removal_is_told_and_tried_after_a_pause(over):
    """No room for the archive: nothing is lost, the account stays on record, with the reason."""
    full = answering(over, ("home_no_space", "there is no room for the archive"))
    reconcile_once(full, over.clock())
    found = account(over)
    assert (found.removal_message, found.removal_attempts) == ("there is no room for the archive", 1)
    assert not reconcile_once(full, over.clock()).outcomes


def test_a_new_grant_clears_what_a_removal_left(over, request_for):
    """The account is wanted again; the next removal begins anew."""
    over.hosts["web-1"].up = False
    reconcile_once(over.seams, over.clock())
    over.hosts["web-1"].up = True
    give(over.seams, request_for("anna", "web-1"), over.clock())
    found = account(over)
    assert (found.removal_attempts, found.removal_next_try_at, found.removal_message) == (0, None, None)
    assert not reconcile_once(over.seams, over.clock(), pauses=False).unremoved
