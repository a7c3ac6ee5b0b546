"""`daypass doctor`: look at all that `open_daypass` needs, piece by piece, and go on past what is broken.

Each check reads its facts here and has them judged in `workflow.doctor`. Nothing is changed, but for a run
folder that comes and goes with an agent in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from daypass import config
from daypass.config import Settings
from daypass.errors import ConfigurationError, DaypassError
from daypass.wiring.examining import files, fleet, gate, machine, notices, people, record
from daypass.wiring.examining.progress import Progress, Unseen
from daypass.wiring.opening import check_owner, leave_no_core
from daypass.workflow.doctor.findings import Check, Finding, ok, problem_findings

AT_ONCE = 12  # most of them wait: for a disk, a database, servers, a program
UNSEEN = Unseen()


def examine(
    config_path: Path | None, *, every_server: bool = False, progress: Progress = UNSEEN
) -> Iterator[Finding]:
    """Every finding about this machine, the configuration and the state, in the order to mend them.

    Args:
        every_server: Ask all servers whether they answer, not a few of them.
    """
    leave_no_core()
    yield from _run(list(machine.checks()), progress)
    try:
        settings = config.load(config_path, os.environ, Path.cwd())
    except DaypassError as error:
        yield from problem_findings("configuration", error)
        return
    count = len(settings.integrations)
    yield ok("configuration", f"{settings.source}, {count} integration{'s' * (count != 1)}")
    try:
        check_owner(settings.state_dir)
    except ConfigurationError as error:  # looking would leave files there that its owner can't write
        yield from problem_findings("state folder", error)
        return
    yield from _run(list(_checks(settings, every_server, progress)), progress)


def _checks(settings: Settings, every_server: bool, progress: Progress) -> Iterator[Check]:
    yield from files.checks(settings)
    yield from machine.checks_of_runs(settings.state_dir)
    yield from record.checks(settings)
    yield from fleet.checks(settings, every_server=every_server, progress=progress)
    yield from notices.checks(settings)
    yield from people.checks(settings)
    yield from gate.checks(settings)


def _run(checks: Sequence[Check], progress: Progress) -> Iterator[Finding]:
    """At once where they wait, their findings in their own order."""

    def look(check: Check) -> tuple[Finding, ...]:
        try:
            return check.findings()
        finally:
            progress.advance()

    progress.expect(len(checks))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for findings in pool.map(look, checks):
            yield from findings
