"""What is seen of a wave while it runs: a bar on a terminal, gone at the end; with -v a line a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daypass.cli.render import Screen
from daypass.domain.outcomes import Outcome
from daypass.workflow.waves import Progress as WaveProgress


@contextmanager
def wave_progress(screen: Screen, title: str) -> Iterator[WaveProgress]:
    """Count servers as their outcomes come in; the total isn't known before the wave is planned."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=screen.messages, transient=True, disable=not screen.messages.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None)

        def on_outcome(server: str, outcome: Outcome) -> None:
            bar.advance(task)
            if screen.verbose:
                told = (server, outcome.kind, outcome.code, outcome.message)
                screen.note(" ".join(str(part) for part in told if part))

        yield on_outcome
