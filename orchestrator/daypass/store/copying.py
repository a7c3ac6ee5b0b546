"""A record that moves to another database: every row, in one unit, or none."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, select

from daypass.errors import StoreError
from daypass.store import schema, tables
from daypass.store.engines import make_engine
from daypass.store.sql_store import connect, database_errors

ROWS_AT_ONCE = 1000


def copy_record(source: str | Path, target: str | Path) -> int:
    """Copy a whole record into a database without one; how many events came over.

    The source is read as it is at one moment, and isn't changed.

    Raises:
        StoreError: `schema_version`: the source isn't in this version's schema, or isn't there;
            `already_initialised`: the target has a record of its own; or one of them can't be used.
    """
    engines = make_engine(source), make_engine(target)
    try:
        with database_errors():
            return _copy(*engines)
    finally:
        for engine in engines:
            engine.dispose()


def _copy(source: Engine, target: Engine) -> int:
    with connect(source, writing=False) as old, old.begin():
        if (version := schema.current_version(old)) != schema.HEAD:
            raise StoreError(
                f"The record to copy has the schema {version or 'of no record'}; {schema.HEAD} is needed.",
                hint="bring it there first: daypass init with the configuration that names it",
                code="schema_version",
            )
        schema.upgrade(target)
        with connect(target, writing=True) as new, new.begin():
            head = new.execute(select(tables.audit_head).with_for_update()).one()
            if head.number or new.execute(select(tables.settings).limit(1)).first():
                raise StoreError(
                    "The database has a record of its own.",
                    hint="name an empty one; a record is never written over",
                    code="already_initialised",
                )
            new.execute(delete(tables.audit_head))  # the row of an empty log
            for table in tables.metadata.sorted_tables:
                _copy_table(old, new, table.name)
            return int(new.execute(select(tables.audit_head.c.number)).scalar_one())


def _copy_table(old: Connection, new: Connection, name: str) -> None:
    table = tables.metadata.tables[name]
    rows = old.execute(select(table).order_by(*table.primary_key.columns)).mappings()
    for part in rows.partitions(ROWS_AT_ONCE):
        new.execute(insert(table), [dict(row) for row in part])
