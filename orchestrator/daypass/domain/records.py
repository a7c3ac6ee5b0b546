"""The record of access as auditors read it: each request with what came of it, each grant without one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daypass.domain.grants import Grant, Share
from daypass.domain.requests import Request, Vote
from daypass.domain.reviews import Review


@dataclass(frozen=True)
class RecordPlace:
    """Where a record stands among all: they are read oldest first, by id where two are equally old."""

    made_at: datetime
    id: str


@dataclass(frozen=True)
class AccessRecord:
    """A request with its votes and its grant, or a grant without a request; never neither.

    Attributes:
        shares: The grant's, by server.
        review: Of a break-glass grant.
    """

    request: Request | None
    votes: tuple[Vote, ...]
    grant: Grant | None
    shares: tuple[Share, ...]
    review: Review | None = None

    @property
    def place(self) -> RecordPlace:
        """By the request where there is one."""
        first = self.request or self.grant
        if first is None:
            raise ValueError("a record is of a request or of a grant")
        return RecordPlace(first.created_at, first.id)


@dataclass(frozen=True)
class RecordFilter:
    """Which records, or which events, are wanted; what is None leaves all.

    Attributes:
        since: Not over before this: the access hasn't ended by then, or the request wasn't decided; events
            that happened then or later.
        until: Made before this; events that happened before.
        person: Names (login, e-mail address) of one person: who asked, who got it, or who approved or denied;
            events that this person caused, or that are about what is this person's.
        server: Among the servers asked for; events about it, or about access to it.
    """

    since: datetime | None = None
    until: datetime | None = None
    person: tuple[str, ...] | None = None
    server: str | None = None
