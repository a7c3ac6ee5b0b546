"""Rules of a record that moves to another database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from daypass.audit.verifying import verify_store
from daypass.errors import StoreError
from daypass.store import open_store, tables
from daypass.store.copying import copy_record
from daypass.store.engines import make_engine

from . import samples


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An SQLite record with a grant, an account, a certificate and their events."""
    path = tmp_path / "old.sqlite3"
    store = open_store(path)
    store.upgrade()
    with store.write(samples.ACTOR, samples.NOW) as work:
        work.set_orchestrator_id("0" * 32)
        samples.add(work)
        for number in range(3):
            work.append_event("grant.recorded", f"01JD{number}", {"login": "alice"})
    store.close()
    return path


def rows(database: str | Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    engine = make_engine(database)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables.metadata.sorted_tables
        }
    engine.dispose()
    return found


def test_every_row_comes_over_and_the_log_is_whole_there(old, database):
    """Nobody can tell the copy from what it was made of; the source stays as it was."""
    before = rows(old)
    assert copy_record(old, database) == 3
    assert rows(database) == before == rows(old)
    store = open_store(database)
    with store.read() as view:
        assert verify_store(view, anchor=None).problems == ()
        assert view.orchestrator_id() == "0" * 32
    with store.write(samples.ACTOR, samples.NOW) as work:
        assert work.append_event("grant.ended", "01JD1", {}).number == 4
    store.close()


def test_record_of_its_own_is_never_written_over(old, database):
    """A second copy, or one into a database that is in use, is refused and changes nothing."""
    copy_record(old, database)
    before = rows(database)
    with pytest.raises(StoreError) as refused:
        copy_record(old, database)
    assert refused.value.code == "already_initialised"
    assert rows(database) == before


def test_copy_that_breaks_off_leaves_no_record(old, database, monkeypatch):
    """All of it is one unit: what is there afterwards can still be the target of a copy."""
    from daypass.store import copying

    whole = copying._copy_table

    def break_off(first: Any, second: Any, name: str) -> None:
        if name == "events":
            raise RuntimeError
        whole(first, second, name)

    monkeypatch.setattr(copying, "_copy_table", break_off)
    with pytest.raises(RuntimeError):
        copy_record(old, database)
    monkeypatch.undo()
    assert copy_record(old, database) == 3


def test_source_without_a_record_is_refused_before_anything_is_made(tmp_path, database):
    """An empty file isn't a record."""
    (tmp_path / "empty.sqlite3").touch()
    with pytest.raises(StoreError) as refused:
        copy_record(tmp_path / "empty.sqlite3", database)
    assert refused.value.code == "schema_version"
