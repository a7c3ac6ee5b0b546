"""`daypass audit export`: who had access, and why, as a file for auditors."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import click

from daypass import wiring
from daypass.audit.access_files import FORMATS
from daypass.audit.access_rows import time_text
from daypass.cli.audit.filters import as_filter, filters
from daypass.cli.audit.progress import audit_progress
from daypass.cli.files import check_new, private_file
from daypass.cli.options import Invocation, common
from daypass.cli.render import Screen
from daypass.domain.records import RecordFilter
from daypass.workflow.exporting import Exported, ExportProgress, export
from daypass.workflow.seams import Seams

HEAD_SUFFIX = ".head"


@click.command("export")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="Of the rows."
)
@filters(
    since="Only what wasn't over before this.",
    until="Only what was made before this.",
    person="Only what this person asked for, got, approved or denied.",
    server="Only what was for this server.",
)
@click.option("--output-file", type=click.Path(path_type=Path), help="Where to write; else standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--unverified", is_flag=True, help="Don't prove that the log is whole and fits the rows.")
@common
def export_rows(
    invocation: Invocation,
    *,
    form: str,
    since: str | None,
    until: str | None,
    person: str | None,
    server: str | None,
    output_file: Path | None,
    force: bool,
    unverified: bool,
) -> None:
    """Write who asked for what, who approved it, and what came of it: one row a request or grant.

    The whole log is verified first, and each row held against it. The export itself is recorded. Beside FILE,
    FILE.head says which state of the log it shows. TIME is 2026-11-01, 2026-11-01T09:00 (local, or with a
    zone), or 30d for thirty days ago. Without --output-file the rows are the output; -o json then only
    concerns errors.

    \b
    Example:
      daypass audit export --format csv --from 2026-10-01 --to 2026-11-01 --output-file october.csv
      daypass audit export --person alice --server db-1
    """
    with wiring.open_daypass(invocation.config) as daypass:
        wanted = as_filter(daypass.seams, since, until, person, server, daypass.now())
        with audit_progress(invocation.screen) as progress:
            if output_file is None:
                exported = _to_stdout(daypass.seams, wanted, form, unverified, progress)
            else:
                exported = _to_file(
                    daypass.seams, wanted, form, unverified, progress, output_file, force, daypass.now()
                )
    if output_file is not None and invocation.screen.is_json:
        invocation.screen.emit(_head_json(exported, wanted, form) | {"file": output_file}, lambda: None)
    else:
        _show(invocation.screen, exported, output_file)


def _to_stdout(
    seams: Seams, wanted: RecordFilter, form: str, unverified: bool, progress: ExportProgress
) -> Exported:
    """Nothing leaves before it is proven and recorded: until then it is in a file without a name."""
    with tempfile.TemporaryFile(dir=seams.settings.state_dir) as spool:
        exported = export(seams, wanted, form, spool, unverified=unverified, progress=progress)
        spool.seek(0)
        shutil.copyfileobj(spool, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return exported


def _to_file(
    seams: Seams,
    wanted: RecordFilter,
    form: str,
    unverified: bool,
    progress: ExportProgress,
    path: Path,
    force: bool,
    now: datetime,
) -> Exported:
    beside = path.with_name(path.name + HEAD_SUFFIX)
    check_new(beside, force=force)
    with private_file(path, force=force) as target:
        exported = export(seams, wanted, form, target, unverified=unverified, progress=progress)
    told = _head_json(exported, wanted, form) | {"exported_at": time_text(now)}
    with private_file(beside, force=force) as target:
        target.write(json.dumps(told, indent=2, sort_keys=True).encode("ascii") + b"\n")
    return exported


def _head_json(exported: Exported, wanted: RecordFilter, form: str) -> dict[str, object]:
    return {
        "head": {"number": exported.head.number, "hash": exported.head.hash},
        "event": exported.event,
        "rows": exported.written.rows,
        "sha256": exported.written.sha256,
        "format": form,
        "from": time_text(wanted.since),
        "to": time_text(wanted.until),
        "person": wanted.person[0] if wanted.person else None,
        "server": wanted.server,
        "verified": exported.proven,
    }


def _show(screen: Screen, exported: Exported, path: Path | None) -> None:
    rows, head = exported.written.rows, exported.head
    screen.note(f"{rows} row{'' if rows == 1 else 's'}{f' in {path}' if path else ''}")
    screen.note(f"the log stood at event {head.number}, {head.hash}; this export is event {exported.event}")
    if not exported.proven:
        screen.note("not verified: these rows prove nothing", style="yellow")
