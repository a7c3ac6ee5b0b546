"""What the workflow knows of the store's requests."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from daypass.domain.requests import Request, RequestState, Vote


class RequestsView(Protocol):
    """Requests in one consistent view of the record."""

    def request(self, request_id: str) -> Request | None: ...

    def requests(
        self,
        states: Collection[RequestState] | None = None,
        person: str | None = None,
        limit: int | None = None,
    ) -> list[Request]:
        """Newest first.

        Args:
            person: Login of the requester or the grantee.
        """

    def requests_past(self, now: datetime) -> list[Request]:
        """Pending requests whose own clock has run out at `now`."""

    def votes(self, request_id: str) -> list[Vote]:
        """In the order in which they were given."""


class RequestsWork(RequestsView, Protocol):
    """Requests in a unit of work."""

    def add_request(self, request: Request) -> None: ...

    def set_request(self, request: Request) -> None:
        """Raises: NotFoundError."""

    def add_vote(self, request_id: str, vote: Vote) -> None: ...
