"""Requests: what a person asks for, and what those who were asked said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_TICKET = 64  # characters; names of tickets are short
MOST_FIELDS = 20
LONGEST_FIELD = 200  # characters of a custom field's value


class RequestState(StrEnum):
    """The life of a request; every state but the first is its end."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        id: ULID, 26 characters, upper case.
        requester: Login of who asks.
        grantee: Login of who is to get access; the same for oneself.
        actor: Who typed it, for the record.
        servers: Names, as they were when it was made.
        groups: User groups, `Default` among them.
        start: When access is to begin, None = with the approval.
        length: As asked for; None = the flow's default at the time of the approval.
        ticket: Name of a ticket, empty without one.
        fields: Custom fields, text to text.
        public_key: `TYPE BASE64` that came with the request; empty = the grantee's keys in the directory.
        flow: The flow that decides it; empty where none fits.
        flow_settings: That flow's settings when the request was made, JSON values.
        expires_at: When it ends by itself if nobody has decided.
        decided_at: When it left `pending`.
        decision: Why, in words.
        grant_id: The grant that came of it.
    """

    id: str
    requester: str
    grantee: str
    actor: str
    servers: tuple[str, ...]
    groups: tuple[str, ...]
    start: datetime | None
    length: timedelta | None
    justification: str
    ticket: str
    fields: Mapping[str, str] = field(hash=False)
    public_key: str
    flow: str
    flow_settings: Mapping[str, object] = field(hash=False)
    created_at: datetime
    expires_at: datetime
    state: RequestState = RequestState.PENDING
    decided_at: datetime | None = None
    decision: str = ""
    grant_id: str | None = None

    @property
    def for_oneself(self) -> bool:
        return self.requester == self.grantee


@dataclass(frozen=True)
class Vote:
    """One answer.

    Attributes:
        person: Login or e-mail address.
        length: A shorter time than was asked for, None = as asked.
        actor: Who typed it, for the record.
    """

    person: str
    at: datetime
    yes: bool
    reason: str = ""
    length: timedelta | None = None
    actor: str = ""
