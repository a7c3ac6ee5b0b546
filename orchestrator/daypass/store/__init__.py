"""The orchestrator's record: one interface, one unit of work, SQLite and PostgreSQL behind it."""

from daypass.store.interface import AuditHead, ReadView, SerialTaken, Store, WriteWork
from daypass.store.sql_store import open_store

__all__ = ["AuditHead", "ReadView", "SerialTaken", "Store", "WriteWork", "open_store"]
