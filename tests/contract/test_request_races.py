"""Two who do something with one request at the same moment: exactly one outcome, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from daypass.domain.grants import GrantState
from daypass.domain.requests import Request, RequestState
from daypass.errors import DaypassError
from daypass.store import Store
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.requests.answering import answer, cancel
from daypass.workflow.requests.asking import RequestWords, ask_for
from daypass.workflow.seams import Seams
from tests.asking import NOBODY_ASKED, TWO_OF_PLATFORM, Company

ROUNDS = 10
Doing = Callable[[Seams], object]


@pytest.fixture
def company(opened: Callable[[], Store], tmp_path: Path) -> Company:
    store = opened()
    store.upgrade()
    return Company(tmp_path, store=store)


@pytest.fixture
def at_once(company: Company, opened: Callable[[], Store]) -> Callable[..., list[bool]]:
    """`at_once(first, second)`: each with a store of its own, at the same moment; who wasn't refused."""
    stores = [opened(), opened()]

    def run(*doings: Doing) -> list[bool]:
        barrier = threading.Barrier(len(doings))

        def do(doing: Doing, store: Store) -> bool:
            seams = company.over(replace(company.world.seams, store=store))
            barrier.wait()
            try:
                doing(seams)
            except DaypassError:
                return False
            return True

        with ThreadPoolExecutor(len(doings)) as pool:
            return list(pool.map(do, doings, stores))

    return run


def yes(company: Company, request: Request, login: str) -> Doing:
    person = company.person(login)
    return lambda seams: answer(seams, request.id, person, company.clock(), yes=True)


def no(company: Company, request: Request, login: str) -> Doing:
    person = company.person(login)
    return lambda seams: answer(seams, request.id, person, company.clock(), yes=False)


def grants_of(company: Company, request: Request) -> int:
    """How many grants the record holds for this request."""
    with company.seams.store.read() as view:
        return sum(grant.request_id == request.id for grant in view.grants())


def asked_by(company: Company, number: int) -> Request:
    """A request of its own for each round: the beginning differs."""
    return company.ask(start=company.clock().replace(microsecond=0, minute=number, hour=20)).request


def test_two_approvers_at_once_give_one_grant(company, at_once):
    """The second finds the first's decision."""
    for number in range(ROUNDS):
        request = asked_by(company, number)
        done = at_once(yes(company, request, "carol"), yes(company, request, "dave"))
        assert sorted(done) == [False, True]
        assert grants_of(company, request) == 1


def test_two_of_two_at_once_are_both_counted(company, at_once):
    """Neither overwrites the other's vote."""
    company.flows = (TWO_OF_PLATFORM,)
    for number in range(ROUNDS):
        request = asked_by(company, number)
        assert at_once(yes(company, request, "carol"), yes(company, request, "dave")) == [True, True]
        assert company.request(request.id).state is RequestState.APPROVED
        assert grants_of(company, request) == 1


@pytest.mark.parametrize("other", ["cancel", "no"])
def test_yes_and_its_opposite_at_once_have_one_outcome(company, at_once, other):
    """Whichever was first holds, and only an approved request has a grant."""
    alice = company.person("alice")
    for number in range(ROUNDS):
        request = asked_by(company, number)
        against = (
            no(company, request, "dave")
            if other == "no"
            else lambda seams, request=request: cancel(seams, request.id, alice, company.clock())
        )
        assert sorted(at_once(yes(company, request, "carol"), against)) == [False, True]
        approved = company.request(request.id).state is RequestState.APPROVED
        assert grants_of(company, request) == int(approved)


def test_the_same_request_twice_at_once_is_made_once(company, at_once):
    """A script that is started twice asks once."""
    alice = company.person("alice")
    words = RequestWords(("web-1",), justification="deploy")

    def ask(seams: Seams) -> object:
        return ask_for(seams, alice, words, company.clock())

    assert sorted(at_once(ask, ask)) == [False, True]


def test_two_reconciles_at_once_grant_a_waiting_request_once(company, at_once):
    """Also where time or a new configuration decides."""
    request = company.ask().request
    company.flows = (NOBODY_ASKED,)

    def reconcile(seams: Seams) -> object:
        return reconcile_once(seams, company.clock())

    assert at_once(reconcile, reconcile) == [True, True]
    assert grants_of(company, request) == 1
    with company.seams.store.read() as view:
        assert [grant.state for grant in view.grants()] == [GrantState.ACTIVE]
