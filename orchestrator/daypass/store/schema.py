"""The schema's version: asked quickly, upgraded under a lock, after a backup."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from daypass.errors import StoreError
from daypass.store.engines import WRITING

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"  # newest file in migrations/versions; a test compares
_UPGRADE_LOCK = 0x6461_7970_6173  # "daypas": one upgrade at a time on PostgreSQL


def current_version(connection: Connection) -> str | None:
    """The version in the database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).one_or_none()
    return None if row is None else str(row[0])


def upgrade(engine: Engine) -> None:
    """Bring the database to `HEAD`; nothing happens when it is there.

    Raises:
        StoreError: `schema_newer`: written by a newer Daypass.
    """
    with engine.connect() as connection:
        version = current_version(connection)
    if version == HEAD:
        return
    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine)
    with engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        version = current_version(connection)  # another process may have been first
        if version == HEAD:
            return
        _check_known(version)
        if version is not None and engine.dialect.name == "sqlite":
            back_up(Path(str(engine.url.database)), version)
        _migrate(connection)


def backup_of(path: Path, version: str) -> Path:
    """Where the copy of a SQLite file of that version is."""
    return path.with_name(f"{path.name}.{version}.backup")


def back_up(path: Path, version: str) -> Path:
    """Copy the SQLite file to `<name>.<version>.backup` (0600) beside it, whole or not at all."""
    target = backup_of(path, version)
    half = path.with_name(f".{target.name}")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as copy:
        source.backup(copy)
    _sync(half)
    half.replace(target)
    _sync(target.parent)
    return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _use_write_ahead_log(engine: Engine) -> None:
    """Readers don't wait for a writer; the setting stays in the file. No transaction may be open."""
    with closing(sqlite3.connect(str(engine.url.database), timeout=30)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def is_known(version: str | None) -> bool:
    """Whether this Daypass can read or upgrade a database of this version; an empty one is None."""
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_configuration()).walk_revisions()}
    return version is None or version in known


def _check_known(version: str | None) -> None:
    if not is_known(version):
        raise StoreError(
            f"The database has the schema {version}, which this Daypass doesn't know; its own is {HEAD}.",
            hint="use the newer Daypass that wrote it, or restore the backup beside the database",
            code="schema_newer",
        )


def _migrate(connection: Connection) -> None:
    from alembic import command

    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, HEAD)


def _configuration() -> Config:
    from alembic.config import Config  # only a database that isn't up to date pays for Alembic's import

    folder = str(Path(__file__).parent / "migrations")
    configuration = Config()
    configuration.set_main_option("script_location", folder.replace("%", "%%"))
    return configuration
