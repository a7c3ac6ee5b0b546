"""Someone who left is refused, open grants end, accounts go at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.directory import Directory
from daypass.domain.grants import AccountState, GrantState
from daypass.domain.people import Person
from daypass.errors import ConfigurationError, DeniedError
from daypass.workflow.extending import extend
from daypass.workflow.granting import give
from daypass.workflow.leaving import LEFT, confirm_people
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.reissuing import reissue
from tests.fakes import World, make_world

OTHER_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))


def directory(*logins: str, left: tuple[str, ...] = ()) -> Directory:
    """A directory of these people."""
    return Directory(
        {login: Person(login, f"{login}@example.com", active=login not in left) for login in (*logins, *left)}
    )


def with_directory(world: World, people: Directory):
    """The seams of a world that has a directory."""
    return replace(world.seams, directory=lambda: people)


@pytest.fixture
def patient(tmp_path) -> World:
    """A server whose accounts are never cleaned up by time."""
    return make_world(tmp_path, "web-1", cleanup_days="null")


def test_who_is_in_the_directory_gets_access_marked_with_the_address(patient, request_for):
    """The account's comment says whose it is."""
    given = give(with_directory(patient, directory("alice")), request_for("alice", "web-1"), patient.clock())
    assert given.grant.comment == "alice@example.com"


@pytest.mark.parametrize(("login", "code"), [("carol", "person_left"), ("dave", "person_unknown")])
def test_who_left_or_was_never_there_is_refused(patient, request_for, login, code):
    """Nothing is recorded."""
    seams = with_directory(patient, directory("alice", left=("carol",)))
    with pytest.raises(DeniedError) as caught:
        give(seams, request_for(login, "web-1"), patient.clock())
    assert caught.value.code == code
    with seams.store.read() as view:
        assert view.grants() == []


@pytest.mark.parametrize("later", [directory("bob", left=("alice",)), directory("bob")])
def test_grants_of_who_left_end_and_the_account_goes_in_the_same_pass(patient, request_for, later):
    """Whatever user_cleanup_days says; other people keep what they have."""
    both = with_directory(patient, directory("alice", "bob"))
    gone = give(both, request_for("alice", "web-1"), patient.clock()).grant
    kept = give(both, request_for("bob", "web-1"), patient.clock()).grant
    now = patient.clock.forward(timedelta(minutes=5))
    done = reconcile_once(with_directory(patient, later), now)
    assert done.left == (gone.id,)
    assert done.removals == {"web-1": {"alice"}}
    with patient.seams.store.read() as view:
        ended = view.grant(gone.id)
        assert (ended.state, ended.end_reason, ended.ended_at) == (GrantState.ENDED, LEFT, now)
        assert view.grant(kept.id).ended_at is None
        assert [a.state for a in view.accounts(login="alice")] == [AccountState.REMOVED]
    assert reconcile_once(with_directory(patient, later), now).left == ()


def test_grant_of_who_left_is_neither_extended_nor_given_another_key(patient, request_for):
    """Between the leaving and the next pass, too."""
    grant = give(
        with_directory(patient, directory("alice")), request_for("alice", "web-1"), patient.clock()
    ).grant
    seams = with_directory(patient, directory(left=("alice",)))
    for change in (
        lambda: extend(seams, grant.id, patient.clock(), length=timedelta(minutes=5)),
        lambda: reissue(seams, grant.id, OTHER_KEY, patient.clock()),
    ):
        with pytest.raises(DeniedError) as caught:
            change()
        assert caught.value.code == "person_left"


def test_account_that_waits_for_its_cleanup_goes_when_the_person_left(patient, request_for):
    """An old account of somebody who left is a way back in."""
    here = with_directory(patient, directory("alice", "bob"))
    give(here, request_for("alice", "web-1"), patient.clock())
    reconcile_once(here, patient.clock.forward(timedelta(hours=2)))
    done = reconcile_once(with_directory(patient, directory("bob")), patient.clock.forward(timedelta(days=1)))
    assert done.removals == {"web-1": {"alice"}}


def test_directory_that_cant_be_read_takes_nothing_and_what_is_due_ends(patient, request_for):
    """The problem is told when everything else is done."""
    grant = give(patient.seams, request_for("alice", "web-1"), patient.clock()).grant

    def broken() -> Directory:
        raise ConfigurationError("The directory can't be read.")

    seams = replace(patient.seams, directory=broken)
    with pytest.raises(ConfigurationError):
        reconcile_once(seams, patient.clock.forward(timedelta(minutes=5)))
    with seams.store.read() as view:
        assert view.grant(grant.id).ended_at is None
    with pytest.raises(ConfigurationError):
        reconcile_once(seams, patient.clock.forward(timedelta(hours=1)))
    with seams.store.read() as view:
        assert view.grant(grant.id).state is GrantState.ENDED


def test_without_a_directory_nobody_is_taken_for_gone(patient, request_for):
    """Daypass knows people by login alone then."""
    give(patient.seams, request_for("alice", "web-1"), patient.clock())
    assert reconcile_once(patient.seams, patient.clock.forward(timedelta(minutes=5))).left == ()


def test_of_whom_it_cant_be_told_nothing_opens_and_nothing_ends(patient, request_for):
    """Refused with the reason; what was given stays as it is."""
    here = with_directory(patient, directory("alice", "bob"))
    grant = give(here, request_for("alice", "web-1"), patient.clock()).grant
    seams = with_directory(patient, directory("alice", "bob").holding({"alice": "too many vanished"}))
    assert reconcile_once(seams, patient.clock.forward(timedelta(minutes=5))).left == ()
    with pytest.raises(DeniedError, match="too many vanished") as caught:
        extend(seams, grant.id, patient.clock(), length=timedelta(minutes=5))
    assert caught.value.code == "person_doubtful"
    with seams.store.read() as view:
        assert view.grant(grant.id).ended_at is None


def test_word_of_an_operator_ends_the_access_of_those_who_vanished_and_is_recorded(patient, request_for):
    """The event names them; only then are they forgotten."""
    here = with_directory(patient, directory("alice", "bob"))
    gone = give(here, request_for("alice", "web-1"), patient.clock()).grant
    kept = give(here, request_for("bob", "web-1"), patient.clock()).grant
    accepted: list[int] = []
    seams = replace(
        with_directory(patient, directory("alice", "bob").holding({"alice": "vanished"})),
        accept_people=lambda: accepted.append(1),
    )
    assert confirm_people(seams, patient.clock()) == (gone.id,)
    assert accepted == [1]
    with seams.store.read() as view:
        assert view.grant(gone.id).end_reason == LEFT
        assert view.grant(kept.id).ended_at is None
        [event] = [one for one in view.events(limit=1000) if one.kind == "directory.confirmed"]
    assert event.details == {"left": ["alice"]}
