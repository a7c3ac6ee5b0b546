"""The options with which `daypass audit` leaves things out: time, person, server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from daypass.cli.names import PERSON, SERVER
from daypass.domain.durations import parse_length
from daypass.domain.records import RecordFilter
from daypass.errors import UsageError
from daypass.workflow.exporting import person_names
from daypass.workflow.seams import Seams


def filters(*, since: str, until: str, person: str, server: str) -> Callable[..., Any]:
    """Give a command `--from`, `--to`, `--person` and `--server`, with these words of help."""
    options = (
        click.option("--from", "since", metavar="TIME", help=since),
        click.option("--to", "until", metavar="TIME", help=until),
        click.option("--person", metavar="NAME", type=PERSON, help=person),
        click.option("--server", metavar="NAME", type=SERVER, help=server),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def as_past(text: str | None, now: datetime) -> datetime | None:
    """`2026-11-01`, `2026-11-01T09:00` (local where no zone is given) or `30d` ago, in UTC.

    Raises:
        UsageError: It is none of these.
    """
    if text is None:
        return None
    try:
        return now - parse_length(text)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = "write 2026-11-01, 2026-11-01T09:00+01:00, or 30d for thirty days ago"
        raise UsageError(f"{text!r} isn't a time", hint=hint) from None


def as_filter(
    seams: Seams, since: str | None, until: str | None, person: str | None, server: str | None, now: datetime
) -> RecordFilter:
    """The words of these options as one filter.

    Raises:
        UsageError, NotFoundError, ConfigurationError: As `as_past` and `person_names`.
    """
    begin, end = as_past(since, now), as_past(until, now)
    if begin and end and end <= begin:
        raise UsageError("--to isn't later than --from: nothing could be in between")
    return RecordFilter(begin, end, None if person is None else person_names(seams, person), server)
