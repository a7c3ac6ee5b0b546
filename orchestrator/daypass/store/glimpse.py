"""Ids of what is open in the record, read without SQLAlchemy: for completion.

It opens what is there and nothing else: no file is made, no schema changed, nothing waited for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

MOST_IDS = 500
PATIENCE_SECONDS = 0.3  # for a lock, a connection or a statement; whoever types doesn't wait longer

GRANTS = """
SELECT g.id, g.login, MIN(s.server), COUNT(s.server)
FROM (SELECT id, login FROM grants WHERE state IN ('approved', 'active', 'ending')
      AND id >= %s AND id < %s ORDER BY id DESC LIMIT %s) AS g
LEFT JOIN shares AS s ON s.grant_id = g.id GROUP BY g.id, g.login ORDER BY g.id DESC
"""
REVIEWS = """
SELECT g.grant_id, g.login, MIN(s.server), COUNT(s.server)
FROM (SELECT grant_id, login FROM reviews WHERE closed_at IS NULL
      AND grant_id >= %s AND grant_id < %s ORDER BY grant_id DESC LIMIT %s) AS g
LEFT JOIN shares AS s ON s.grant_id = g.grant_id GROUP BY g.grant_id, g.login ORDER BY g.grant_id DESC
"""
REQUESTS = """
SELECT id, grantee, servers FROM requests WHERE id >= %s AND id < %s ORDER BY id DESC LIMIT %s
"""
PENDING = """
SELECT id, grantee, servers FROM requests WHERE state = 'pending' AND id >= %s AND id < %s
ORDER BY id DESC LIMIT %s
"""
AFTER_EVERY_ID = "~"  # ids are letters and digits


class Found(NamedTuple):
    """An id, and whose it is, where."""

    id: str
    login: str
    server: str | None
    servers: int


class StoreGlimpse:
    """What is open in the record behind a PostgreSQL URL or an SQLite path.

    Raises:
        OSError, sqlite3.Error, psycopg.Error, ImportError: It can't be read.
    """

    def __init__(self, database: str | Path) -> None:
        self._database = database

    def open_grants(self, prefix: str) -> list[Found]:
        """Grants that aren't over, newest first."""
        return [Found(*row) for row in self._rows(GRANTS, prefix)]

    def open_reviews(self, prefix: str) -> list[Found]:
        """By the grant's id, newest first."""
        return [Found(*row) for row in self._rows(REVIEWS, prefix)]

    def requests(self, prefix: str, *, pending: bool) -> list[Found]:
        """Newest first."""
        rows = self._rows(PENDING if pending else REQUESTS, prefix)
        return [_request(id, grantee, servers) for id, grantee, servers in rows]

    def _rows(self, statement: str, prefix: str) -> Sequence[tuple[Any, ...]]:
        bounds = (prefix, prefix + AFTER_EVERY_ID, MOST_IDS)
        if isinstance(self._database, Path):
            with _sqlite(self._database) as connection:
                return connection.execute(statement.replace("%s", "?"), bounds).fetchall()
        import psycopg

        with psycopg.connect(self._database.replace("+psycopg:", ":", 1), **_quick()) as connection:
            return connection.execute(statement, bounds).fetchall()


@contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS)) as connection:
        yield connection


def _quick() -> dict[str, Any]:
    milliseconds = int(PATIENCE_SECONDS * 1000)
    options = f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
    return {"connect_timeout": 2, "options": options}  # libpq knows no less than 2 seconds


def _request(request_id: str, grantee: str, servers: object) -> Found:
    """`servers` is a JSON list; psycopg reads it, sqlite3 doesn't."""
    names = json.loads(servers) if isinstance(servers, str) else servers
    known = [str(name) for name in names] if isinstance(names, list) else []
    return Found(request_id, grantee, min(known, default=""), len(known))
