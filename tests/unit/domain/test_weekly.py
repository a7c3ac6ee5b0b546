"""Hours of the week, across the days on which clocks jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.weekly import WHOLE_WEEK, WeeklyHours

BERLIN = ZoneInfo(
    "Europe/Berlin"
)  # summer time began on 29 March 2026 at 02:00, and ended on 25 October at 03:00
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")


def hours(start: str, end: str, days: frozenset[int] = WHOLE_WEEK, zone: ZoneInfo = BERLIN) -> WeeklyHours:
    """From `HH:MM` to `HH:MM`."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return WeeklyHours(days, *minutes, zone)


def utc(text: str) -> datetime:
    """A moment of 2026, `MM-DD HH:MM`, in UTC."""
    return datetime.fromisoformat(f"2026-{text}+00:00")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("11-23 07:59", False),  # 08:59 in Berlin
        ("11-23 08:00", True),
        ("11-23 16:59", True),
        ("11-23 17:00", False),  # the end is outside
        ("11-22 12:00", False),  # a Sunday
        ("07-20 07:00", True),  # 09:00 summer time
    ],
)
def test_hours_hold_by_the_local_clock_and_day(moment, expected):
    """Monday to Friday, nine to six."""
    assert hours("09:00", "18:00", frozenset(range(5))).holds(utc(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("11-27 20:59", False),  # Friday 21:59
        ("11-27 21:00", True),  # Friday 22:00
        ("11-28 04:59", True),  # Saturday 05:59: the night that began on Friday
        ("11-28 05:00", False),
        ("11-28 22:00", False),  # Saturday night isn't named
        ("11-27 03:00", False),  # Friday 04:00: the night began on Thursday
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(moment, expected):
    """Friday night ends on Saturday morning."""
    assert hours("22:00", "06:00", frozenset({4})).holds(utc(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("10-25 00:15", True),  # 02:15 summer time
        ("10-25 00:45", False),  # 02:45 summer time
        ("10-25 01:15", True),  # 02:15 again, an hour later
        ("10-25 01:45", False),
        ("10-25 02:15", False),  # 03:15
    ],
)
def test_hour_that_comes_twice_counts_twice(moment, expected):
    """Summer time ends: 02:00 to 02:30 is on the clock two times."""
    assert hours("02:00", "02:30").holds(utc(moment)) is expected


def test_hour_that_is_skipped_does_not_exist():
    """Summer time begins: from 01:59 the clock jumps to 03:00, so 02:00 to 03:00 never comes."""
    skipped = hours("02:00", "03:00")
    night = [utc("03-29 00:00") + timedelta(minutes=n) for n in range(300)]
    assert not any(skipped.holds(moment) for moment in night)
    assert hours("02:30", "06:00").holds(utc("03-29 01:00"))  # it is 03:00


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-23"])
def test_hours_that_fit_together_cover_each_minute_once(day):
    """A shift ends when the next one begins, on days with 23 and 25 hours too."""
    shifts = [
        hours("06:00", "14:00"),
        hours("14:00", "22:00"),
        hours("22:00", "02:30"),
        hours("02:30", "06:00"),
    ]
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) - timedelta(hours=6)
    for minute in range(36 * 60):
        moment = start + timedelta(minutes=minute)
        assert sum(shift.holds(moment) for shift in shifts) == 1, moment


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    minute=st.integers(0, 364 * 24 * 60),
    length=st.integers(1, 36 * 60),
)
def test_closing_is_the_first_minute_that_does_not_hold(zone, days, start, end, minute, length):
    """Found by looking at each minute, in zones with odd offsets and odd jumps."""
    weekly = WeeklyHours(days, start, end, zone)
    begin = utc("01-01 00:00") + timedelta(minutes=minute)
    if start == end or not weekly.holds(begin):
        return
    latest = begin + timedelta(minutes=length)
    minutes = [begin + timedelta(minutes=n) for n in range(1, length)]
    expected = next((minute for minute in minutes if not weekly.holds(minute)), latest)
    assert weekly.closes(begin, latest) == expected
