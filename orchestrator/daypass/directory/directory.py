"""What every source of people comes down to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from daypass.domain.people import Person


@dataclass(frozen=True)
class Directory:
    """Everyone that is known, and who is in which group.

    Attributes:
        people: By login; those who left are among them as long as the source names them.
        logins: E-mail address in lower case to login.
        members: Group to the logins in it, through groups inside groups too; those who left aren't members.
    """

    people: Mapping[str, Person]
    logins: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)

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
        return frozenset(login for login in logins if self.active(login) is None)


class DirectorySource(Protocol):
    """Where people come from."""

    def read(self) -> Directory:
        """Everyone, checked.

        Raises:
            ConfigurationError: The source can't be read, or has problems; `problems` names each.
        """
