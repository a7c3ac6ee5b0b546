"""SQLite's file: private, durable, backed up; and what is said when a database can't be used."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daypass.errors import StoreError
from daypass.store import open_store, schema

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_file_and_its_companions_are_private_whatever_the_umask(tmp_path):
    """Names, reasons and the whole record are nobody else's business."""
    before = os.umask(0)
    try:
        store = open_store(tmp_path / "daypass.db")
        store.upgrade()
        with store.write("test", NOW) as work:
            work.append_event("a", "b", {})
            found = {path.name: mode_of(path) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert found == dict.fromkeys(("daypass.db", "daypass.db-wal", "daypass.db-shm"), 0o600)


def test_file_that_others_could_read_is_made_private(tmp_path):
    """A restored backup often has a mode of its own."""
    path = tmp_path / "daypass.db"
    path.touch(mode=0o644)
    open_store(path).close()
    assert mode_of(path) == 0o600


def test_settings_hold_on_every_connection(tmp_path):
    """Write-ahead log, foreign keys, a patient lock, and a record that outlives a power cut."""
    store = open_store(tmp_path / "daypass.db")
    store.upgrade()
    with store.read() as view:
        ask = view._connection.exec_driver_sql
        names = ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        assert [ask(f"PRAGMA {name}").scalar_one() for name in names] == ["wal", 1, 30_000, 2]


def test_backup_is_whole_and_private(tmp_path):
    """What is still in the write-ahead log is in the backup too."""
    store = open_store(tmp_path / "daypass.db")
    store.upgrade()
    with closing(sqlite3.connect(tmp_path / "daypass.db")):  # keeps the log from being folded in
        with store.write("test", NOW) as work:
            work.append_event("a", "b", {})
        copy = schema.back_up(tmp_path / "daypass.db", "0001")
    assert copy.name == "daypass.db.0001.backup"
    assert mode_of(copy) == 0o600
    with open_store(copy).read() as view:
        assert [event.kind for event in view.events()] == ["a"]


def test_old_schema_is_backed_up_before_it_is_changed(tmp_path, monkeypatch):
    """Forward only: the way back is the file beside it."""
    store = open_store(tmp_path / "daypass.db")
    store.upgrade()
    seen, before = [], schema.HEAD
    monkeypatch.setattr(schema, "HEAD", "9999")
    monkeypatch.setattr(
        schema, "_migrate", lambda _connection: seen.append(sorted(tmp_path.glob("*.backup")))
    )
    store.upgrade()
    assert seen == [[tmp_path / f"daypass.db.{before}.backup"]]


@pytest.mark.parametrize(
    "database", ["mysql://u:hunter2@h/db", "hunter2", "postgresql+asyncpg://u:hunter2@h/db", "sqlite://", ""]
)
def test_other_database_is_refused_without_quoting_it(database):
    """A database URL may hold a password."""
    with pytest.raises(StoreError) as caught:
        open_store(database)
    assert caught.value.code == "database_url"
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_unreachable_postgresql_says_so_without_the_password(tmp_path):
    """The driver's sentence is shown, the URL isn't."""
    store = open_store(f"postgresql://u:hunter2@/db?host={tmp_path}")
    with pytest.raises(StoreError) as caught:
        store.upgrade()
    assert caught.value.code == "store_unavailable"
    assert "hunter2" not in caught.value.sentence + caught.value.hint


def test_missing_folder_is_named(tmp_path):
    """The store makes its file, not the folders above it."""
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "missing" / "daypass.db")
    assert caught.value.code == "database_file"
    assert "missing" in caught.value.sentence


def test_database_without_schema_says_what_is_wrong(tmp_path):
    """A command that forgot to upgrade gets an error of ours."""
    store = open_store(tmp_path / "daypass.db")
    with pytest.raises(StoreError), store.read() as view:
        view.hosts()
    assert store.schema_version() is None


def test_file_that_is_no_database_is_refused(tmp_path):
    """Somebody's file isn't overwritten."""
    path = tmp_path / "daypass.db"
    path.write_bytes(b"not a database " * 1000)
    with pytest.raises(StoreError):
        open_store(path).upgrade()
    assert path.read_bytes() == b"not a database " * 1000
