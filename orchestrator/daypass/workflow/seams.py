"""Everything that a use case may touch, handed in by `wiring`: settings, store, executors, clock, chance."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from daypass.ca.signer import Signer
from daypass.config import Integration, Settings
from daypass.directory import Directory
from daypass.domain.servers import Server
from daypass.errors import ConfigurationError, NotFoundError
from daypass.execution.executor import Executor
from daypass.flows import Policy
from daypass.store.interface import Store, WriteWork


def no_directory() -> Directory | None:
    """What there is when `directory` isn't set."""
    return None


def no_policy() -> Policy:
    """As `no_directory`: flows are about people.

    Raises:
        ConfigurationError: `directory_missing`.
    """
    raise ConfigurationError(
        "no directory is set: there is nobody to decide about",
        hint="add `directory: directory.yaml` to daypass.yaml",
        code="directory_missing",
    )


def nothing_to_accept() -> None:
    """What is to be done where `directory` isn't set."""


@dataclass(frozen=True)
class Seams:
    """The interfaces that the use cases know.

    Attributes:
        servers: Every server of every integration, by name.
        integrations: By name.
        ca_keys: Public keys that hosts trust, `TYPE BASE64`; more than one while the CA is changed.
        signer: Opens the CA key when called, so that commands without signing never read it.
        executor: Integration name to the way of running waves with that integration's connector key.
        clock: Aware UTC now; read again only where time passed (after a wave).
        new_id: A fresh grant id.
        new_serial: A random certificate serial, 1 to 2**63 - 1.
        new_host_id: 32 lower hex digits.
        actor: Who is acting, for the record.
        owner: This process, as a claim's owner.
        directory: People and groups, read when called; None where no directory is set. What calendars say of
            shifts isn't in it: they are fetched for `policy` alone.
        policy: All flows with people, shifts and servers, read when called, once a command. Raises
            ConfigurationError: the directory has problems, or there is none.
        at_hand: As `directory`, without asking another machine; None = that never does.
        accept_people: An operator has confirmed who is here: nobody is held any more.
        alive: Whether another claim's owner still runs, as far as this machine can tell.
    """

    settings: Settings
    servers: Mapping[str, Server]
    integrations: Mapping[str, Integration]
    store: Store
    ca_keys: Callable[[], tuple[str, ...]]
    signer: Callable[[], Signer]
    executor: Callable[[str], Executor]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_serial: Callable[[], int]
    new_host_id: Callable[[], str]
    actor: str
    owner: str
    alive: Callable[[str], bool]
    directory: Callable[[], Directory | None] = no_directory
    policy: Callable[[], Policy] = no_policy
    at_hand: Callable[[], Directory | None] | None = None
    accept_people: Callable[[], None] = nothing_to_accept

    def write(self, now: datetime) -> AbstractContextManager[WriteWork]:
        """A unit of work. What notices have to know of people is read before: others wait for the unit."""
        if self.settings.notices.channels:
            with suppress(Exception):  # no end waits for what tells of it
                self.people_at_hand()
        return self.store.write(self.actor, now)

    def people_at_hand(self) -> Directory | None:
        """People as they are known without asking anybody else, for words about them; never for decisions.

        Raises:
            ConfigurationError: As `directory`.
        """
        return (self.at_hand or self.directory)()

    @cached_property
    def at_address(self) -> Mapping[tuple[str, int], Server]:
        """Servers by what ssh connects to, for finding the keys of jump hosts."""
        return {(server.host, server.port): server for server in self.servers.values()}

    def server(self, name: str) -> Server:
        """The server of that name.

        Raises:
            NotFoundError: With the nearest names.
        """
        if name in self.servers:
            return self.servers[name]
        raise NotFoundError(
            f"no server named {name!r} in the server lists",
            hint=nearest_hint(name, self.servers, "daypass servers list"),
        )

    def integration_of(self, server: str) -> Integration:
        """The integration that a server belongs to."""
        name = self.server(server).integration
        if name not in self.integrations:
            raise ConfigurationError(f"server {server!r} belongs to no integration")
        return self.integrations[name]


def nearest_hint(name: str, names: Mapping[str, object], command: str) -> str:
    """A hint that proposes the nearest known name, or the command that lists all of them."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"see: {command}"
