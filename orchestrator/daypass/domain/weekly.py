"""Hours of the week in one place of the world, as a clock on the wall there shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES = 24 * 60
WHOLE_WEEK = frozenset(range(7))


@dataclass(frozen=True)
class WeeklyHours:
    """`start` to `end` on some days of the week; an end before the start is on the next day.

    What the wall clock of the zone shows decides. So an hour that comes twice when summer time ends counts
    twice, an hour that is skipped when it begins doesn't exist, and hours that fit together in the week fit
    together on those days too: nothing is covered twice, nothing is left out.

    Attributes:
        days: 0 = Monday; the day on which the hours begin.
        start: Minutes after midnight, 0 to 1439.
        end: Minutes after midnight, 1 to 1440, not `start`; the end itself is outside.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        """Whether an aware moment is within the hours."""
        local = moment.astimezone(self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)

    def closes(self, moment: datetime, latest: datetime) -> datetime:
        """From a moment that is within the hours, the first at which they don't hold; `latest` at most."""
        return next((edge for edge in self.edges(moment, latest) if not self.holds(edge)), latest)

    def edges(self, moment: datetime, latest: datetime) -> list[datetime]:
        """All moments between the two, in order, at which the hours may begin or end."""
        return sorted({edge for edge in self._edges(moment, latest) if moment < edge < latest})

    def _edges(self, moment: datetime, latest: datetime) -> Iterator[datetime]:
        """Every time at which `holds` may change: starts, ends, and jumps of the clock."""
        day, last = moment.astimezone(self.zone).date(), latest.astimezone(self.zone).date()
        while day <= last + timedelta(days=1):
            for minutes in (self.start, self.end % MINUTES):
                for fold in (0, 1):
                    wall = datetime.combine(day, time(minutes // 60, minutes % 60), self.zone)
                    yield wall.replace(fold=fold).astimezone(UTC)
            if (jump := self._jump(day)) is not None:
                yield jump
            day += timedelta(days=1)

    def _jump(self, day: date) -> datetime | None:
        """When the clock jumps within the 24 hours of UTC that begin this day, to the second; None: never."""
        low = datetime.combine(day, time(), UTC)
        high = low + timedelta(days=1)
        before = low.astimezone(self.zone).utcoffset()
        if high.astimezone(self.zone).utcoffset() == before:
            return None
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            if middle.astimezone(self.zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high

    def __str__(self) -> str:
        days = "every day"
        if self.days != WHOLE_WEEK:
            days = ", ".join(DAY_NAMES[day][:3].capitalize() for day in sorted(self.days))
        return f"{days} {clock_text(self.start)} to {clock_text(self.end)} {self.zone.key}"


def clock_text(minutes: int) -> str:
    """`09:30` of minutes after midnight."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
