"""Requests and votes, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.domain.requests import Request, RequestState, Vote
from daypass.errors import NotFoundError, StoreError
from daypass.store import Store

from .samples import ACTOR, HOUR, NOW


def asked(request_id: str = "R1", **changes: Any) -> Request:
    made = Request(
        id=request_id, requester="alice", grantee="alice", actor=ACTOR, servers=("web-1", "db-1"),
        groups=("ops",), start=None, length=timedelta(hours=2), justification="a reason", ticket="INC-1",
        fields={"customer": "ACME"}, public_key="ssh-ed25519 AAAA", flow="production",
        flow_settings={"max_duration": "8h", "targets": [{"tags": {"env": "prod"}}]},
        created_at=NOW, expires_at=NOW + 24 * HOUR,
    )  # fmt: skip
    return replace(made, **changes)


def test_request_comes_back_as_it_was(store: Store):
    """Every field survives, the empty optional too."""
    full = asked(
        "R2", grantee="bob", start=NOW + HOUR, length=None, state=RequestState.APPROVED,
        decided_at=NOW + HOUR, decision="yes", grant_id="01JD1",
    )  # fmt: skip
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked())
        work.add_request(full)
    with store.read() as view:
        assert view.request("R1") == asked()
        assert view.request("R2") == full
        assert view.request("R3") is None


def test_requests_are_listed_newest_first_by_state_and_person(store: Store):
    """A person's are those that he made, and those that are for him."""
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked("R1"))
        work.add_request(asked("R2", requester="carol", created_at=NOW + HOUR))
        work.add_request(asked("R3", requester="bob", grantee="bob", state=RequestState.DENIED))
        assert [one.id for one in work.requests()] == ["R2", "R3", "R1"]
        assert [one.id for one in work.requests(person="alice")] == ["R2", "R1"]
        assert [one.id for one in work.requests(person="carol")] == ["R2"]
        assert [one.id for one in work.requests(states=[RequestState.DENIED])] == ["R3"]
        assert [one.id for one in work.requests(limit=1)] == ["R2"]


def test_pending_request_is_past_at_its_own_end(store: Store):
    """The end is outside, as everywhere; what was decided has no end any more."""
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked("R1"))
        work.add_request(asked("R2", state=RequestState.CANCELLED))
        assert work.requests_past(NOW + 24 * HOUR - timedelta(microseconds=1)) == []
        assert [one.id for one in work.requests_past(NOW + 24 * HOUR)] == ["R1"]


def test_request_changes_only_if_it_is_there(store: Store):
    """Nothing is made anew by mistake."""
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked())
        work.set_request(asked(state=RequestState.CANCELLED, decided_at=NOW))
        assert work.requests()[0].state is RequestState.CANCELLED
        with pytest.raises(NotFoundError):
            work.set_request(asked("R9"))


def test_one_grant_comes_of_one_request(store: Store):
    """The database itself refuses a grant that two requests claim."""
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked("R1", grant_id="01JD1"))
    with pytest.raises(StoreError), store.write(ACTOR, NOW) as work:
        work.add_request(asked("R2", grant_id="01JD1"))


def test_votes_come_back_in_their_order(store: Store):
    """Also those of the same moment, with every field."""
    yes = Vote("bob", NOW, yes=True, reason="fine", length=HOUR, actor="person:bob via operator:test")
    no = Vote("carol", NOW, yes=False)
    with store.write(ACTOR, NOW) as work:
        work.add_request(asked())
        work.add_request(asked("R2"))
        work.add_vote("R1", yes)
        work.add_vote("R1", no)
        work.add_vote("R2", no)
    with store.read() as view:
        assert view.votes("R1") == [yes, no]
        assert view.votes("R2") == [no]


def test_private_key_cannot_be_recorded_with_a_request(store: Store):
    """The database refuses what every check before it would have to have missed."""
    with pytest.raises(StoreError), store.write(ACTOR, NOW) as work:
        work.add_request(asked(public_key="-----BEGIN OPENSSH PRIVATE KEY-----"))
