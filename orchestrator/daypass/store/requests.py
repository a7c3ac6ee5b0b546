"""Requests and votes in the store: reading and writing, on one open transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from daypass.domain.requests import Request, RequestState, Vote
from daypass.errors import NotFoundError
from daypass.store import tables

Values = dict[str, Any]


class SqlRequestsView:
    """Implements `RequestsView`."""

    _connection: Connection

    def request(self, request_id: str) -> Request | None:
        query = select(tables.requests).where(tables.requests.c.id == request_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else request_from(row)

    def requests(
        self,
        states: Collection[RequestState] | None = None,
        person: str | None = None,
        limit: int | None = None,
    ) -> list[Request]:
        table = tables.requests
        query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(table.c.state.in_(states))
        if person is not None:
            query = query.where(or_(table.c.requester == person, table.c.grantee == person))
        return [request_from(row) for row in self._connection.execute(query)]

    def requests_past(self, now: datetime) -> list[Request]:
        table = tables.requests
        query = select(table).where(table.c.state == RequestState.PENDING, table.c.expires_at <= now)
        return [request_from(row) for row in self._connection.execute(query.order_by(table.c.id))]

    def votes(self, request_id: str) -> list[Vote]:
        table = tables.votes
        query = select(table).where(table.c.request_id == request_id).order_by(table.c.number)
        return [vote_from(row) for row in self._connection.execute(query)]


class SqlRequestsWork(SqlRequestsView):
    """Implements `RequestsWork`."""

    def add_request(self, request: Request) -> None:
        self._connection.execute(insert(tables.requests), request_values(request))

    def set_request(self, request: Request) -> None:
        table = tables.requests
        statement = update(table).where(table.c.id == request.id).values(request_values(request))
        if self._connection.execute(statement).rowcount == 0:
            raise NotFoundError(f"There is no request {request.id}.")

    def add_vote(self, request_id: str, vote: Vote) -> None:
        table = tables.votes
        highest = select(func.max(table.c.number)).where(table.c.request_id == request_id)
        number = (self._connection.execute(highest).scalar_one() or 0) + 1
        values = vote_values(vote) | {"request_id": request_id, "number": number}
        self._connection.execute(insert(table), values)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def request_values(request: Request) -> Values:
    values = asdict(request)
    return values | {"length_seconds": _seconds(values.pop("length"))}


def request_from(row: Row[Any]) -> Request:
    values = dict(row._mapping)
    values["length"] = _length(values.pop("length_seconds"))
    values["state"] = RequestState(values["state"])
    return Request(**values | {name: tuple(values[name]) for name in ("servers", "groups")})


def vote_values(vote: Vote) -> Values:
    values = asdict(vote)
    return values | {"length_seconds": _seconds(values.pop("length"))}


def vote_from(row: Row[Any]) -> Vote:
    values = dict(row._mapping)
    del values["request_id"], values["number"]
    return Vote(**values | {"length": _length(values.pop("length_seconds"))})
