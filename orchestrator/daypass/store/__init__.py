"""The orchestrator's record: one interface, one unit of work, SQLite and PostgreSQL behind it.

Whoever asks for the interface alone doesn't load the database: help and completion are quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daypass.store.interface import AuditHead, ReadView, SerialTaken, Store, WriteWork

if TYPE_CHECKING:
    from daypass.store.sql_store import open_store

__all__ = ["AuditHead", "ReadView", "SerialTaken", "Store", "WriteWork", "open_store"]


def __getattr__(name: str) -> object:
    if name != "open_store":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from daypass.store.sql_store import open_store

    return open_store
