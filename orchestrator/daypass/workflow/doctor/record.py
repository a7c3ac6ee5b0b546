"""The database, the audit log, the passes of the clock, the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from daypass.domain.durations import length_text
from daypass.workflow.doctor.findings import Finding, fail, ok, warn

RESTORE = "restore your newest backup; then: daypass audit verify, daypass reconcile"
LEAST_POSTGRESQL = 13  # the oldest that its makers still mend in 2025 (postgresql.org/support/versioning)
PASS_LATE = timedelta(
    minutes=10
)  # the timer starts one each minute; one over a fleet that is down takes longer
NOTICE_LATE = timedelta(hours=1)
TIMER = "sudo daypass gate install sets a timer; or in a crontab: * * * * * daypass reconcile"


class AnchorFacts(NamedTuple):
    """The note of the log's head outside the database.

    Attributes:
        number: The event that it names; None where there is no note.
        fits: Whether the log has that event with that hash.
        head: The last event's number.
    """

    number: int | None
    fits: bool
    head: int


def judge_schema(found: str | None, needed: str, known: bool) -> Finding:
    """Which version the database has.

    Args:
        known: Whether this Daypass can upgrade it: an older one.
    """
    if found == needed:
        return ok("database schema", found)
    if found is None:
        return fail("database schema", "the database is empty", "daypass init")
    if known:
        said = f"it is {found}, older than this Daypass, which needs {needed}"
        return fail("database schema", said, "daypass init   (upgrades it, after a backup)")
    said = (
        f"it is {found}, which this Daypass doesn't know; a newer one wrote it, and this one needs {needed}"
    )
    return fail(
        "database schema",
        said,
        "install that newer Daypass, or restore the backup beside the database",
    )


def judge_sqlite(problems: Sequence[str] | None, seconds: float) -> Finding:
    """What `PRAGMA quick_check` said; None = it wasn't done in that time."""
    if problems is None:
        said = f"no damage found in {seconds:g} s; the whole takes longer"
        return ok("database file", said)
    if problems:
        return fail("database file", f"damaged: {problems[0]}", RESTORE)
    return ok("database file", "undamaged")


def judge_postgresql(version: int) -> Finding:
    """`server_version_num`: 150004 is 15.4."""
    found = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version // 10000 < LEAST_POSTGRESQL:
        said = f"{found}, which its makers don't mend any more"
        return warn("database server", said, f"pg_upgrade to {LEAST_POSTGRESQL} or newer")
    return ok("database server", found)


def judge_anchor(facts: AnchorFacts) -> Finding:
    what = "audit log"
    if facts.number is None:
        said = "its head isn't noted outside the database: nobody would see that its end was cut off"
        return fail(
            what,
            said,
            "daypass audit verify, compare the head with what you noted, then: daypass init",
        )
    if facts.number > facts.head:
        said = (
            f"its head was event {facts.number}, and now it ends at {facts.head}: cut off, or an old database"
        )
        return fail(what, said, "daypass audit verify")
    if not facts.fits:
        said = f"event {facts.number} isn't what was noted outside the database"
        return fail(what, said, "daypass audit verify")
    return ok(what, f"{facts.head} events; the noted head fits")


def judge_pass(last: datetime | None, now: datetime) -> Finding:
    """Whether somebody starts `daypass reconcile`: it ends, retries and cleans up."""
    what = "passes of the clock"
    if last is None:
        return warn(what, "none was done yet: daypass reconcile has to be started each minute", TIMER)
    age = now - last
    if age > PASS_LATE:
        said = f"the last whole one was {length_text(age)} ago"
        hint = "daypass reconcile; then look at what starts it: systemctl status daypass-reconcile.timer"
        return warn(what, said, hint)
    return ok(what, f"the last whole one was {length_text(max(age, timedelta(0)))} ago")


def judge_outbox(oldest: datetime | None, count: int, now: datetime) -> Finding:
    what = "outbox of notices"
    if oldest is not None and now - oldest > NOTICE_LATE:
        said = f"{count} wait, the oldest for {length_text(now - oldest)}"
        return warn(what, said, "daypass notices list")
    return ok(what, f"{count} wait" if count else "nothing waits")


def judge_ca(kind: str, public_key: str, on_record: Sequence[str]) -> Finding:
    """The CA's key against the one that signed last."""
    if on_record and public_key not in on_record:
        said = (
            f"{kind}, and it isn't the key that signed last: servers trust the other one in every open grant"
        )
        return warn("CA key", said, "put the old key back, or end what is open: daypass status")
    return ok("CA key", f"{kind}, can sign")
