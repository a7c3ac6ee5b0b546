"""The store on SQLite or PostgreSQL: units of work, and database errors as Daypass's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from daypass.errors import StoreError
from daypass.store import schema, tables
from daypass.store.engines import WRITING, make_engine
from daypass.store.interface import Store
from daypass.store.reading import SqlView
from daypass.store.writing import SqlWork


def open_store(database: str | Path) -> Store:
    """Open the store behind a PostgreSQL URL or an SQLite path; call `upgrade` before anything else.

    Raises:
        StoreError: `database_url`, `database_file` or `database_driver`.
    """
    return SqlStore(make_engine(database))


class SqlStore:
    """Implements `Store`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upgrade(self) -> None:
        with database_errors():
            schema.upgrade(self._engine)

    def schema_version(self) -> str | None:
        """The version in the database, None for an empty one; `schema.HEAD` is this program's."""
        with database_errors(), self._engine.connect() as connection:
            return schema.current_version(connection)

    @contextmanager
    def read(self) -> Iterator[SqlView]:
        with database_errors(), connect(self._engine, writing=False) as connection, connection.begin():
            yield SqlView(connection)

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[SqlWork]:
        with database_errors(), connect(self._engine, writing=True) as connection, connection.begin():
            # SQLite's BEGIN IMMEDIATE has the write lock already; on PostgreSQL this row is it. With all
            # writing units in one queue, none deadlocks with another, and each sees what was written before.
            connection.execute(select(tables.audit_head).with_for_update()).one()
            yield SqlWork(connection, actor, now)

    def close(self) -> None:
        self._engine.dispose()


def connect(engine: Engine, *, writing: bool) -> Connection:
    """A connection for one unit of work, or for one view of a moment."""
    options: dict[str, object] = {WRITING: writing}
    if engine.dialect.name == "postgresql":
        # A statement after the lock must see the unit before it; a view must not change under its reader.
        options |= {
            "isolation_level": "READ COMMITTED" if writing else "REPEATABLE READ",
            "postgresql_readonly": not writing,
        }
    return engine.connect().execution_options(**options)


@contextmanager
def database_errors() -> Iterator[None]:
    """Statements and parameters stay out of what people see; the driver's own sentence goes in."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError(
            f"The record doesn't fit what is there: {_first_line(error)}.", code="store_conflict"
        ) from error
    except DBAPIError as error:
        raise StoreError(
            f"The database didn't do its work: {_first_line(error)}.",
            hint="daypass doctor",
            code="store_unavailable",
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(
            f"The database can't be used: {type(error).__name__}.", code="store_unavailable"
        ) from error


def _first_line(error: DBAPIError) -> str:
    """PostgreSQL puts the values of a broken row into the lines after the first."""
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__
