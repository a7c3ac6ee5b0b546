"""`daypass doctor`: is this machine fit to run Daypass?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daypass import wiring
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.cli.render import Screen
from daypass.workflow.doctor import Finding, Grade, worst

STYLES = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


@click.command()
@click.option("--servers", "every_server", is_flag=True, help="Try to reach all servers, not some of them.")
@common
def doctor(invocation: Invocation, *, every_server: bool) -> int:
    """Check this machine, the configuration, the record and the servers; say how to mend each finding.

    Nothing is changed, nothing is sent, and no server is logged in to. Exit code 1 when something is broken,
    0 when all is fine or there are only warnings.

    \b
    Example:
      daypass doctor
      daypass doctor --servers --output json
    """
    with _progress(invocation.screen) as progress:
        findings = list(wiring.examine(invocation.config, every_server=every_server, progress=progress))
    invocation.screen.emit(
        [{"what": f.what, "grade": str(f.grade), "found": f.found, "hint": f.hint} for f in findings],
        lambda: _show(invocation.screen, findings),
    )
    return EXIT_FAILED if worst(findings) is Grade.FAIL else EXIT_DONE


class _Bar:
    """What is still to be looked at, counted as it becomes known."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("looking", total=0)

    def expect(self, count: int) -> None:
        self._bar.update(self._task, total=(self._bar.tasks[0].total or 0) + count)

    def advance(self) -> None:
        self._bar.advance(self._task)


@contextmanager
def _progress(screen: Screen) -> Iterator[_Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = screen.messages
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        yield _Bar(bar)


def _show(screen: Screen, findings: list[Finding]) -> None:
    for finding in findings:
        screen.line(f"{finding.grade:<4} {finding.what}: {finding.found}", style=STYLES[finding.grade])
        if finding.hint and finding.grade is not Grade.OK:
            screen.line(f"     {finding.hint}")
    bad = sum(finding.grade is Grade.FAIL for finding in findings)
    odd = sum(finding.grade is Grade.WARN for finding in findings)
    screen.line()
    screen.line(f"{len(findings)} findings: {bad} to mend, {odd} to look at" if bad or odd else "all is fine")
