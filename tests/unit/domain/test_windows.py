"""Rules of windows of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daypass.domain.windows import Window

TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def hours(start: int, end: int) -> Window:
    return Window(TEN + timedelta(hours=start), TEN + timedelta(hours=end))


@pytest.mark.parametrize(
    ("other", "answer"),
    [((0, 2), True), ((1, 3), True), ((-1, 5), True), ((1, 2), True), ((2, 3), False), ((-2, 0), False)],
)
def test_windows_overlap_where_a_moment_is_in_both(other, answer):
    """Half-open: one that begins where the other ends shares nothing with it. Order doesn't matter."""
    assert hours(0, 2).overlaps(hours(*other)) is answer
    assert hours(*other).overlaps(hours(0, 2)) is answer
