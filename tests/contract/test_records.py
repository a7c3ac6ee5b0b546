"""Records of access, as exports read them: what belongs together, in order, page by page, by filters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.domain.grants import GrantState, Trigger
from daypass.domain.records import AccessRecord, RecordFilter, RecordPlace
from daypass.domain.requests import Request, RequestState, Vote
from daypass.domain.reviews import Review
from daypass.domain.windows import window_from
from daypass.store import Store

from .samples import ACTOR, HOUR, grant, share
from .samples import NOW as A_MOMENT

NOW = A_MOMENT.replace(microsecond=0)  # windows begin and end at whole seconds
EVERYTHING = RecordFilter()
YES = Vote("carol", NOW, yes=True, reason="fine", actor=ACTOR)
NO = Vote("dave@example.com", NOW + HOUR, yes=False, length=timedelta(minutes=5), actor=ACTOR)


def asked(request_id: str, after: int = 0, **changes: Any) -> Request:
    """A request that was made so many hours later."""
    made = Request(
        id=request_id, requester="alice", grantee="bob", actor=ACTOR, servers=("web-1", "db-1"),
        groups=("ops",), start=None, length=HOUR, justification="why", ticket="", fields={}, public_key="",
        flow="production", flow_settings={}, created_at=NOW + after * HOUR, expires_at=NOW + 100 * HOUR,
    )  # fmt: skip
    return replace(made, **changes)


def given(grant_id: str, after: int = 0, **changes: Any):
    """An hour of access that was given so many hours later."""
    start = NOW + after * HOUR
    return grant(grant_id, created_at=start, window=window_from(start, HOUR), **changes)


def approved(request_id: str, grant_id: str, after: int = 0) -> Request:
    made = asked(request_id, after, state=RequestState.APPROVED, grant_id=grant_id)
    return replace(made, decided_at=made.created_at)


@pytest.fixture
def filled(store: Store) -> Store:
    """A granted request, a direct grant, a denied request, a pending one, and break-glass, an hour apart."""
    with store.write(ACTOR, NOW) as work:
        work.add_request(approved("R0", "G0"))
        work.add_grant(given("G0", login="bob", request_id="R0"), [share("G0", "web-1"), share("G0", "db-1")])
        work.add_vote("R0", YES)
        work.add_vote("R0", NO)
        work.add_grant(given("G1", 1, login="erin"), [share("G1", "web_1")])
        denied = asked("R2", 2, state=RequestState.DENIED, decided_at=NOW + 3 * HOUR, servers=("webx1",))
        work.add_request(denied)
        work.add_request(asked("R3", 3, requester="erin"))
        glass = given("G4", 4, trigger=Trigger.BREAK_GLASS, request_id="R4")
        work.add_request(approved("R4", "G4", 4))
        work.add_grant(glass, [share("G4", "web-1")])
        work.add_review(Review("G4", "alice", NOW, ("carol",)))
    return store


def ids(store: Store, **wanted: Any) -> list[str]:
    with store.read() as view:
        return [record.place.id for record in view.access_records(RecordFilter(**wanted))]


def test_each_request_comes_with_all_that_belongs_to_it_and_each_grant_once(filled: Store):
    """Votes in their order, shares by server, the review; a grant of a request is no record of its own."""
    with filled.read() as view:
        records = view.access_records(EVERYTHING)
        assert [record.place for record in records] == [
            RecordPlace(NOW + n * HOUR, name) for n, name in enumerate(("R0", "G1", "R2", "R3", "R4"))
        ]
        first = records[0]
        assert (first.request, first.votes) == (view.request("R0"), (YES, NO))
        assert first.grant == view.grant("G0")
        assert [one.server for one in first.shares] == ["db-1", "web-1"]
        assert records[1] == AccessRecord(None, (), view.grant("G1"), (share("G1", "web_1"),))
        assert (records[2].grant, records[2].shares, records[2].review) == (None, (), None)
        assert records[4].review == view.review("G4")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_pages_of_any_size_hold_every_record_once(filled: Store, limit):
    """In the same order, requests and lone grants merged; equal times are told apart by ids."""
    with filled.write(ACTOR, NOW) as work:
        for name in ("GA", "GB", "GC"):
            work.add_grant(given(name, 2), [])
    with filled.read() as view:
        found: list[str] = []
        place = None
        while page := view.access_records(EVERYTHING, place, limit):
            assert len(page) <= limit
            found += [record.place.id for record in page]
            place = page[-1].place
    assert found == ["R0", "G1", "GA", "GB", "GC", "R2", "R3", "R4"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"until": NOW}, []),
        ({"until": NOW + HOUR}, ["R0"]),
        ({"since": NOW + HOUR}, ["R0", "G1", "R2", "R3", "R4"]),  # R0's access ends at that very moment
        ({"since": NOW + 2 * HOUR + timedelta(seconds=1)}, ["R2", "R3", "R4"]),
        ({"since": NOW + 5 * HOUR}, ["R3", "R4"]),  # what is pending isn't over
        ({"since": NOW + HOUR, "until": NOW + 2 * HOUR}, ["R0", "G1"]),
    ],
)
def test_records_are_filtered_by_time(filled: Store, wanted, found):
    """Made before the end of the period, and not over before its beginning."""
    assert ids(filled, **wanted) == found


def test_grant_that_was_ended_early_is_over_then(filled: Store):
    """The window says when access would have ended; a revocation says when it did."""
    with filled.write(ACTOR, NOW) as work:
        ended = given("G1", 1, login="erin", state=GrantState.ENDED, ended_at=NOW + HOUR)
        work.set_grant(ended)
    assert ids(filled, since=NOW + HOUR + timedelta(seconds=1), until=NOW + 2 * HOUR) == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("alice",), ["R0", "R2", "R4"]),  # asked
        (("bob",), ["R0", "R2", "R3", "R4"]),  # got it, or would have
        (("erin",), ["G1", "R3"]),
        (("carol",), ["R0"]),  # said yes
        (("dave", "dave@example.com"), ["R0"]),  # said no
        (("nobody",), []),
    ],
)
def test_records_are_filtered_by_person(filled: Store, names, found):
    """Whoever asked, got it, approved or denied, under any of the names that the record has."""
    assert ids(filled, person=names) == found


@pytest.mark.parametrize(
    ("server", "found"),
    [("web-1", ["R0", "R3", "R4"]), ("web_1", ["G1"]), ("webx1", ["R2"]), ("web", []), ("%", [])],
)
def test_records_are_filtered_by_server(filled: Store, server, found):
    """By its whole name; no character of it means another."""
    assert ids(filled, server=server) == found


def test_filters_narrow_each_other(filled: Store):
    """Everything that is said must hold."""
    assert ids(filled, person=("bob",), server="web-1", since=NOW + 3 * HOUR) == ["R3", "R4"]


def test_grant_whose_request_is_gone_from_its_table_is_shown_all_the_same(filled: Store):
    """Whoever takes a row out doesn't take the access out of the export."""
    with filled.write(ACTOR, NOW) as work:
        work.add_grant(given("G9", 9, request_id="GONE"), [])
    assert ids(filled, since=NOW + 9 * HOUR) == ["R3", "G9"]


def test_events_about_subjects_come_in_order(store: Store):
    """Of the kinds that are wanted alone."""
    with store.write(ACTOR, NOW) as work:
        for kind, subject in (("b", "X"), ("a", "Y"), ("a", "X"), ("c", "X"), ("a", "Z")):
            work.append_event(kind, subject, {})
        found = work.events_about(["X", "Y"], ("a", "b"))
    assert [(event.number, event.subject) for event in found] == [(1, "X"), (2, "Y"), (3, "X")]


def numbers(store: Store, **wanted: Any) -> list[int]:
    with store.read() as view:
        return [event.number for event in view.events_matching(RecordFilter(**wanted))]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"person": ("bob",)}, [1, 3]),  # the grant is his, and so is the request
        ({"person": ("carol", "carol@example.com")}, [4, 5]),  # did it; is named in it
        ({"person": ("car",)}, []),
        ({"person": ("car_l",)}, []),
        ({"person": ("dave",)}, [6, 7]),  # an operator
        ({"server": "web-1"}, [1, 3, 8]),
        ({"server": "web_1"}, [2]),
        ({"server": "web"}, []),
        ({"since": NOW + HOUR}, [8]),
        ({"until": NOW + HOUR}, [1, 2, 3, 4, 5, 6, 7]),
        ({"person": ("bob",), "server": "db-1"}, [1, 3]),
    ],
)
def test_events_are_filtered_by_time_person_and_server(filled: Store, wanted, found):
    """By what they are about, by what they name, and by who acted; a part of a name is another name."""
    told: list[tuple[str, str, dict[str, object]]] = [
        (ACTOR, "G0", {}),
        (ACTOR, "G1", {}),
        (ACTOR, "R0", {}),
        ("person:carol via operator:x", "R9", {}),
        (ACTOR, "R9", {"person": "carol@example.com"}),
        ("operator:dave", "R9", {"text": "carol wasn't here"}),
        ("operator:dave as root", "R9", {}),
    ]
    for actor, subject, details in told:
        with filled.write(actor, NOW) as work:
            work.append_event("x", subject, details)
    with filled.write(ACTOR, NOW + HOUR) as work:
        work.append_event("x", "web-1", {})
    assert numbers(filled, **wanted) == found


def test_events_that_match_come_page_by_page(filled: Store):
    """As all events do."""
    with filled.write(ACTOR, NOW) as work:
        for subject in ("G0", "X", "G0", "G0"):
            work.append_event("x", subject, {})
        page = work.events_matching(RecordFilter(person=("bob",)), after=1, limit=1)
        assert [event.number for event in page] == [3]
