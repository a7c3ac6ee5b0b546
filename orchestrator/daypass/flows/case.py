"""What is asked, with everything that is known about it, looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from daypass.config import Integration
from daypass.directory import Directory
from daypass.domain.people import Person
from daypass.domain.servers import Server
from daypass.domain.windows import Window


@dataclass(frozen=True)
class OpenAccess:
    """A grant that the same person has or will have already.

    Attributes:
        critical_options: What its certificates are bound to; empty = to nothing.
    """

    grant_id: str
    server: str
    window: Window
    critical_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """One request, in the words of whoever asks.

    Attributes:
        requester: Login or e-mail address of who asks; None for automatic access, which nobody asks for.
        grantee: Login or e-mail address of who gets access; the same for oneself.
        start: Aware; None = now.
        length: None = the flow's default.
        open_access: The grantee's other access on these servers.
    """

    requester: str | None
    grantee: str
    servers: tuple[str, ...]
    groups: tuple[str, ...]
    start: datetime | None = None
    length: timedelta | None = None
    justification: str = ""
    open_access: tuple[OpenAccess, ...] = ()


@dataclass(frozen=True)
class Case:
    """An `Ask` with the people and servers that it is about, at a moment.

    Attributes:
        requester: None for automatic access, which nobody asks for.
        at: The moment that shifts are looked at.
    """

    requester: Person | None
    grantee: Person
    servers: tuple[Server, ...]
    groups: tuple[str, ...]
    directory: Directory
    at: datetime
    integrations: Mapping[str, Integration]

    @cached_property
    def owners(self) -> frozenset[str]:
        """Logins of those who own every one of the servers."""
        return owners_of(self.servers, self.integrations, self.directory, self.at)

    @property
    def owners_by_shift(self) -> bool:
        """Whether others may be the owners at another hour."""
        of = (self.integrations[server.integration] for server in self.servers)
        owners = (owner for one in of for owner in (one.resource_owner, one.integration_owner))
        return any(owner is not None and owner.attribute == "shift" for owner in owners)

    @property
    def parties(self) -> frozenset[str]:
        """Logins of who asks and who gets it."""
        return frozenset(person.login for person in (self.requester, self.grantee) if person)

    def moved(self, at: datetime) -> Case:
        """The same case at another moment."""
        return replace(self, at=at)


def owners_of(
    servers: tuple[Server, ...],
    integrations: Mapping[str, Integration],
    directory: Directory,
    at: datetime,
) -> frozenset[str]:
    """Those who answer for all of the servers: whoever owns one of several says nothing about the others."""
    each = [owners_of_one(server, integrations[server.integration], directory, at) for server in servers]
    return frozenset.intersection(*each) if each else frozenset()


def owners_of_one(
    server: Server, integration: Integration, directory: Directory, at: datetime
) -> frozenset[str]:
    """Whom the server's tag names; where it names nobody who is here, the integration's owners."""
    by_tag, fallback = integration.resource_owner, integration.integration_owner
    if by_tag is not None and (value := server.tags.get(by_tag.key)):
        named = directory.named(by_tag.attribute, value, at)
        if named:
            return named
    if fallback is None:
        return frozenset()
    return frozenset().union(*(directory.named(fallback.attribute, value, at) for value in fallback.values))
