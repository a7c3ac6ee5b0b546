"""What auditors' exports know of the store: pages of records, oldest first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from daypass.domain.events import Event
from daypass.domain.records import AccessRecord, RecordFilter, RecordPlace

RECORDS_PAGE = 500


class RecordsView(Protocol):
    """Requests and grants in one consistent view of the record, a page at a time."""

    def access_records(
        self, wanted: RecordFilter, after: RecordPlace | None = None, limit: int = RECORDS_PAGE
    ) -> list[AccessRecord]:
        """The next records after a place; empty after the last."""

    def events_matching(self, wanted: RecordFilter, after: int = 0, limit: int = RECORDS_PAGE) -> list[Event]:
        """Events with a number above `after` that are wanted, in order.

        A name counts wherever an event's details hold it as a whole text, so one too many may be found.

        Raises:
            AuditError: `audit_unreadable`: a row isn't what was written.
        """

    def events_about(self, subjects: Collection[str], kinds: Collection[str]) -> list[Event]:
        """Events of these kinds about these subjects, in order.

        Raises:
            AuditError: `audit_unreadable`: a row isn't what was written.
        """
