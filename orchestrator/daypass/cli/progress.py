"""What is seen of a wave: a bar on a terminal, with -v a line a server; then what servers warn of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daypass.cli.render import Screen
from daypass.domain.outcomes import Outcome

if TYPE_CHECKING:
    from daypass.workflow.waves import Progress as WaveProgress

NAMED = 5  # servers in the line of a warning


@contextmanager
def wave_progress(screen: Screen, title: str) -> Iterator[WaveProgress]:
    """Count servers as their outcomes come in; the total isn't known before the wave is planned."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=screen.messages, transient=True, disable=not screen.messages.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None)
        warned: dict[str, list[str]] = {}

        def on_outcome(server: str, outcome: Outcome) -> None:
            bar.advance(task)
            for warning in outcome.answer.warnings if outcome.answer else ():
                warned.setdefault(warning, []).append(server)
            if screen.verbose:
                told = (server, outcome.kind, outcome.code, outcome.message)
                screen.note(" ".join(str(part) for part in told if part))

        yield on_outcome
    for warning, servers in warned.items():
        screen.note(f"{_named(servers)}: {warning}")


def _named(servers: list[str]) -> str:
    """Some of them; a hundred servers with the same warning are told in one line."""
    shown = ", ".join(sorted(servers)[:NAMED])
    return f"{shown} and {len(servers) - NAMED} more" if len(servers) > NAMED else shown
