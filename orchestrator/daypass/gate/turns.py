"""Whose turn it is: how many commands run at once, who waits, who is sent away. No clock, no effects."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """What becomes of somebody who comes."""

    GO = "go"
    WAIT = "wait"
    TOO_MANY_OF_ONE = "too many of one"
    TOO_MANY = "too many"


@dataclass
class Turns:
    """Tickets that run, and tickets that wait in the order in which they came.

    Args:
        most_running: At once.
        most_waiting: Beside those.
        most_of_one: Of one person, running and waiting.
        wait_seconds: After so long a ticket is given up.
    """

    most_running: int
    most_waiting: int
    most_of_one: int
    wait_seconds: float
    _running: dict[int, str] = field(default_factory=dict)
    _waiting: deque[tuple[int, str, float]] = field(default_factory=deque)

    def come(self, ticket: int, person: str, now: float) -> Verdict:
        """A new ticket of a person."""
        own = sum(of == person for of in self._running.values())
        own += sum(of == person for _, of, _ in self._waiting)
        if own >= self.most_of_one:
            return Verdict.TOO_MANY_OF_ONE
        if len(self._running) < self.most_running and not self._waiting:
            self._running[ticket] = person
            return Verdict.GO
        if len(self._waiting) >= self.most_waiting:
            return Verdict.TOO_MANY
        self._waiting.append((ticket, person, now))
        return Verdict.WAIT

    def leave(self, ticket: int) -> None:
        """It has ended, or went away while it waited."""
        self._running.pop(ticket, None)
        self._waiting = deque(one for one in self._waiting if one[0] != ticket)

    def next(self) -> Iterator[int]:
        """Those whose turn has come; they run from now on."""
        while self._waiting and len(self._running) < self.most_running:
            ticket, person, _ = self._waiting.popleft()
            self._running[ticket] = person
            yield ticket

    def overdue(self, now: float) -> list[int]:
        """Those who have waited too long; they don't wait any more."""
        late = [ticket for ticket, _, since in self._waiting if now - since >= self.wait_seconds]
        for ticket in late:
            self.leave(ticket)
        return late
