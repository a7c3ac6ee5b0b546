"""Is the database itself sound? Reads only, for a limited time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

STEPS = 100_000  # of SQLite's virtual machine between two looks at the clock: some milliseconds
PATIENCE_SECONDS = 2  # for another process's lock, and for a connection


def damage_of(path: Path, seconds: float) -> list[str] | None:
    """What SQLite finds wrong with its file (`PRAGMA quick_check`); None where it takes longer than that.

    Raises:
        sqlite3.DatabaseError: It isn't a database at all.
    """
    end = time.monotonic() + seconds
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE_SECONDS)
    ) as connection:
        connection.set_progress_handler(lambda: int(time.monotonic() > end), STEPS)
        try:
            rows = connection.execute("PRAGMA quick_check(5)").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return None
            raise
    return [str(text) for (text,) in rows if text != "ok"]


def postgresql_version(url: str) -> int:
    """`server_version_num` of the server behind a URL.

    Raises:
        psycopg.Error: It doesn't answer.
    """
    import psycopg

    with psycopg.connect(url.replace("+psycopg:", ":", 1), connect_timeout=PATIENCE_SECONDS) as connection:
        return connection.info.server_version
