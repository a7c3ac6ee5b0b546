"""Access that was granted for later, looked at again when its time comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.domain.grants import Grant
from daypass.errors import ConfigurationError
from daypass.workflow.extending import extend
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.reconciling import Pass, reconcile_once
from daypass.workflow.revoking import take_back
from tests.asking import NOBODY_ASKED, PUBLIC_KEY, Company

HOUR = timedelta(hours=1)
SERVERS = ("web-1", "web-2", "db-1")
ALL = {"integration": "lab", "user_groups": ["Default", "logs", "ops"]}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """alice has asked, and got, an hour on three servers, an hour from now."""
    company = Company(tmp_path, {**NOBODY_ASKED, "requesters": {"group": "ops"}, "targets": ALL})
    ask(company)
    return company


def ask(company: Company, **words: Any) -> Grant:
    words = {"start": company.clock() + HOUR, "length": HOUR, "groups": ("logs",), **words}
    granted = company.ask("alice", *SERVERS, **words).granted
    assert granted is not None
    return granted.grant


def change(company: Company, **flow: Any) -> None:
    company.flows = ({**company.flows[0], **flow},)


def set_alice(company: Company, **entry: Any) -> None:
    company.people = tuple({**one, **entry} if one["login"] == "alice" else one for one in company.people)


def begin(company: Company) -> Pass:
    return reconcile_once(company.seams, company.clock.forward(HOUR))


def the_grant(company: Company) -> Grant:
    with company.seams.store.read() as view:
        [grant] = view.grants(login="alice")
    return grant


def test_what_still_fits_begins(company):
    """Everywhere, and nothing is told of it."""
    assert begin(company).not_begun == ()
    assert company.opens() == list(SERVERS)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda company: change(company, name="other"), "there is no flow f any more"),
        (lambda company: change(company, active=False), "the flow f is switched off"),
        (
            lambda company: change(company, certificate={"force_command": "/usr/bin/id"}),
            "the flow f binds certificates otherwise now",
        ),
        (lambda company: set_alice(company, groups=["dba"]), "alice may not have it"),
        (
            lambda company: change(company, grantees="everyone", requesters={"user": "bob"}),
            "alice may not ask",
        ),
        (lambda company: change(company, request_for="others"), "not allowed"),
        (lambda company: change(company, targets={**ALL, "user_groups": ["ops"]}), "logs isn't given"),
    ],
)
def test_what_fits_no_more_never_begins(company, changed, why):
    """With the reason in the record; no server ever hears of it."""
    changed(company)
    assert begin(company).not_begun
    assert (company.opens(), company.world.waves.sent) == ([], [])
    grant = the_grant(company)
    assert why in (grant.end_reason or "")
    assert company.kinds(grant.id)[-1] == "grant.ended"


def test_server_that_fits_no_more_is_left_out_and_the_rest_begins(company):
    """Tags are those of now; each server that ends says why."""
    change(company, targets={"servers": ["web-2", "db-1"], "user_groups": ["logs"]})
    [(grant_id, why)] = begin(company).not_begun
    assert (grant_id, why) == (the_grant(company).id, "web-1: web-1 isn't among its servers")
    assert company.opens() == ["web-2", "db-1"]
    assert company.details(grant_id, "share.ending")["reason"] == "web-1 isn't among its servers"


def test_grant_that_has_begun_is_not_looked_at_again(company):
    """What was given is given until its end."""
    begin(company)
    company.flows = ({"name": "other"},)
    reconcile_once(company.seams, company.clock())
    assert company.opens() == list(SERVERS)


def test_direct_grant_and_request_for_now_are_left_alone(company):
    """An operator's word isn't a flow's; what begins at once was decided just now."""
    give(company.seams, GrantRequest("bob", ("web-1",), (), (), 5 * HOUR, PUBLIC_KEY), company.clock())
    company.ask("alice", "db-1", length=5 * HOUR)
    company.flows = ({"name": "other"},)
    begin(company)
    assert (company.opens("bob"), company.opens()) == (["web-1"], ["db-1"])


@pytest.mark.parametrize("unreadable", ["people", "shift"])
def test_nothing_begins_while_people_cannot_be_read(company, unreadable):
    """Nothing ends either: it begins late, when they can."""

    def problem():
        raise ConfigurationError("not YAML")

    seams = company.seams
    if unreadable == "people":
        seams = replace(seams, directory=problem, policy=problem)
    else:
        change(company, requesters={"any": [{"group": "ops"}, {"shift": "night"}]})
        policy = company.policy
        shifts = {**policy.directory.shifts, "night": Doubtful()}
        policy = replace(policy, directory=replace(policy.directory, shifts=shifts))
        seams = replace(seams, policy=lambda: policy)
    company.clock.forward(HOUR)
    for _ in range(2):
        if unreadable == "people":
            with pytest.raises(ConfigurationError):
                reconcile_once(seams, company.clock())
        else:
            reconcile_once(seams, company.clock())
        assert (company.opens(), company.world.waves.sent) == ([], [])
    reconcile_once(company.seams, company.clock())
    assert company.opens() == list(SERVERS)


def test_no_mistake_in_looking_keeps_an_end_waiting(company):
    """What can't be looked at waits; what is to end ends, by every command."""

    def mistake():
        raise RuntimeError("a mistake")

    seams = replace(company.seams, policy=mistake)
    grant = give(seams, GrantRequest("bob", ("web-1",), (), (), 5 * HOUR, PUBLIC_KEY), company.clock()).grant
    company.clock.forward(HOUR)
    take_back(seams, grant.id, company.clock())
    assert (company.opens("bob"), company.opens()) == ([], [])
    with pytest.raises(RuntimeError):
        reconcile_once(seams, company.clock())
    assert company.opens() == []


class Doubtful:
    """A shift whose calendar can't be read."""

    people: Callable[..., frozenset[str]] = staticmethod(lambda _at: frozenset())
    edges: Callable[..., tuple[()]] = staticmethod(lambda _at, _latest: ())
    problem: Callable[..., str] = staticmethod(lambda _at: "it can't be read")


@pytest.mark.parametrize("other", ["grant", "extension"])
def test_no_other_command_lets_it_begin_unseen(company, other):
    """Whoever sends a server its document looks first."""
    if other == "extension":
        extend(company.seams, the_grant(company).id, company.clock(), length=HOUR)
    change(company, active=False)
    company.clock.forward(HOUR)
    give(company.seams, GrantRequest("bob", ("web-1",), (), (), HOUR, PUBLIC_KEY), company.clock())
    assert (company.opens(), company.opens("bob")) == ([], ["web-1"])
    assert the_grant(company).end_reason == "the flow f is switched off"


def test_asking_on_a_shift_is_enough_for_asking(tmp_path):
    """Who asked while on call may have it after the shift, where the flow gives it to others than those."""
    flow = {**NOBODY_ASKED, "requesters": {"shift": "day"}, "grantees": "everyone", "targets": ALL}
    company = Company(tmp_path, flow)
    granted = company.ask("carol", "web-1", start=company.clock() + 12 * HOUR, length=HOUR).granted
    assert granted is not None
    assert reconcile_once(company.seams, company.clock.forward(12 * HOUR)).not_begun == ()
    assert company.opens("carol") == ["web-1"]
