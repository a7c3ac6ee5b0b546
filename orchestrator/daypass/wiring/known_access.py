"""What somebody has already, for commands that only look, also before there is a record."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from daypass.config import Settings
from daypass.flows import OpenAccess
from daypass.wiring.opening import database_of, open_record
from daypass.workflow.overlapping import open_access


def other_access(settings: Settings, login: str, servers: Collection[str]) -> tuple[OpenAccess, ...]:
    """What a person has, or will have, on these servers; nothing before there is a record.

    Raises:
        StoreError: There is one, and it can't be read.
    """
    database = database_of(settings)
    if isinstance(database, Path) and not database.is_file():
        return ()
    store = open_record(settings)
    try:
        with store.read() as view:
            return open_access(view, login, servers)
    finally:
        store.close()
