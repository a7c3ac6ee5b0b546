"""What is seen while a long log is walked: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daypass.cli.render import Screen
from daypass.workflow.exporting import ExportProgress


@contextmanager
def audit_progress(screen: Screen) -> Iterator[ExportProgress]:
    """Events verified, of how many; rows written, where there are any."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = screen.messages
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        events = bars.add_task("events verified", total=None, visible=False)
        rows = bars.add_task("rows", total=None, visible=False)

        def on_events(count: int, total: int) -> None:
            bars.update(events, advance=count, total=total, visible=True)

        def on_rows(count: int) -> None:
            bars.update(rows, advance=count, visible=True)

        yield ExportProgress(on_events, on_rows)
