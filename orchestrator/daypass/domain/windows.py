"""Windows of time: half-open, aware, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, order=True)
class Window:
    """The time `[not_before, not_after)` in which a grant gives access.

    Raises:
        ValueError: A bound isn't aware UTC with whole seconds, or the window is empty.
    """

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        for bound in (self.not_before, self.not_after):
            if bound.utcoffset() != timedelta(0):
                raise ValueError(f"a window's bound must be aware UTC, found {bound.isoformat()}")
            if bound.microsecond:
                raise ValueError(f"a window's bound must be whole seconds, found {bound.isoformat()}")
        if self.not_after <= self.not_before:
            raise ValueError("a window must end after it begins")

    @property
    def length(self) -> timedelta:
        return self.not_after - self.not_before

    def holds(self, now: datetime) -> bool:
        """Whether access is due at `now`; the end itself is outside."""
        return self.not_before <= now < self.not_after

    def overlaps(self, other: Window) -> bool:
        """Whether some moment is in both; one that begins where the other ends isn't."""
        return self.not_before < other.not_after and other.not_before < self.not_after


def window_from(now: datetime, length: timedelta) -> Window:
    """The window that begins at `now`, cut to whole seconds, and lasts `length`."""
    start = now.astimezone(UTC).replace(microsecond=0)
    return Window(start, start + timedelta(seconds=int(length.total_seconds())))
