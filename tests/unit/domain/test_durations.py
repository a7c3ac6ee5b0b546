from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from daypass.domain.durations import length_text, parse_length, parse_moment


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("30d", timedelta(days=30)),
        ("45s", timedelta(seconds=45)),
        ("PT2H30M", timedelta(minutes=150)),
        ("P1DT1S", timedelta(days=1, seconds=1)),
    ],
)
def test_length_is_read(text, length):
    """Units in falling order, or ISO 8601."""
    assert parse_length(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "2", "h", "-2h", "2 h", "2h\n", "30m2h", "0s", "P", "PT", "P1DT", "२h", "1.5h", "2H", "99999d"],
)
def test_other_text_is_refused(text):
    """A unit is always named, and no time at all is no length."""
    with pytest.raises(ValueError, match=r"length|no time"):
        parse_length(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45, "45s"), (90, "1m 30s"), (3600, "1h"), (93600, "1d 2h"), (86401, "1d 1s"), (-60, "1m")],
)
def test_lengths_name_their_two_largest_units(seconds, text):
    """Enough to act on, short enough to read."""
    assert length_text(timedelta(seconds=seconds)) == text


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's zone is UTC."""
    with monkeypatch.context() as context:
        context.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("18:30", NOON.replace(hour=18, minute=30)),
        ("12:00", NOON + timedelta(days=1)),
        ("9:05", NOON.replace(hour=9, minute=5) + timedelta(days=1)),
        ("2026-11-23T18:30", NOON.replace(day=23, hour=18, minute=30)),
        ("2026-11-23T18:30+02:00", NOON.replace(day=23, hour=16, minute=30)),
        ("2026-11-23T18:30Z", NOON.replace(day=23, hour=18, minute=30)),
    ],
)
@pytest.mark.usefixtures("in_utc")
def test_a_moment_is_read_as_people_type_it(text, moment):
    """A time of day is the next one; without a zone it is the machine's."""
    assert parse_moment(text, NOON) == moment


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:60", "1830", "12:00:00pm", "2026-13-01T00:00"])
def test_what_is_no_moment_is_refused(text):
    """With what may be written."""
    with pytest.raises(ValueError, match="isn't a moment"):
        parse_moment(text, NOON)
