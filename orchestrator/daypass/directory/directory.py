"""What every source of people comes down to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol

from daypass.directory.calendar_sources import CalendarSources
from daypass.directory.shifts import Shift
from daypass.domain.people import Person


@dataclass(frozen=True)
class Directory:
    """Everyone that is known, who is in which group, and who is on duty when.

    Attributes:
        people: By login; those who left are among them as long as the source names them.
        logins: E-mail address in lower case to login.
        members: Group to the logins in it, through groups inside groups too; those who left aren't members.
        shifts: By name.
        shared_keys: Public keys that stand at several people, with their logins; they count for none of them.
        ids: By login, what stays at the source when a login is given to somebody else, where it has that.
        doubtful: Logins of whom it can't be told whether they are still here, and why: nothing opens for
            them, and nothing of theirs ends.
        held: Those of the doubtful ones that an operator has to say a word about.
        held_since: When the last of them was held first.
        read_at: When the source was read; None = just now, as a file is.
        trouble: Why it wasn't read again since; empty where it needn't be.
        oddities: What was left out of what the source says, a sentence each.
    """

    people: Mapping[str, Person]
    logins: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    shared_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    held_since: datetime | None = None
    read_at: datetime | None = None
    trouble: str = ""
    oddities: tuple[str, ...] = ()

    @cached_property
    def people_of(self) -> Mapping[str, frozenset[str]]:
        """Manager's login to the logins of the people whose manager that is."""
        found: dict[str, set[str]] = defaultdict(set)
        for person in self.people.values():
            if person.manager:
                found[person.manager].add(person.login)
        return {manager: frozenset(logins) for manager, logins in found.items()}

    def person(self, name: str) -> Person | None:
        """Whom a login or an e-mail address means; a login holds no `@`, so they can't be mixed up."""
        login = self.logins.get(name.lower()) if "@" in name else name
        return self.people.get(login) if login else None

    def active(self, name: str) -> Person | None:
        """As `person`, but nobody who has left."""
        person = self.person(name)
        return person if person and person.active else None

    def left(self, logins: Iterable[str]) -> frozenset[str]:
        """Those of `logins` that belong to nobody who is still here: not active, or not named any more."""
        return frozenset(
            login for login in logins if login not in self.doubtful and self.active(login) is None
        )

    def holding(self, doubts: Mapping[str, str], since: datetime | None = None) -> Directory:
        """The directory without these people, of whom an operator has to say whether they are still here."""
        return replace(
            self,
            people={login: person for login, person in self.people.items() if login not in doubts},
            logins={email: login for email, login in self.logins.items() if login not in doubts},
            members={name: logins - doubts.keys() for name, logins in self.members.items()},
            doubtful={**self.doubtful, **doubts},
            held=self.held | doubts.keys(),
            held_since=since,
        )

    def on_shift(self, name: str, at: datetime) -> frozenset[str]:
        """Logins of those who are here and on this shift at `at`; nobody on a shift that isn't known."""
        shift = self.shifts.get(name)
        return frozenset(filter(self.active, shift.people(at))) if shift else frozenset()

    def shifts_of(self, login: str, at: datetime) -> frozenset[str]:
        """Names of the shifts that a person is on at `at`."""
        return frozenset(name for name in self.shifts if login in self.on_shift(name, at))

    def shift_edges(self, at: datetime, latest: datetime) -> list[datetime]:
        """All moments between the two, in order, at which others may be on some shift."""
        return sorted({edge for shift in self.shifts.values() for edge in shift.edges(at, latest)})

    def doubtful_shifts(self, at: datetime) -> Mapping[str, str]:
        """Shifts that can't be told at `at`, and why."""
        problems = ((name, shift.problem(at)) for name, shift in self.shifts.items())
        return {name: problem for name, problem in problems if problem is not None}

    def named(self, attribute: Literal["user", "group", "shift"], value: str, at: datetime) -> frozenset[str]:
        """Logins of those whom a user's, group's or shift's name means at `at`, and who are here."""
        if attribute == "group":
            return self.members.get(value, frozenset())
        if attribute == "shift":
            return self.on_shift(value, at)
        person = self.active(value)
        return frozenset([person.login] if person else [])


class DirectorySource(Protocol):
    """Where people come from."""

    def read(self, calendars: CalendarSources = ...) -> Directory:
        """Everyone, checked.

        Args:
            calendars: Where the shifts' calendars come from; without them, those shifts say nothing.

        Raises:
            ConfigurationError: The source can't be read, or has problems; `problems` names each.
        """
