"""Whether tables say what the log says: the chain proves events, and events prove rows.

Compared are who, where, with which rights, through which flow and why; what was answered and decided; the
end, and how often it was moved. What an event of an older version does not tell is not compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from daypass.domain.events import Event
from daypass.domain.grants import DEFAULT_GROUP, Grant, Share, ShareState, Trigger
from daypass.domain.records import AccessRecord
from daypass.domain.requests import Request, RequestState, Vote
from daypass.store.interface import ReadView

GRANT_RECORDED, CANARY_RECORDED, GRANT_ENDING = "grant.recorded", "canary.recorded", "grant.ending"
GRANT_EXTENDED, SHARE_ENDING = "grant.extended", "share.ending"
SHARE_GIVEN = ("share.added", "share.changed")
REQUEST_MADE, VOTE = "request.made", "request.vote"
DECIDED = {f"request.{state}": state for state in RequestState if state is not RequestState.PENDING}
FIRST = (GRANT_RECORDED, CANARY_RECORDED, REQUEST_MADE)
KINDS = (*FIRST, GRANT_ENDING, GRANT_EXTENDED, SHARE_ENDING, *SHARE_GIVEN, VOTE, *DECIDED)

GIVING = (ShareState.PENDING, ShareState.APPLIED)

Events = Mapping[str, Sequence[Event]]


def events_of(view: ReadView, records: Sequence[AccessRecord]) -> Events:
    """The events that a page of records is held against, by request or grant, in order."""
    ids = {one.id for record in records for one in (record.request, record.grant) if one}
    found: dict[str, list[Event]] = defaultdict(list)
    for event in view.events_about(sorted(ids), KINDS):
        found[event.subject].append(event)
    return found


def first_number(record: AccessRecord, events: Events) -> int | None:
    """Number of the event that recorded it."""
    numbers = [event.number for event in events.get(record.place.id, ()) if event.kind in FIRST]
    return numbers[0] if numbers else None


def reasons_of(record: AccessRecord, events: Events) -> object:
    """Every rule's word, from the last event of a request that tells it; None where none does."""
    told = [event.details for event in events.get(record.place.id, ()) if event.kind in (*FIRST, *DECIDED)]
    return next((details["reasons"] for details in reversed(told) if details.get("reasons")), None)


def problem_of(record: AccessRecord, events: Events) -> str | None:
    """What a record says otherwise than the log, as the beginning of a sentence; None = nothing."""
    for one in (record.request, record.grant):
        if one is None:
            continue
        what = f"the {'request' if isinstance(one, Request) else 'grant'} {one.id}"
        own = events.get(one.id, ())
        first = next((event for event in own if event.kind in FIRST), None)
        if first is None:
            return f"no event of the log has recorded {what}"
        if isinstance(one, Request):
            differing = _of_request(one, record.votes, first, own)
        else:
            differing = _of_grant(one, record.shares, first, own)
        for name in differing:
            return f"{what} doesn't fit the log: {name}"
    return None


def _of_request(request: Request, votes: Sequence[Vote], first: Event, own: Sequence[Event]) -> Iterator[str]:
    facts: dict[str, object] = {
        "requester": request.requester,
        "grantee": request.grantee,
        "servers": list(request.servers),
        "groups": list(request.groups),
        "justification": request.justification,
        "ticket": request.ticket,
        "fields": dict(request.fields),
    }
    yield from _differing(first.details, facts)
    decided = [DECIDED[event.kind] for event in own if event.kind in DECIDED]
    if request.state is not (decided[-1] if decided else RequestState.PENDING):
        yield "state"
    counted = [event.details for event in own if event.kind == VOTE and event.details.get("counted", True)]
    told = [(vote.get("person"), vote.get("yes"), vote.get("reason")) for vote in counted]
    if told != [(vote.person, vote.yes, vote.reason) for vote in votes]:
        yield "approvers"


def _of_grant(grant: Grant, shares: Sequence[Share], first: Event, own: Sequence[Event]) -> Iterator[str]:
    facts: dict[str, object] = {
        "login": grant.login,
        "flow": grant.flow,
        "reason": grant.reason,
        "trigger": str(grant.trigger),
        "request": grant.request_id,
        "not_before": grant.window.not_before,
    }
    yield from _differing(first.details, facts)
    if first.kind == GRANT_RECORDED:
        ends = [event.details for event in own if event.kind == GRANT_ENDING]
        told = (_comparable("at", ends[-1].get("at")), ends[-1].get("reason")) if ends else (None, None)
        if told != (grant.ended_at, grant.end_reason):
            yield "end"
        yield from _of_extensions(grant, first, own)
        yield from _of_places(grant, shares, first, own)


def _of_extensions(grant: Grant, first: Event, own: Sequence[Event]) -> Iterator[str]:
    moved = [event.details for event in own if event.kind == GRANT_EXTENDED]
    if len(moved) != grant.times_extended:
        yield "extensions"
    end = moved[-1].get("to") if moved else first.details.get("not_after")
    if end is not None and _comparable("at", end) != grant.window.not_after:
        yield "not_after"


def _of_places(grant: Grant, shares: Sequence[Share], first: Event, own: Sequence[Event]) -> Iterator[str]:
    """Servers and groups as they were given, then followed the server list; and which of them are over."""
    told = _places_told(first)
    if told is None:
        return
    over = set()
    for event in own:
        server = str(event.details.get("server"))
        if event.kind in SHARE_GIVEN:
            told[server] = event.details.get("groups")
            over.discard(server)
        elif event.kind == SHARE_ENDING:
            over.add(server)
    if told.keys() != {share.server for share in shares}:
        yield "servers"
    elif any(_differ(told[share.server], share.groups) for share in shares):
        yield "groups"
    if any(share.server in over and share.state in GIVING for share in shares):
        yield "servers"


def _places_told(first: Event) -> dict[str, object] | None:
    """Groups by server, None where an older event doesn't tell them one by one; None = no servers either."""
    details: Mapping[str, Any] = first.details
    if "servers" not in details:
        return None
    alike = None if details.get("trigger") == Trigger.AUTOMATIC else details.get("groups")
    each = details.get("groups_on", {})
    return {server: each.get(server, alike) for server in details["servers"]}


def _differ(told: object, groups: Sequence[str]) -> bool:
    return told is not None and _comparable("groups", told) != _comparable("groups", list(groups))


def _differing(told: Mapping[str, object], facts: Mapping[str, object]) -> Iterator[str]:
    for name, value in facts.items():
        if name in told and _comparable(name, told[name]) != _comparable(name, value):
            yield name


def _comparable(name: str, value: object) -> object:
    """Order and ways to write a moment aside."""
    if name in ("not_before", "at") and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        kept = {item for item in value if not (name == "groups" and item == DEFAULT_GROUP)}
        return sorted(kept)  # shares leave `Default` out
    return value
