"""Writing an export: every record that is wanted, page by page, each held against the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from daypass.audit.access_files import LINES
from daypass.audit.access_rows import row_of
from daypass.audit.agreeing import Events, events_of, first_number, problem_of, reasons_of
from daypass.domain.records import AccessRecord, RecordFilter
from daypass.errors import AuditError
from daypass.store.interface import ReadView
from daypass.store.record_interface import RECORDS_PAGE

OnRows = Callable[[int], None]


@dataclass(frozen=True)
class Written:
    """What went into a file: how many rows, and the SHA-256 hex of all its bytes."""

    rows: int
    sha256: str


def write_rows(
    view: ReadView,
    wanted: RecordFilter,
    form: str,
    target: BinaryIO,
    *,
    proven: bool = True,
    page: int = RECORDS_PAGE,
    on_rows: OnRows | None = None,
) -> Written:
    """Write the wanted records, oldest first; one page of them is in memory.

    Args:
        form: One of `FORMATS`.
        proven: Refuse a record that differs from the events that recorded it.
        on_rows: Called with the number of rows of each page when it is written.

    Raises:
        AuditError: `record_differs`; what was written until then is not to be used.
    """
    header, line = LINES[form]
    digest, rows = hashlib.sha256(), 0

    def write(content: bytes) -> None:
        digest.update(content)
        target.write(content)

    write(header())
    for records in pages(view, wanted, page):
        events = events_of(view, records)
        for record in records:
            if proven:
                _check(record, events)
            write(line(row_of(record, reasons_of(record, events), first_number(record, events))))
        rows += len(records)
        if on_rows:
            on_rows(len(records))
    return Written(rows, digest.hexdigest())


def pages(view: ReadView, wanted: RecordFilter, page: int = RECORDS_PAGE) -> Iterator[list[AccessRecord]]:
    """All wanted records, oldest first."""
    found = view.access_records(wanted, None, page)
    while found:
        yield found
        found = view.access_records(wanted, found[-1].place, page)


def _check(record: AccessRecord, events: Events) -> None:
    problem = problem_of(record, events)
    if problem:
        raise AuditError(
            f"The record was changed outside of Daypass: {problem}.",
            hint="find out what was changed, and by whom; to export it all the same: --unverified",
            code="record_differs",
        )
