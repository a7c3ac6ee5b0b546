"""Hours of the week as settings: days, start, end, time zone."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainValidator, model_validator

from daypass.config import fields
from daypass.config.part import Part, as_list
from daypass.domain.weekly import DAY_NAMES, MINUTES, WHOLE_WEEK, WeeklyHours

CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::00)?|24:00(?::00)?")
ZONE = re.compile(r"[A-Za-z0-9+_-]{1,32}(/[A-Za-z0-9+_-]{1,32}){0,2}")  # names of the IANA database


def clock(value: Any) -> int:
    """Minutes after midnight; YAML reads 22:00 without quotes as a number, 22 * 60 (YAML 1.1, base 60)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MINUTES:
        return value
    if isinstance(value, str) and (match := CLOCK.fullmatch(value)):
        return MINUTES if match[1] is None else int(match[1]) * 60 + int(match[2])
    raise fields.refuse('a time such as "09:00", at most "24:00"')


def weekday(value: Any) -> int:
    """0 = Monday, from a name or its first three letters, whatever the case."""
    word = value.lower() if isinstance(value, str) else ""
    for number, name in enumerate(DAY_NAMES):
        if word in (name, name[:3]):
            return number
    raise fields.refuse(f"a day: {', '.join(DAY_NAMES)}, or its first three letters")


def time_zone(value: Any) -> ZoneInfo:
    if isinstance(value, str) and ZONE.fullmatch(value):
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
            pass
    raise fields.refuse("a time zone of the IANA database, such as Europe/Berlin or UTC")


class Hours(Part):
    """Some hours of some days in one time zone; an end before the start is on the next day."""

    days: Annotated[
        tuple[Annotated[int, PlainValidator(weekday)], ...],
        BeforeValidator(as_list),
        AfterValidator(fields.not_empty),
    ] = tuple(sorted(WHOLE_WEEK))
    """Days on which the hours begin. Default: every day."""
    start: Annotated[int, PlainValidator(clock)] = 0
    """When they begin. Default: `"00:00"`."""
    end: Annotated[int, PlainValidator(clock)] = MINUTES
    """When they end; before `start`: on the next day. Default: `"24:00"`."""
    timezone: Annotated[ZoneInfo, PlainValidator(time_zone)]
    """Whose clock."""

    @model_validator(mode="after")
    def _some_time(self) -> Hours:
        if self.start == self.end or self.start == MINUTES or self.end == 0:
            allowed = 'a start that isn\'t the end; a whole day is "00:00" to "24:00"'
            raise fields.refuse(allowed, "hours without beginning or end")
        return self

    @property
    def weekly(self) -> WeeklyHours:
        return WeeklyHours(frozenset(self.days), self.start, self.end, self.timezone)
