"""Connections: SQLite with its settings, PostgreSQL with its driver, and one way to begin a transaction."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from daypass.errors import StoreError

BUSY_TIMEOUT_MILLISECONDS = 30_000  # as a host waits for its lock (host-contract.md, converge)
WRITING = "daypass_writing"  # execution option of connections that will write
POSTGRESQL_DRIVER = "postgresql+psycopg"


def make_engine(database: str | Path) -> Engine:
    """An engine for a PostgreSQL URL or the path of an SQLite file, which is made (0600) if it is missing.

    Raises:
        StoreError: `database_url`: neither of them; `database_file`: the file can't be used.
    """
    if isinstance(database, Path):
        return _sqlite(database)
    url = _parsed(database)
    if url.drivername in ("postgresql", "postgres", POSTGRESQL_DRIVER):
        return _postgresql(url.set(drivername=POSTGRESQL_DRIVER))
    if url.drivername == "sqlite" and url.database:
        return _sqlite(Path(url.database))
    raise _wrong_url()


def _parsed(database: str) -> URL:
    try:
        return make_url(database)
    except (ArgumentError, ValueError):
        raise _wrong_url() from None


def _wrong_url() -> StoreError:
    return StoreError(  # the URL may hold a password: it is never quoted
        "The database is neither the path of an SQLite file nor a PostgreSQL URL.",
        hint="database: postgresql://user@host/name, or null for SQLite in state_dir",
        code="database_url",
    )


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=2)
    except ModuleNotFoundError:
        raise StoreError(
            "The PostgreSQL driver isn't installed.",
            hint="pip install 'daypass[postgres]'",
            code="database_driver",
        ) from None


def _sqlite(path: Path) -> Engine:
    _make_private(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        poolclass=NullPool,  # a connection never outlives its transaction, nor crosses a fork
        connect_args={"timeout": BUSY_TIMEOUT_MILLISECONDS / 1000},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """SQLite gives its -wal and -shm files the mode of the database file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"The database file {path} can't be opened: {error.strerror}.", code="database_file"
        ) from None
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own, late BEGIN is off; ours is below
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS:d}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a record outlives a power cut


def _begin_sqlite(connection: Connection) -> None:
    """A writing unit takes the write lock first: two of them can't both read before either writes."""
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
