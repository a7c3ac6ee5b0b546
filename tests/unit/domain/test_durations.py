from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.durations import length_text, parse_length


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
