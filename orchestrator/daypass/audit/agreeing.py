"""Whether tables say what the log says: the chain proves events, and events prove rows.

Compared are who, where, with which rights, through which flow and why; what was answered and decided; the
end. What an event of an older version does not tell is not compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from daypass.domain.events import Event
from daypass.domain.grants import DEFAULT_GROUP, Grant, Share, Trigger
from daypass.domain.records import AccessRecord
from daypass.domain.requests import Request, RequestState, Vote
from daypass.store.interface import ReadView

GRANT_RECORDED, CANARY_RECORDED, GRANT_ENDING = "grant.recorded", "canary.recorded", "grant.ending"
REQUEST_MADE, VOTE = "request.made", "request.vote"
DECIDED = {f"request.{state}": state for state in RequestState if state is not RequestState.PENDING}
FIRST = (GRANT_RECORDED, CANARY_RECORDED, REQUEST_MADE)
KINDS = (*FIRST, GRANT_ENDING, VOTE, *DECIDED)

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


def decision_of(record: AccessRecord, events: Events) -> Mapping[str, object]:
    """What the event of a request's decision tells; empty where there is none."""
    told = [event.details for event in events.get(record.place.id, ()) if event.kind in DECIDED]
    return told[-1] if told else {}


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
    if grant.trigger is not Trigger.AUTOMATIC:  # that follows the server list
        facts |= {
            "servers": [share.server for share in shares],
            "groups": sorted({group for share in shares for group in share.groups}),
        }
    yield from _differing(first.details, facts)
    if first.kind == GRANT_RECORDED:
        ends = [event.details for event in own if event.kind == GRANT_ENDING]
        told = (_comparable("at", ends[-1].get("at")), ends[-1].get("reason")) if ends else (None, None)
        if told != (grant.ended_at, grant.end_reason):
            yield "end"


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
