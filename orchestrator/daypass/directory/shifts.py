"""Who is on duty at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Protocol

from daypass.domain.weekly import WeeklyHours


class Shift(Protocol):
    """One named shift."""

    def people(self, at: datetime) -> frozenset[str]:
        """Logins of those who are on duty at an aware moment; nobody where that can't be told."""

    def edges(self, at: datetime, latest: datetime) -> Iterable[datetime]:
        """All moments between the two at which others may be on duty."""

    def problem(self, at: datetime) -> str | None:
        """Why it can't be told, as words; None: it can."""


@dataclass(frozen=True)
class JoinedShifts:
    """Several sources of one shift: whoever one of them names is on duty."""

    shifts: tuple[Shift, ...]

    def people(self, at: datetime) -> frozenset[str]:
        return frozenset().union(*(shift.people(at) for shift in self.shifts))

    def edges(self, at: datetime, latest: datetime) -> Iterable[datetime]:
        return chain.from_iterable(shift.edges(at, latest) for shift in self.shifts)

    def problem(self, at: datetime) -> str | None:
        return next(filter(None, (shift.problem(at) for shift in self.shifts)), None)


@dataclass(frozen=True)
class WeeklyShift:
    """The same hours each week, with their people."""

    slots: tuple[tuple[WeeklyHours, frozenset[str]], ...]

    def people(self, at: datetime) -> frozenset[str]:
        return frozenset().union(*(people for hours, people in self.slots if hours.holds(at)))

    def edges(self, at: datetime, latest: datetime) -> Iterable[datetime]:
        return chain.from_iterable(hours.edges(at, latest) for hours, _people in self.slots)

    def problem(self, at: datetime) -> str | None:
        return None
