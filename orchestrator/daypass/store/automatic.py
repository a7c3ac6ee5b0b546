"""Automatic access in the store: reading and writing, on one open transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from daypass.domain.automatic import AutomaticAccess
from daypass.domain.windows import Window
from daypass.store import tables


class SqlAutomaticView:
    """Implements `AutomaticView`."""

    _connection: Connection

    def automatic_access(self) -> list[AutomaticAccess]:
        table = tables.automatic_access
        query = _joined().order_by(table.c.flow, table.c.login)
        return [_access_from(row) for row in self._connection.execute(query)]

    def automatic_of(self, flow: str, login: str) -> AutomaticAccess | None:
        table = tables.automatic_access
        row = self._connection.execute(
            _joined().where(table.c.flow == flow, table.c.login == login)
        ).one_or_none()
        return None if row is None else _access_from(row)


class SqlAutomaticWork(SqlAutomaticView):
    """Implements `AutomaticWork`."""

    def set_automatic(self, flow: str, login: str, grant_id: str, digest: str, keys: Collection[str]) -> None:
        table = tables.automatic_access
        values = {"grant_id": grant_id, "digest": digest, "keys": list(keys)}
        mine = (table.c.flow == flow, table.c.login == login)
        if self._connection.execute(update(table).where(*mine).values(values)).rowcount == 0:
            self._connection.execute(insert(table), {"flow": flow, "login": login, **values})

    def forget_automatic(self, flow: str, login: str) -> None:
        table = tables.automatic_access
        self._connection.execute(delete(table).where(table.c.flow == flow, table.c.login == login))


def _joined() -> Select[Any]:
    table, grants = tables.automatic_access, tables.grants
    return select(
        table.c.flow,
        table.c.login,
        table.c.grant_id,
        table.c.digest,
        table.c["keys"].label("keys_"),  # a row has a method of that name
        grants.c.not_before,
        grants.c.not_after,
        grants.c.ended_at,
        grants.c.critical_options,
        grants.c.extensions,
    ).join(grants, grants.c.id == table.c.grant_id)


def _access_from(row: Row[Any]) -> AutomaticAccess:
    return AutomaticAccess(
        flow=row.flow,
        login=row.login,
        grant_id=row.grant_id,
        window=Window(row.not_before, row.not_after),
        ended_at=row.ended_at,
        critical_options=row.critical_options,
        extensions=tuple(row.extensions),
        digest=row.digest,
        keys=tuple(row.keys_),
    )
