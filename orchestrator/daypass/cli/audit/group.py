"""`daypass audit`: read the log, prove that it is whole, export what it proves."""

from __future__ import annotations

import re
from datetime import datetime

import click

from daypass import wiring
from daypass.audit.verifying import Report
from daypass.cli.audit.export import export_rows
from daypass.cli.audit.filters import as_filter, filters
from daypass.cli.audit.progress import audit_progress
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.cli.render import Screen, time_text
from daypass.domain.events import Event
from daypass.errors import UsageError

HASH = re.compile(r"[0-9a-f]{64}")  # SHA-256
MOST_EVENTS = 10_000  # a page that a terminal and a JSON reader can still take


@click.group()
def audit() -> None:
    """The audit log."""


audit.add_command(export_rows)


@audit.command("list")
@click.option(
    "--after", type=click.IntRange(min=0), default=0, show_default=True, help="Only events after this number."
)
@click.option(
    "--limit", type=click.IntRange(1, MOST_EVENTS), default=200, show_default=True, help="At most this many."
)
@filters(
    since="Only what happened then or later.",
    until="Only what happened before.",
    person="Only what this person did, or what is about this person or this person's access.",
    server="Only what is about this server, or about access to it.",
)
@common
def list_events(
    invocation: Invocation,
    *,
    after: int,
    limit: int,
    since: str | None,
    until: str | None,
    person: str | None,
    server: str | None,
) -> None:
    """List events, oldest first. TIME is as for `daypass audit export`.

    \b
    Example:
      daypass audit list --after 100 --output json
      daypass audit list --from 1d --person alice
    """
    with wiring.open_daypass(invocation.config) as daypass:
        now = daypass.now()
        wanted = as_filter(daypass.seams, since, until, person, server, now)
        with daypass.seams.store.read() as view:
            events = view.events_matching(wanted, after, limit)
    invocation.screen.emit(
        [_as_json(event) for event in events], lambda: _show(invocation.screen, events, now)
    )
    if len(events) == limit:
        invocation.screen.note(f"there may be more: the same with --after {events[-1].number}")


def _as_json(event: Event) -> dict[str, object]:
    return {
        "number": event.number,
        "at": event.at,
        "actor": event.actor,
        "kind": event.kind,
        "subject": event.subject,
        "details": dict(event.details),
        "hash": event.hash,
    }


def _show(screen: Screen, events: list[Event], now: datetime) -> None:
    rows = [(e.number, time_text(e.at, now), e.actor, e.kind, e.subject, _details(e)) for e in events]
    screen.table(["n", "when", "who", "what", "of", "details"], rows)


def _details(event: Event) -> str:
    return " ".join(f"{key}={value}" for key, value in event.details.items())


@audit.command("verify")
@click.option(
    "--expect", metavar="HASH", help="The head's hash as you noted it earlier; the log must contain it."
)
@common
def verify(invocation: Invocation, *, expect: str | None) -> int:
    """Prove that no event was altered, moved, cut out or cut off.

    \b
    Example:
      daypass audit verify
    """
    if expect is not None and not HASH.fullmatch(expect):
        raise UsageError(f"{expect!r} isn't a hash of the log", hint="64 hex digits, as `audit verify` shows")
    with wiring.open_daypass(invocation.config) as daypass, audit_progress(invocation.screen) as progress:
        report = daypass.verify_audit(expect, progress.on_events)
    head = {"number": report.head.number, "hash": report.head.hash}
    invocation.screen.emit(
        {"whole": report.whole, "checked": report.checked, "head": head, "problems": list(report.problems)},
        lambda: _show_report(invocation.screen, report),
    )
    return EXIT_DONE if report.whole else EXIT_FAILED


def _show_report(screen: Screen, report: Report) -> None:
    if report.whole:
        screen.line(f"the audit log is whole: {report.checked} events, head {report.head.hash}")
        return
    screen.line(f"the audit log is NOT whole; {report.checked} events hold", style="bold red")
    for problem in report.problems:
        screen.line(f"  - {problem}")
