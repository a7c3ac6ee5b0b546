"""The schema that the migrations make is the one that the code uses; events stay as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from daypass.domain.certificates import Constraints
from daypass.domain.grants import Trigger
from daypass.store import Store, open_store, schema, tables
from daypass.store.engines import make_engine

from .samples import ACTOR, NOW

OLDER = [f"{number:04}" for number in range(1, int(schema.HEAD))]
FORGED = "SELECT number, at, 'nobody', kind, subject, details, previous_hash, hash FROM events"


@pytest.fixture
def engine(store: Store, database: str | Path) -> Iterator[Engine]:
    """The database by hand, past the store."""
    made = make_engine(database)
    yield made
    made.dispose()


def test_migrations_make_the_tables_that_the_code_uses(engine: Engine):
    """Columns, types, indexes and constraints: no difference."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_newest_migration_is_the_version_of_the_code(store: Store):
    """`schema.HEAD` is asked for without Alembic; it must not fall behind."""
    newest = ScriptDirectory(str(Path(schema.__file__).parent / "migrations")).get_current_head()
    assert newest == schema.HEAD == store.schema_version()


def test_second_upgrade_changes_nothing(store: Store):
    """Every command upgrades first; that must be nothing when all is up to date."""
    with store.write(ACTOR, NOW) as work:
        work.append_event("a", "b", {})
    store.upgrade()
    with store.read() as view:
        assert len(view.events()) == 1


def at_revision(database: str | Path, revision: str) -> None:
    """A database as an older Daypass has left it, empty."""
    engine = make_engine(database)
    with engine.begin() as connection:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
    engine.dispose()


@pytest.mark.parametrize("revision", OLDER)
def test_every_older_schema_becomes_the_one_that_the_code_uses(database: str | Path, revision):
    """Whatever Daypass it was that wrote it, one `daypass init` is enough."""
    at_revision(database, revision)
    with closing(open_store(database)) as store:
        assert store.schema_version() == revision
        store.upgrade()
        assert store.schema_version() == schema.HEAD
        with store.write(ACTOR, NOW) as work:
            work.append_event("a", "b", {})
    engine = make_engine(database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_grant_from_before_constraints_is_an_operators_with_a_terminal(database: str | Path):
    """Migration 0004: rows that know nothing of constraints get what they were given at the time."""
    at_revision(database, "0003")
    engine = make_engine(database)
    with engine.begin() as connection:
        statement = (
            "INSERT INTO grants (id, login, comment, flow, reason, actor, not_before, not_after, created_at,"
            " state) VALUES ('01JD1', 'alice', 'a@example.com', 'direct', '', 'x', 0, 60000000, 0, 'active')"
        )
        connection.execute(text(statement))
    engine.dispose()
    with closing(open_store(database)) as store:
        store.upgrade()
        with store.read() as view:
            old = view.grant("01JD1")
    assert old is not None
    assert old.constraints == Constraints({}, ("permit-pty",))
    assert (old.request_id, old.trigger, old.times_extended) == (None, Trigger.DIRECT, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'nobody' WHERE number = 1",
        "DELETE FROM events WHERE number = 2",
        "DELETE FROM events",
        f"INSERT INTO events {FORGED}",
    ],
)
def test_events_cannot_be_changed_by_statements(store: Store, engine: Engine, statement):
    """Append-only isn't a habit of the code alone: the database refuses."""
    with store.write(ACTOR, NOW) as work:
        work.append_event("a", "b", {})
        work.append_event("a", "b", {})
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(statement))
    with store.read() as view:
        assert [event.actor for event in view.events()] == [ACTOR, ACTOR]


def test_events_cannot_be_replaced_or_truncated(store: Store, engine: Engine):
    """The ways around ordinary triggers, one a database."""
    with store.write(ACTOR, NOW) as work:
        work.append_event("a", "b", {})
    statement = "TRUNCATE events"
    if engine.dialect.name == "sqlite":
        statement = f"INSERT OR REPLACE INTO events {FORGED}"
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(statement))
    with store.read() as view:
        assert [event.actor for event in view.events()] == [ACTOR]
