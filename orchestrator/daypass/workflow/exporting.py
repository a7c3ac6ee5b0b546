"""Exports of the record of access: proven first, written to one side, recorded, and only then handed out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from daypass.audit.access_rows import time_text
from daypass.audit.anchor import ANCHOR_FILE
from daypass.audit.exporting import Written, write_rows
from daypass.audit.verifying import verify_with_anchor
from daypass.domain.records import RecordFilter
from daypass.errors import AuditError, NotFoundError
from daypass.store.interface import AuditHead, ReadView
from daypass.workflow.seams import Seams


@dataclass(frozen=True)
class Exported:
    """An export as it was recorded.

    Attributes:
        head: The log's last event when the rows were read: the state that they show.
        event: Number of the event that recorded the export.
        proven: The whole log was verified, and each row held against it.
    """

    written: Written
    head: AuditHead
    event: int
    proven: bool


@dataclass(frozen=True)
class ExportProgress:
    """Called while an export is made: with events that were verified, of how many; with rows written."""

    on_events: Callable[[int, int], None]
    on_rows: Callable[[int], None]


def export(
    seams: Seams,
    wanted: RecordFilter,
    form: str,
    target: BinaryIO,
    *,
    unverified: bool = False,
    progress: ExportProgress | None = None,
) -> Exported:
    """Write the wanted records to `target`, which nobody else reads yet, and record that it was done.

    Everything is read in one consistent view, so that rows and head belong together.

    Args:
        form: One of `audit.access_files.FORMATS`.
        unverified: Go on without a proof.

    Raises:
        AuditError: `log_not_whole`, `record_differs`, `audit_unreadable`: what was written isn't to be used.
    """
    with seams.store.read() as view:
        head = view.audit_head()
        if not unverified:
            _verify(seams, view, head, progress)
        on_rows = progress.on_rows if progress else None
        written = write_rows(view, wanted, form, target, proven=not unverified, on_rows=on_rows)
        orchestrator_id = view.orchestrator_id()
    details = {
        "format": form,
        "from": time_text(wanted.since),
        "to": time_text(wanted.until),
        "person": list(wanted.person) if wanted.person else None,
        "server": wanted.server,
        "rows": written.rows,
        "sha256": written.sha256,
        "head": {"number": head.number, "hash": head.hash},
        "verified": not unverified,
    }
    with seams.write(seams.clock()) as work:
        event = work.append_event("audit.exported", orchestrator_id, details)
    return Exported(written, head, event.number, not unverified)


def person_names(seams: Seams, name: str) -> tuple[str, ...]:
    """A login or e-mail address as all the names that the record may have for this person.

    Raises:
        NotFoundError: An address that the directory doesn't know. A login may be of somebody who left.
        ConfigurationError: The directory can't be read.
    """
    directory = seams.directory()
    person = directory.person(name) if directory else None
    if person is not None:
        return person.names
    if "@" in name:
        raise NotFoundError(
            f"nobody in the directory has the address {name!r}", hint="name the login, which the record holds"
        )
    return (name,)


def _verify(seams: Seams, view: ReadView, head: AuditHead, progress: ExportProgress | None) -> None:
    def on_events(count: int) -> None:
        if progress:
            progress.on_events(count, head.number)

    report = verify_with_anchor(view, seams.settings.state_dir / ANCHOR_FILE, on_events=on_events)
    if not report.whole:
        raise AuditError(
            f"The audit log is NOT whole; an export would prove nothing: {'; '.join(report.problems)}.",
            hint="see: daypass audit verify; to export it all the same: --unverified",
            code="log_not_whole",
        )
