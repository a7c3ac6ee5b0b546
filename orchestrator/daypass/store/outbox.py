"""The outbox in the store: reading and writing, on one open transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from daypass.domain.notices import LONGEST_NOTICE_PAUSE, Delivery, DeliveryState
from daypass.errors import NotFoundError
from daypass.store import tables


class SqlOutboxView:
    """Implements `OutboxView`."""

    _connection: Connection

    def deliveries(self, states: Collection[DeliveryState] | None = None) -> list[Delivery]:
        table = tables.deliveries
        query = select(table).order_by(table.c.created_at, *table.primary_key)
        if states is not None:
            query = query.where(table.c.state.in_(states))
        return [delivery_from(row) for row in self._connection.execute(query)]

    def deliveries_due(self, now: datetime, *, retries: bool = True) -> list[Delivery]:
        table = tables.deliveries
        ahead = table.c.next_try_at > now + LONGEST_NOTICE_PAUSE
        query = select(table).where(
            table.c.state == DeliveryState.WAITING, or_(table.c.next_try_at <= now, ahead)
        )
        if not retries:
            query = query.where(table.c.attempts == 0)
        order = (table.c.next_try_at, table.c.created_at, *table.primary_key)
        return [delivery_from(row) for row in self._connection.execute(query.order_by(*order))]

    def topics_known(self, topics: Collection[str]) -> frozenset[str]:
        topic = tables.deliveries.c.topic
        return frozenset(
            self._connection.execute(select(topic).where(topic.in_(topics)).distinct()).scalars()
        )


class SqlOutboxWork(SqlOutboxView):
    """Implements `OutboxWork`."""

    def add_delivery(self, delivery: Delivery) -> bool:
        table = tables.deliveries
        key = [column.name for column in table.primary_key]
        statement = self._upsert(table).values(asdict(delivery)).on_conflict_do_nothing(index_elements=key)
        return self._connection.execute(statement.returning(table.c.topic)).first() is not None

    def set_delivery(self, delivery: Delivery) -> None:
        table, values = tables.deliveries, asdict(delivery)
        key = [column == values[column.name] for column in table.primary_key]
        if self._connection.execute(update(table).where(*key).values(values)).rowcount == 0:
            raise NotFoundError(f"There is no message about {delivery.topic} for {delivery.channel}.")

    def forget_deliveries(self, before: datetime) -> None:
        self._connection.execute(delete(tables.deliveries).where(tables.deliveries.c.done_at < before))

    def _upsert(self, table: Any) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what happens on a conflict; both databases write it alike."""
        if self._connection.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)


def delivery_from(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)
    return Delivery(**values | {"state": DeliveryState(values["state"])})
