"""One row of an export: a record of access as flat, named values that stay the same over versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daypass.domain.grants import DEFAULT_GROUP, Share
from daypass.domain.records import AccessRecord
from daypass.domain.requests import Vote

Row = Mapping[str, Any]

# The columns in their order. New ones are added at the end; none changes its meaning.
FIELDS = (
    "request",
    "grant",
    "trigger",
    "flow",
    "status",
    "requester",
    "grantee",
    "actor",
    "integrations",
    "servers",
    "groups",
    "approvers",
    "justification",
    "ticket",
    "custom_fields",
    "decision",
    "reasons",
    "requested_at",
    "decided_at",
    "begins_at",
    "ends_at",
    "ended_at",
    "end_reason",
    "extensions",
    "review",
    "event",
)


def row_of(record: AccessRecord, reasons: object, event: int | None) -> Row:
    """The row of a record: JSON values only, `None` where there is nothing; times in UTC as ISO 8601.

    Args:
        reasons: Every rule's word on the request, as the last event that tells it.
        event: Number of the event that recorded it.
    """
    request, grant = record.request, record.grant
    values: dict[str, Any] = dict.fromkeys(FIELDS)
    if request is not None:
        values |= {
            "request": request.id,
            "flow": request.flow or None,
            "status": str(request.state),
            "requester": request.requester,
            "grantee": request.grantee,
            "actor": request.actor,
            "servers": [{"name": name} for name in request.servers],
            "groups": list(request.groups),
            "justification": request.justification,
            "ticket": request.ticket or None,
            "custom_fields": dict(request.fields),
            "decision": request.decision or None,
            "requested_at": time_text(request.created_at),
            "decided_at": time_text(request.decided_at),
        }
    values["approvers"] = [_vote(vote) for vote in record.votes]
    if grant is not None:
        values |= {
            "grant": grant.id,
            "trigger": str(grant.trigger),
            "flow": grant.flow,
            "status": str(grant.state),
            "grantee": grant.login,
            "actor": values["actor"] or grant.actor,
            "integrations": sorted({share.integration for share in record.shares}),
            "servers": [_server(share) for share in record.shares],
            "groups": values["groups"] or _groups(record.shares),
            "justification": grant.reason if request is None else request.justification,
            "decided_at": values["decided_at"] or time_text(grant.created_at),
            "begins_at": time_text(grant.window.not_before),
            "ends_at": time_text(grant.window.not_after),
            "ended_at": time_text(grant.ended_at),
            "end_reason": grant.end_reason,
            "extensions": grant.times_extended,
        }
    return values | {"reasons": reasons, "review": _review(record), "event": event}


def time_text(moment: datetime | None) -> str | None:
    """`2026-11-22T09:00:00Z`, with microseconds where there are any."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _server(share: Share) -> Row:
    """Where the grant stands on one server, with the reason where it isn't as it should be."""
    known = {"name": share.server, "status": str(share.state), "confirmed_at": time_text(share.confirmed_at)}
    return known | ({"code": share.outcome_code} if share.outcome_code else {})


def _groups(shares: tuple[Share, ...]) -> list[str]:
    """A share doesn't hold `Default`, which every account has."""
    return sorted({group for share in shares for group in share.groups}) or [DEFAULT_GROUP]


def _vote(vote: Vote) -> Row:
    shorter = None if vote.length is None else int(vote.length.total_seconds())
    return {
        "person": vote.person,
        "answer": "yes" if vote.yes else "no",
        "at": time_text(vote.at),
        "reason": vote.reason,
        "shortened_to_seconds": shorter,
        "actor": vote.actor,
    }


def _review(record: AccessRecord) -> Row | None:
    review = record.review
    if review is None:
        return None
    return {
        "closed_by": review.closed_by or None,
        "closed_at": time_text(review.closed_at),
        "reason": review.reason or None,
    }
