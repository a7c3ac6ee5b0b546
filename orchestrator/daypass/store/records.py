"""Pages of records: requests with what came of them, and grants that nobody asked for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Text, and_, cast, exists, func, or_, select

from daypass.domain.events import Event
from daypass.domain.grants import Grant, Share
from daypass.domain.records import AccessRecord, RecordFilter, RecordPlace
from daypass.domain.requests import Request, Vote
from daypass.domain.reviews import Review
from daypass.errors import AuditError
from daypass.store import rows, tables
from daypass.store.record_interface import RECORDS_PAGE
from daypass.store.requests import request_from, vote_from
from daypass.store.reviews import review_from


class SqlRecordsView:
    """Implements `RecordsView`."""

    _connection: Connection

    def access_records(
        self, wanted: RecordFilter, after: RecordPlace | None = None, limit: int = RECORDS_PAGE
    ) -> list[AccessRecord]:
        # Each kind's own next page holds whatever of it the merged page can hold.
        asked = _page(_requests(wanted), tables.requests, after, limit)
        given = _page(_lone_grants(wanted), tables.grants, after, limit)
        found: list[Request | Grant] = [request_from(row) for row in self._connection.execute(asked)]
        found += [rows.grant_from(row) for row in self._connection.execute(given)]
        return self._complete(sorted(found, key=lambda one: (one.created_at, one.id))[:limit])

    def events_matching(self, wanted: RecordFilter, after: int = 0, limit: int = RECORDS_PAGE) -> list[Event]:
        table = tables.events
        query = select(table).where(table.c.number > after, *_matching(wanted))
        query = query.order_by(table.c.number).limit(limit)
        return read_events(self._connection, query, f"after number {after}")

    def events_about(self, subjects: Collection[str], kinds: Collection[str]) -> list[Event]:
        table = tables.events
        query = select(table).where(table.c.subject.in_(subjects), table.c.kind.in_(kinds))
        found = read_events(self._connection, query, f"about one of {len(subjects)} requests and grants")
        return sorted(found, key=lambda event: event.number)

    def _complete(self, page: Sequence[Request | Grant]) -> list[AccessRecord]:
        """What belongs to a page, with one question for each kind."""
        requests = [one for one in page if isinstance(one, Request)]
        grants = {one.id: one for one in page if isinstance(one, Grant)}
        grants |= self._grants([one.grant_id for one in requests if one.grant_id])
        votes, shares = self._votes([one.id for one in requests]), self._shares(grants)
        reviews = self._reviews(grants)
        records = []
        for one in page:
            request = one if isinstance(one, Request) else None
            grant = grants.get(request.grant_id or "") if request else grants[one.id]
            given = (grant, tuple(shares[grant.id]), reviews.get(grant.id)) if grant else (None, (), None)
            records.append(AccessRecord(request, tuple(votes[one.id]), *given))
        return records

    def _grants(self, ids: Sequence[str]) -> dict[str, Grant]:
        query = select(tables.grants).where(tables.grants.c.id.in_(ids))
        found = (rows.grant_from(row) for row in self._connection.execute(query))
        return {grant.id: grant for grant in found}

    def _shares(self, grant_ids: Iterable[str]) -> dict[str, list[Share]]:
        table, found = tables.shares, defaultdict(list)
        query = select(table).where(table.c.grant_id.in_(list(grant_ids)))
        for row in self._connection.execute(query.order_by(table.c.grant_id, table.c.server)):
            found[row.grant_id].append(rows.share_from(row))
        return found

    def _reviews(self, grant_ids: Iterable[str]) -> dict[str, Review]:
        query = select(tables.reviews).where(tables.reviews.c.grant_id.in_(list(grant_ids)))
        return {row.grant_id: review_from(row) for row in self._connection.execute(query)}

    def _votes(self, request_ids: Sequence[str]) -> dict[str, list[Vote]]:
        table, found = tables.votes, defaultdict(list)
        query = select(table).where(table.c.request_id.in_(request_ids))
        for row in self._connection.execute(query.order_by(table.c.request_id, table.c.number)):
            found[row.request_id].append(vote_from(row))
        return found


def read_events(connection: Connection, query: Select[Any], which: str) -> list[Event]:
    """The events of a query.

    Raises:
        AuditError: `audit_unreadable`: a row isn't what was written.
    """
    try:
        found = connection.execute(query).all()
    except (TypeError, ValueError, OverflowError):
        raise AuditError(
            f"An event of the audit log {which} isn't what was written.", code="audit_unreadable"
        ) from None
    return [rows.event_from(row) for row in found]


def _page(query: Select[Any], table: Table, after: RecordPlace | None, limit: int) -> Select[Any]:
    made_at, key = table.c.created_at, table.c.id
    if after is not None:
        later = or_(made_at > after.made_at, and_(made_at == after.made_at, key > after.id))
        query = query.where(made_at >= after.made_at, later)  # the first part is what an index finds
    return query.order_by(made_at, key).limit(limit)


def _requests(wanted: RecordFilter) -> Select[Any]:
    table, grants = tables.requests, tables.grants
    query = select(table)
    if wanted.since is not None:
        over = func.coalesce(grants.c.ended_at, grants.c.not_after, table.c.decided_at)
        query = query.outerjoin(grants, grants.c.id == table.c.grant_id)
        query = query.where(or_(over.is_(None), over >= wanted.since))
    if wanted.until is not None:
        query = query.where(table.c.created_at < wanted.until)
    if wanted.person is not None:
        query = query.where(or_(_named(table, wanted.person, "requester", "grantee"), _voted(wanted.person)))
    if wanted.server is not None:
        # A JSON list of names without quotes or backslashes: its text has each of them in quotes.
        query = query.where(cast(table.c.servers, Text).contains(f'"{wanted.server}"', autoescape=True))
    return query


def _lone_grants(wanted: RecordFilter) -> Select[Any]:
    """Grants that no request names as its own: one whose request is gone from the table is still shown."""
    table, shares = tables.grants, tables.shares
    query = select(table).where(~exists().where(tables.requests.c.grant_id == table.c.id))
    if wanted.since is not None:
        query = query.where(func.coalesce(table.c.ended_at, table.c.not_after) >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.c.created_at < wanted.until)
    if wanted.person is not None:
        query = query.where(table.c.login.in_(wanted.person))
    if wanted.server is not None:
        query = query.where(exists().where(shares.c.grant_id == table.c.id, shares.c.server == wanted.server))
    return query


def _named(table: Table, names: Sequence[str], *columns: str) -> ColumnElement[bool]:
    return or_(*(table.c[column].in_(names) for column in columns))


def _voted(names: Sequence[str]) -> ColumnElement[bool]:
    votes = tables.votes
    return exists().where(votes.c.request_id == tables.requests.c.id, votes.c.person.in_(names))


def _matching(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    """What an event must be; which access a name is part of, the other tables tell."""
    table, grants, requests, shares = tables.events, tables.grants, tables.requests, tables.shares
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(table.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(table.c.at < wanted.until)
    if wanted.person is not None:
        names = wanted.person
        of_person = _named(requests, names, "requester", "grantee")
        found.append(
            or_(
                table.c.subject.in_(select(grants.c.id).where(grants.c.login.in_(names))),
                table.c.subject.in_(select(requests.c.id).where(of_person)),
                *(_says(name) for name in names),
                *(_did(name) for name in names),
            )
        )
    if wanted.server is not None:
        asked_for = cast(requests.c.servers, Text).contains(f'"{wanted.server}"', autoescape=True)
        found.append(
            or_(
                table.c.subject == wanted.server,
                table.c.subject.in_(select(shares.c.grant_id).where(shares.c.server == wanted.server)),
                table.c.subject.in_(select(requests.c.id).where(asked_for)),
                _says(wanted.server),
            )
        )
    return found


def _says(name: str) -> ColumnElement[bool]:
    """The details, canonical JSON, hold this very text somewhere."""
    return tables.events.c.details.contains(json.dumps(name), autoescape=True)


def _did(name: str) -> ColumnElement[bool]:
    """Actors are `person:alice`, `person:alice via operator:root`, `operator:alice as root`, …"""
    actor = tables.events.c.actor
    who = (f"person:{name}", f"operator:{name}")
    return or_(actor.in_(who), *(actor.startswith(f"{one} ", autoescape=True) for one in who))
