"""Calendars as on-call tools export them (iCalendar, RFC 5545) -> who is on duty at a moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MAX_BYTES = 5 * 1024 * 1024  # ten thousand events with long descriptions
MAX_EVENTS = 10_000
MAX_REPEATING = 100  # each of them is counted through from its beginning to the moment that is asked for
EARLIEST_REPEATING = 2010
REPEATS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})  # a duty doesn't begin anew each hour
MANY_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")  # would repeat within the day
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]*[A-Za-z0-9]")
AROUND = timedelta(days=1)  # events without a zone are found within this, and looked at again after
TITLE_CHARACTERS = 500  # of a title are looked at


class CalendarRefused(Exception):
    """The text isn't a calendar that can be used; the message says why."""


@dataclass(frozen=True)
class Names:
    """How an event's words lead to people.

    Attributes:
        login_of: Login of whom a login or e-mail address means, None for nobody.
        by_name: Names as they stand in the calendar, to logins.
    """

    login_of: Callable[[str], str | None]
    by_name: Mapping[str, str] = field(default_factory=dict)

    def people(self, event: Any) -> frozenset[str]:
        """Attendees who haven't declined; without any that is known, whoever the title names."""
        logins = frozenset(filter(None, map(self.login_of, _attendees(event))))
        return logins or frozenset(self._in_title(str(event.get("SUMMARY", ""))[:TITLE_CHARACTERS]))

    def _in_title(self, title: str) -> Iterator[str]:
        for address in EMAIL.findall(title):
            if login := self.login_of(address):
                yield login
        for name, login in self.by_name.items():
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", title):
                yield login


class CalendarShift:
    """A shift whose hours and people stand in a calendar.

    Times without a zone, and whole days, are those of `zone`. Events that were cancelled don't count.

    Args:
        text: The calendar, None where it can't be had.
        trouble: Why it can't be had.

    Raises:
        CalendarRefused: Not a calendar, or one that would take too long to go through.
    """

    def __init__(self, text: bytes | None, names: Names, zone: ZoneInfo, trouble: str | None = None) -> None:
        self._names = names
        self._zone = zone
        self._trouble = trouble
        self._query = None if text is None else _query(text)
        self._last: tuple[datetime, frozenset[str]] | None = None  # the same moment is asked for many times

    def people(self, at: datetime) -> frozenset[str]:
        if self._query is None:
            return frozenset()
        if self._last is None or self._last[0] != at:
            found = (self._names.people(event) for event in self._events(at))
            self._last = (at, frozenset().union(*found))
        return self._last[1]

    def edges(self, at: datetime, latest: datetime) -> Iterator[datetime]:
        for _event, start, end in self._between(at, latest):
            yield from (moment for moment in (start, end) if at < moment < latest)

    def problem(self, at: datetime) -> str | None:
        return self._trouble

    def _events(self, at: datetime) -> Iterator[Any]:
        return (event for event, start, end in self._between(at, at) if start <= at < end)

    def _between(self, first: datetime, last: datetime) -> Iterator[tuple[Any, datetime, datetime]]:
        """Events around these moments, each with its start and end."""
        for event in self._query.between(first - AROUND, last + AROUND) if self._query else ():
            if str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield event, self._moment(event.start), self._moment(event.end)

    def _moment(self, value: date) -> datetime:
        """An aware time; of two that the clock shows alike, the first (RFC 5545, section 3.3.5)."""
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
        return (value if value.tzinfo else value.replace(tzinfo=self._zone)).astimezone(UTC)


def _attendees(event: Any) -> Iterator[str]:
    found = event.get("ATTENDEE", [])
    for attendee in found if isinstance(found, list) else [found]:
        declined = str(attendee.params.get("PARTSTAT", "")).upper() == "DECLINED"
        scheme, _, address = str(attendee).partition(":")
        if not declined and scheme.lower() == "mailto":
            yield address


def _query(text: bytes) -> Any:
    """The calendar, ready to be asked; loaded when there is one, as it takes a while."""
    import icalendar
    import recurring_ical_events

    if len(text) > MAX_BYTES:
        raise CalendarRefused(f"it has more than {MAX_BYTES} bytes")
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
        _check_effort(events)
        query = recurring_ical_events.of(calendar)
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        query.between(moment, moment + AROUND)  # what can't be gone through is told now
    except CalendarRefused:
        raise
    except Exception as error:  # noqa: BLE001 # the libraries raise what they come across
        raise CalendarRefused(f"it isn't a calendar that can be read ({type(error).__name__})") from None
    return query


def _check_effort(events: list[Any]) -> None:
    """A few lines can stand for billions of repetitions; a rota needs none of them."""
    if len(events) > MAX_EVENTS:
        raise CalendarRefused(f"it has {len(events)} events, {MAX_EVENTS} are allowed")
    repeating = [event for event in events if "RRULE" in event]
    if len(repeating) > MAX_REPEATING:
        raise CalendarRefused(f"it has {len(repeating)} repeating events, {MAX_REPEATING} are allowed")
    if any("EXRULE" in event for event in events):
        raise CalendarRefused("it has an EXRULE, which iCalendar gave up (RFC 5545, A.3)")
    for event in repeating:
        _check_rule(event)


def _check_rule(event: Any) -> None:
    rules = event["RRULE"]
    if isinstance(rules, list):
        raise CalendarRefused("an event has more than one RRULE")
    often = [str(part).upper() for part in rules.get("FREQ", [])]
    if not REPEATS.issuperset(often) or len(often) != 1 or any(part in rules for part in MANY_TIMES):
        raise CalendarRefused("an event repeats within a day; a day, week, month or year is allowed")
    start = event.start
    if start.year < EARLIEST_REPEATING:
        raise CalendarRefused(f"a repeating event begins in {start.year}, {EARLIEST_REPEATING} is allowed")
