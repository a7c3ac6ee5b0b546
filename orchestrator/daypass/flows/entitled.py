"""Who is to have what by an automatic flow now: people, servers with groups, and until when."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from daypass.domain.grants import DEFAULT_GROUP, SudoRule
from daypass.domain.people import Person
from daypass.flows.case import Case
from daypass.flows.checking import leaves, some
from daypass.flows.conditions import ByShift, IsManager, IsOwner, people_meant
from daypass.flows.policy import Flow, Policy

AHEAD = timedelta(days=7)  # how far the end of a shift is looked for: longer access is renewed on the way


class Place(NamedTuple):
    """What is given on one server: groups, without `Default`, sorted; and their sudo rules of today."""

    groups: tuple[str, ...]
    sudo: tuple[SudoRule, ...]


Places = Mapping[str, Place]


@dataclass(frozen=True)
class Note:
    """What automatic access leaves out, and why; for people, one for each reason and flow.

    Attributes:
        code: Stable name for programs.
    """

    flow: str
    code: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """What one person is to have by one flow.

    Attributes:
        places: By server; never empty.
        cases: The person is meant in each of them: one, or one for each set of owners.
        digest: Of the places, and of the person's public keys.
    """

    flow: Flow
    person: Person
    places: Places
    cases: tuple[Case, ...]
    digest: str


class Entitled:
    """Everyone who is to have something by one flow at a moment.

    Args:
        ready: Servers that access can be given on.

    Attributes:
        wanted: By login.
        notes: Servers, groups and people that were left out.
    """

    def __init__(self, flow: Flow, policy: Policy, ready: Collection[str], now: datetime) -> None:
        self.flow, self.now = flow, now
        self.wanted: dict[str, Wanted] = {}
        self.notes: list[Note] = []
        self._policy = policy
        self._ready = ready
        self._fill()

    def _fill(self) -> None:
        by_login: dict[str, list[int]] = defaultdict(list)
        parts = self._parts(self._places())
        for n, (case, _places) in enumerate(parts):
            for login in _people(self.flow, case):
                by_login[login].append(n)
        joined: dict[tuple[int, ...], tuple[Places, str]] = {}
        without_key: list[str] = []
        for login in sorted(by_login):
            person, numbers = self._policy.directory.people[login], tuple(by_login[login])
            if not person.public_keys:
                without_key.append(login)
                continue
            if numbers not in joined:
                together = {name: place for n in numbers for name, place in parts[n][1].items()}
                joined[numbers] = together, digest_of(together)
            places, digest = joined[numbers]
            cases = tuple(parts[n][0] for n in numbers)
            self.wanted[login] = Wanted(self.flow, person, places, cases, with_keys(digest, person))
        self._note("no_key", without_key, "no public key in the directory of {}")

    def _places(self) -> dict[str, Place]:
        """The servers that the flow is about, with the groups that their integrations offer."""
        groups: dict[str, set[str]] = defaultdict(set)
        for target in self.flow.targets:
            for server in target.select(self._policy.index):
                groups[server.name] |= target.groups
        places: dict[str, Place] = {}
        missing: dict[str, list[str]] = defaultdict(list)
        made: dict[tuple[str, frozenset[str]], Place] = {}
        for name in sorted(groups):
            integration = self._policy.integrations[self._policy.servers[name].integration]
            offered = groups[name].intersection(group.name for group in integration.user_groups)
            for group in groups[name] - offered:
                missing[group].append(name)
            key = integration.name, frozenset(offered)
            if key not in made:
                made[key] = Place(tuple(sorted(offered - {DEFAULT_GROUP})), integration.sudo_of(offered))
            if offered and name in self._ready:
                places[name] = made[key]
        self._note("not_onboarded", sorted(groups.keys() - self._ready), "not onboarded: {}")
        for group in sorted(missing):
            self._note("group_not_offered", missing[group], f"the group {group!r} isn't offered on {{}}")
        if not groups:
            self.notes.append(Note(self.flow.name, "no_server", "no server matches the targets"))
        return places

    def _parts(self, places: dict[str, Place]) -> list[tuple[Case, Places]]:
        """All places in one case; where owners are meant, one for each way in which they are named."""
        if not places:
            return []
        if not any(isinstance(leaf, IsOwner) for leaf in leaves(self.flow.grantees)):
            return [(self._case(places), places)]
        alike: dict[tuple[str, str], dict[str, Place]] = defaultdict(dict)
        for name, place in places.items():
            server = self._policy.servers[name]
            owner = self._policy.integrations[server.integration].resource_owner
            alike[server.integration, server.tags.get(owner.key, "") if owner else ""][name] = place
        return [(self._case(part), part) for part in alike.values()]

    def _case(self, places: Places) -> Case:
        """One server stands for all of them: only its owners are looked at, and those are the same."""
        nobody = Person("", "")  # who gets it: told for each person where a rule looks at it
        server = self._policy.servers[next(iter(places))]
        directory, integrations = self._policy.directory, self._policy.integrations
        return Case(None, nobody, (server,), (), directory, self.now, integrations)

    def _note(self, code: str, names: Iterable[str], text: str) -> None:
        if listed := list(names):
            self.notes.append(Note(self.flow.name, code, text.format(some(listed))))

    @cached_property
    def _edges(self) -> list[datetime]:
        """Moments at which somebody's shift may end, as far as anybody looks ahead."""
        return self._policy.directory.shift_edges(self.now, self._latest)

    @cached_property
    def _latest(self) -> datetime:
        length = self.flow.settings.max_duration
        longest = min(length, AHEAD) if by_shift(self.flow, self._policy) else length
        return (self.now + longest).replace(microsecond=0)

    def until(self, wanted: Wanted) -> datetime:
        """When access that is given now ends: `max_duration` later, or with the shift that it comes from."""
        if not by_shift(self.flow, self._policy):
            return self._latest
        for edge in self._edges:
            if not all(self.flow.grantees.holds(wanted.person, case.moved(edge)) for case in wanted.cases):
                return edge.replace(microsecond=0)
        return self._latest


def by_shift(flow: Flow, policy: Policy) -> bool:
    """Whether others may be meant at another hour."""
    kinds = [type(leaf) for leaf in leaves(flow.grantees)]
    return ByShift in kinds or (IsOwner in kinds and _owners_by_shift(policy))


def _owners_by_shift(policy: Policy) -> bool:
    owners = (
        owner for one in policy.integrations.values() for owner in (one.resource_owner, one.integration_owner)
    )
    return any(owner is not None and owner.attribute == "shift" for owner in owners)


def doubtful_shifts(flow: Flow, policy: Policy, now: datetime) -> frozenset[str]:
    """Shifts that can't be told now and that may decide who is meant by the flow."""
    doubtful = frozenset(policy.directory.doubtful_shifts(now)) if by_shift(flow, policy) else frozenset()
    if not doubtful:
        return doubtful
    found: set[str] = set()
    for leaf in leaves(flow.grantees):
        if isinstance(leaf, IsOwner) and _owners_by_shift(policy):
            return doubtful
        if isinstance(leaf, ByShift) and leaf.match.equal is None:
            return doubtful
        if isinstance(leaf, ByShift):
            found |= doubtful & leaf.match.named
    return frozenset(found)


def _people(flow: Flow, case: Case) -> frozenset[str]:
    """Logins of those who are meant; `manager` looks at each person as the one who gets it."""
    if not any(isinstance(leaf, IsManager) for leaf in leaves(flow.grantees)):
        return people_meant(flow.grantees, case)
    here = [person for person in case.directory.people.values() if person.active]
    return frozenset(
        person.login for person in here if flow.grantees.holds(person, replace(case, grantee=person))
    )


def digest_of(places: Places) -> str:
    """The same for the same places, whatever the order they are in."""
    plain = [
        [name, place.groups, [[rule.run_as, rule.commands] for rule in place.sudo]]
        for name, place in sorted(places.items())
    ]
    return hashlib.sha256(json.dumps(plain).encode("ascii")).hexdigest()


def with_keys(digest: str, person: Person) -> str:
    """The digest of places together with the keys of a person who is to have them."""
    return hashlib.sha256("\n".join([digest, *sorted(person.public_keys)]).encode("ascii")).hexdigest()
