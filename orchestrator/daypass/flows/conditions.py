"""Which people a condition means; one class per kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from daypass.config.conditions import Condition
from daypass.directory import Directory
from daypass.domain.people import Person
from daypass.flows.case import Case
from daypass.flows.matching import Matcher, matcher


class PeopleRule(Protocol):
    """One condition on people, compiled."""

    def holds(self, person: Person, case: Case) -> bool:
        """Whether the person is meant."""

    def candidates(self, case: Case) -> frozenset[str] | None:
        """Logins outside which nobody can be meant; None = that can't be said cheaply."""

    def changes(self, case: Case) -> bool:
        """Whether others may be meant at another hour."""


@dataclass(frozen=True)
class ByUser:
    """By login or e-mail address."""

    match: Matcher
    unknown: frozenset[str]

    def holds(self, person: Person, case: Case) -> bool:
        return not _doubtful(self) and self.match.holds(person.names)

    def candidates(self, case: Case) -> frozenset[str] | None:
        if self.match.equal is None:
            return None
        named = (case.directory.person(name) for name in self.match.equal)
        return frozenset(person.login for person in named if person)

    def changes(self, case: Case) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.match}"


@dataclass(frozen=True)
class ByGroup:
    """By one of the person's groups."""

    match: Matcher
    unknown: frozenset[str]

    def holds(self, person: Person, case: Case) -> bool:
        return not _doubtful(self) and self.match.holds(person.groups)

    def candidates(self, case: Case) -> frozenset[str] | None:
        return _joined(self.match.equal, lambda name: case.directory.members.get(name, frozenset()))

    def changes(self, case: Case) -> bool:
        return False

    def __str__(self) -> str:
        return f"group {self.match}"


@dataclass(frozen=True)
class ByManager:
    """By whose people they are."""

    match: Matcher
    unknown: frozenset[str]

    def holds(self, person: Person, case: Case) -> bool:
        manager = case.directory.people.get(person.manager) if person.manager else None
        return not _doubtful(self) and self.match.holds(manager.names if manager else ())

    def candidates(self, case: Case) -> frozenset[str] | None:
        return _joined(self.match.equal, lambda name: case.directory.people_of.get(name, frozenset()))

    def changes(self, case: Case) -> bool:
        return False

    def __str__(self) -> str:
        return f"people of {self.match}"


@dataclass(frozen=True)
class ByShift:
    """By a shift that the person is on at the moment; a shift that can't be told is no reason for a yes."""

    match: Matcher
    unknown: frozenset[str]

    def holds(self, person: Person, case: Case) -> bool:
        if _doubtful(self) or (self._negative and case.directory.doubtful_shifts(case.at)):
            return False
        return self.match.holds(case.directory.shifts_of(person.login, case.at))

    @property
    def _negative(self) -> bool:
        return bool(self.match.unequal or self.match.without)

    def candidates(self, case: Case) -> frozenset[str] | None:
        return _joined(self.match.equal, lambda name: case.directory.on_shift(name, case.at))

    def changes(self, case: Case) -> bool:
        return not self.unknown

    def __str__(self) -> str:
        return f"shift {self.match}"


@dataclass(frozen=True)
class Everyone:
    """Everyone in the directory who is still here."""

    def holds(self, person: Person, case: Case) -> bool:
        return True

    def candidates(self, case: Case) -> frozenset[str] | None:
        return None

    def changes(self, case: Case) -> bool:
        return False

    def __str__(self) -> str:
        return "everyone"


@dataclass(frozen=True)
class IsOwner:
    """Who owns all servers of the request."""

    def holds(self, person: Person, case: Case) -> bool:
        return person.login in case.owners

    def candidates(self, case: Case) -> frozenset[str] | None:
        return case.owners

    def changes(self, case: Case) -> bool:
        return case.owners_by_shift

    def __str__(self) -> str:
        return "the owner of the servers"


@dataclass(frozen=True)
class IsManager:
    """The manager of who gets access."""

    def holds(self, person: Person, case: Case) -> bool:
        return person.login == case.grantee.manager

    def candidates(self, case: Case) -> frozenset[str] | None:
        return frozenset(filter(None, [case.grantee.manager]))

    def changes(self, case: Case) -> bool:
        return False

    def __str__(self) -> str:
        return "the manager"


@dataclass(frozen=True)
class AllOf:
    """Every inner condition."""

    inner: tuple[PeopleRule, ...]

    def holds(self, person: Person, case: Case) -> bool:
        return all(rule.holds(person, case) for rule in self.inner)

    def candidates(self, case: Case) -> frozenset[str] | None:
        known = [found for rule in self.inner if (found := rule.candidates(case)) is not None]
        return frozenset.intersection(*known) if known else None

    def changes(self, case: Case) -> bool:
        return any(rule.changes(case) for rule in self.inner)

    def __str__(self) -> str:
        return " and ".join(_bracketed(rule) for rule in self.inner)


@dataclass(frozen=True)
class AnyOf:
    """One of the inner conditions; none of them means nobody."""

    inner: tuple[PeopleRule, ...]

    def holds(self, person: Person, case: Case) -> bool:
        return any(rule.holds(person, case) for rule in self.inner)

    def candidates(self, case: Case) -> frozenset[str] | None:
        known = [rule.candidates(case) for rule in self.inner]
        found = [logins for logins in known if logins is not None]
        return frozenset().union(*found) if len(found) == len(known) else None

    def changes(self, case: Case) -> bool:
        return any(rule.changes(case) for rule in self.inner)

    def __str__(self) -> str:
        return ", or ".join(_bracketed(rule) for rule in self.inner)


NAMED_RULES: Mapping[str, PeopleRule] = {"everyone": Everyone(), "owner": IsOwner(), "manager": IsManager()}


def people_rule(condition: Condition, directory: Directory) -> PeopleRule:
    """The compiled form of a condition.

    Args:
        directory: Names that it doesn't know make their part of the condition unmet, whichever the operator:
            `is_not` with a slip of the pen would otherwise mean everybody.
    """
    rules: list[PeopleRule] = []
    if condition.user is not None:
        match = matcher(condition.user)
        rules.append(ByUser(_with_both_names(match, directory), _unknown_people(match, directory)))
    if condition.group is not None:
        match = matcher(condition.group)
        rules.append(ByGroup(match, match.named - directory.members.keys()))
    if condition.manager is not None:
        match = matcher(condition.manager)
        rules.append(ByManager(_with_both_names(match, directory), _unknown_people(match, directory)))
    if condition.shift is not None:
        match = matcher(condition.shift)
        rules.append(ByShift(match, match.named - directory.shifts.keys()))
    if condition.who is not None:
        rules.append(NAMED_RULES[condition.who])
    if condition.all is not None:
        rules.append(AllOf(tuple(people_rule(inner, directory) for inner in condition.all)))
    if condition.any is not None:
        rules.append(any_of(condition.any, directory))
    return rules[0] if len(rules) == 1 else AllOf(tuple(rules))


def any_of(conditions: Iterable[Condition], directory: Directory) -> PeopleRule:
    """One of several conditions."""
    rules = tuple(people_rule(condition, directory) for condition in conditions)
    return rules[0] if len(rules) == 1 else AnyOf(rules)


def people_meant(rule: PeopleRule, case: Case) -> frozenset[str]:
    """Logins of everyone here whom the rule means."""
    candidates = rule.candidates(case)
    logins: Iterable[str] = case.directory.people if candidates is None else candidates
    people = (case.directory.active(login) for login in logins)
    return frozenset(person.login for person in people if person and rule.holds(person, case))


def _doubtful(rule: ByUser | ByGroup | ByManager | ByShift) -> bool:
    """Whether something is excluded by a name that means nothing."""
    return bool(rule.unknown and rule.match.unequal & rule.unknown)


def _unknown_people(match: Matcher, directory: Directory) -> frozenset[str]:
    return frozenset(name for name in match.named if directory.person(name) is None)


def _with_both_names(match: Matcher, directory: Directory) -> Matcher:
    """The match with each named person's login in place of an address, whatever the case it was typed in."""

    def names(values: frozenset[str]) -> frozenset[str]:
        people = ((value, directory.person(value)) for value in values)
        return frozenset(person.login if person else value for value, person in people)

    equal = None if match.equal is None else names(match.equal)
    return Matcher(equal, names(match.unequal), match.parts, match.without, match.starts)


def _joined(
    names: frozenset[str] | None, people_of: Callable[[str], frozenset[str]]
) -> frozenset[str] | None:
    return None if names is None else frozenset().union(*map(people_of, names))


def _bracketed(rule: PeopleRule) -> str:
    return f"({rule})" if isinstance(rule, AllOf | AnyOf) else str(rule)
