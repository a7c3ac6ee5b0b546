"""The reading half of the store's interface, on one open transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, or_, select, true, union_all

from daypass.domain.certificates import Certificate
from daypass.domain.events import Event
from daypass.domain.grants import (
    LONGEST_PAUSE,
    Account,
    AccountState,
    Grant,
    GrantState,
    Share,
    ShareState,
    Trigger,
)
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.errors import StoreError
from daypass.store import rows, tables
from daypass.store.automatic import SqlAutomaticView
from daypass.store.interface import EVENTS_PAGE, AuditHead
from daypass.store.outbox import SqlOutboxView
from daypass.store.records import SqlRecordsView, read_events
from daypass.store.requests import SqlRequestsView
from daypass.store.reviews import SqlReviewsView

ORCHESTRATOR_ID = "orchestrator_id"
CA_KEYS = "ca_keys"  # one a line
LATEST = "last_pass"  # of the clock; ISO 8601, UTC
UID_FLOOR = "uid_floor"  # new people begin here or higher


def filtered(table: Table, **wanted: Any) -> Select[Any]:
    """Select rows by column: None = any value, a collection = one of its values."""
    query = select(table)
    for name, value in wanted.items():
        if value is None:
            continue
        column = table.c[name]
        several = isinstance(value, Collection) and not isinstance(value, str)
        query = query.where(column.in_(value) if several else column == value)
    return query


def _grant_ids_on(server: str, states: Collection[ShareState]) -> Select[Any]:
    """The grants with a share on this server in one of these states."""
    table = tables.shares
    return select(table.c.grant_id).where(table.c.server == server, table.c.state.in_(states))


def _to_try(next_try_at: Column[Any], now: datetime) -> ColumnElement[bool]:
    """A next try further away than the longest pause was written by a clock that ran ahead, and is due."""
    return or_(next_try_at.is_(None), next_try_at <= now, next_try_at > now + LONGEST_PAUSE)


class SqlView(SqlRequestsView, SqlReviewsView, SqlAutomaticView, SqlOutboxView, SqlRecordsView):
    """Implements `ReadView`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def orchestrator_id(self) -> str:
        row = self._connection.execute(filtered(tables.settings, name=ORCHESTRATOR_ID)).one_or_none()
        if row is None:
            raise StoreError(
                "The store has no orchestrator id yet.", hint="daypass init", code="not_initialised"
            )
        return str(row.value)

    def ca_keys(self) -> tuple[str, ...]:
        row = self._connection.execute(filtered(tables.settings, name=CA_KEYS)).one_or_none()
        return () if row is None else tuple(str(row.value).splitlines())

    def last_pass(self) -> datetime | None:
        row = self._connection.execute(filtered(tables.settings, name=LATEST)).one_or_none()
        return None if row is None else datetime.fromisoformat(row.value)

    def comment_of(self, login: str) -> str | None:
        query = select(tables.people.c.comment).where(tables.people.c.login == login)
        return self._connection.execute(query).scalar_one_or_none()

    def grant(self, grant_id: str) -> Grant | None:
        row = self._connection.execute(filtered(tables.grants, id=grant_id)).one_or_none()
        return None if row is None else rows.grant_from(row)

    def grants(
        self,
        states: Collection[GrantState] | None = None,
        login: str | None = None,
        limit: int | None = None,
    ) -> list[Grant]:
        order = (tables.grants.c.created_at.desc(), tables.grants.c.id.desc())
        query = filtered(tables.grants, state=states, login=login).order_by(*order).limit(limit)
        return [rows.grant_from(row) for row in self._connection.execute(query)]

    def grants_on(self, server: str, states: Collection[ShareState]) -> dict[str, Grant]:
        query = select(tables.grants).where(tables.grants.c.id.in_(_grant_ids_on(server, states)))
        found = (rows.grant_from(row) for row in self._connection.execute(query))
        return {grant.id: grant for grant in found}

    def grants_past(self, now: datetime) -> list[Grant]:
        table = tables.grants
        running = (GrantState.APPROVED, GrantState.ACTIVE)
        query = filtered(table, state=running).where(table.c.not_after <= now)
        return [rows.grant_from(row) for row in self._connection.execute(query.order_by(table.c.id))]

    def shares(
        self,
        grant_id: str | None = None,
        server: str | None = None,
        states: Collection[ShareState] | None = None,
        login: str | None = None,
    ) -> list[Share]:
        table = tables.shares
        query = filtered(table, grant_id=grant_id, server=server, state=states, login=login)
        found = self._connection.execute(query.order_by(table.c.grant_id, table.c.server))
        return [rows.share_from(row) for row in found]

    def shares_due(self, now: datetime, *, pauses: bool = True) -> list[Share]:
        table = tables.shares
        to_try = _to_try(table.c.next_try_at, now) if pauses else true()
        # One query per state, so that each runs on an index of its own.
        queries = (
            filtered(table, state=ShareState.PENDING).where(to_try, table.c.not_before <= now),
            filtered(table, state=ShareState.ENDING).where(to_try),
            filtered(table, state=ShareState.APPLIED).where(table.c.not_after <= now),
        )
        found = self._connection.execute(union_all(*queries).order_by("grant_id", "server"))
        return [rows.share_from(row) for row in found]

    def shares_beginning(self, now: datetime) -> list[Share]:
        table, grants = tables.shares, tables.grants
        query = filtered(table, state=ShareState.PENDING, sent_sequence=0).join(
            grants, grants.c.id == table.c.grant_id
        )
        asked = (Trigger.SELF_SERVE, Trigger.BREAK_GLASS)
        query = query.where(
            table.c.not_before <= now,
            grants.c.trigger.in_(asked),
            grants.c.not_before > grants.c.created_at,
        )
        found = self._connection.execute(query.order_by(table.c.grant_id, table.c.server))
        return [rows.share_from(row) for row in found]

    def certificates(self, grant_id: str) -> list[Certificate]:
        query = filtered(tables.certificates, grant_id=grant_id).order_by(tables.certificates.c.number)
        return [rows.certificate_from(row) for row in self._connection.execute(query)]

    def certificates_on(self, server: str, states: Collection[ShareState]) -> dict[str, list[Certificate]]:
        table = tables.certificates
        query = select(table).where(table.c.grant_id.in_(_grant_ids_on(server, states)))
        found: dict[str, list[Certificate]] = defaultdict(list)
        for row in self._connection.execute(query.order_by(table.c.grant_id, table.c.number)):
            found[row.grant_id].append(rows.certificate_from(row))
        return dict(found)

    def certificate(self, serial: int) -> Certificate | None:
        row = self._connection.execute(filtered(tables.certificates, serial=serial)).one_or_none()
        return None if row is None else rows.certificate_from(row)

    def accounts(
        self,
        server: str | None = None,
        login: str | None = None,
        states: Collection[AccountState] | None = None,
    ) -> list[Account]:
        query = filtered(tables.accounts, server=server, login=login, state=states)
        return self._accounts(query)

    def logins_with_accounts(self) -> frozenset[str]:
        table = tables.accounts
        there = [state for state in AccountState if state is not AccountState.REMOVED]  # what an index finds
        query = select(table.c.login).where(table.c.state.in_(there)).distinct()
        return frozenset(self._connection.execute(query).scalars())

    def accounts_due_for_removal(self, now: datetime, *, pauses: bool = True) -> list[Account]:
        table = tables.accounts
        query = select(table).where(table.c.removal_due_at <= now)
        if pauses:
            query = query.where(_to_try(table.c.removal_next_try_at, now))
        return self._accounts(query)

    def _accounts(self, query: Select[Any]) -> list[Account]:
        """Put in order here: for an ORDER BY, SQLite would walk the whole table along its primary key."""
        found = [rows.account_from(row) for row in self._connection.execute(query)]
        return sorted(found, key=lambda account: (account.server, account.login))

    def host(self, server: str) -> Host | None:
        row = self._connection.execute(filtered(tables.hosts, server=server)).one_or_none()
        return None if row is None else rows.host_from(row)

    def hosts(self) -> list[Host]:
        query = select(tables.hosts).order_by(tables.hosts.c.server)
        return [rows.host_from(row) for row in self._connection.execute(query)]

    def onboarded_servers(self) -> frozenset[str]:
        table = tables.hosts
        left = (table.c.offboarded_at, table.c.leaving_at)
        here = (table.c.onboarded_at.is_not(None), *(column.is_(None) for column in left))
        return frozenset(self._connection.execute(select(table.c.server).where(*here)).scalars())

    def leaving_servers(self) -> frozenset[str]:
        table = tables.hosts
        leaving = select(table.c.server).where(table.c.leaving_at.is_not(None))
        return frozenset(self._connection.execute(leaving).scalars())

    def host_by_id(self, host_id: str) -> Host | None:
        row = self._connection.execute(filtered(tables.hosts, host_id=host_id)).one_or_none()
        return None if row is None else rows.host_from(row)

    def host_keys(self, server: str) -> list[HostKey]:
        query = filtered(tables.host_keys, server=server).order_by(tables.host_keys.c.key)
        return [rows.host_key_from(row) for row in self._connection.execute(query)]

    def shared_host_keys(self) -> dict[str, tuple[str, ...]]:
        table = tables.host_keys
        several = select(table.c.fingerprint).group_by(table.c.fingerprint).having(func.count() > 1)
        query = select(table.c.fingerprint, table.c.server).where(table.c.fingerprint.in_(several))
        found: dict[str, list[str]] = defaultdict(list)
        for fingerprint, server in self._connection.execute(query.order_by(table.c.server)):
            found[fingerprint].append(server)
        return {fingerprint: tuple(servers) for fingerprint, servers in found.items()}

    def servers_with_host_keys(self) -> frozenset[str]:
        return frozenset(self._connection.execute(select(tables.host_keys.c.server)).scalars())

    def document(self, host_id: str, sequence: int) -> SentDocument | None:
        query = filtered(tables.documents, host_id=host_id, sequence=sequence)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else rows.document_from(row)

    def claim_holder(self, name: str) -> str | None:
        query = select(tables.claims.c.owner).where(tables.claims.c.name == name)
        return self._connection.execute(query).scalar_one_or_none()

    def events(self, after: int = 0, limit: int = EVENTS_PAGE) -> list[Event]:
        table = tables.events
        query = select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        return read_events(self._connection, query, f"after number {after}")

    def audit_head(self) -> AuditHead:
        row = self._connection.execute(select(tables.audit_head)).one()
        return AuditHead(row.number, row.hash)
