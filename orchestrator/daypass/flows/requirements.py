"""Whose yes is needed, and whether it is there: entries, each answered by another person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, product

from daypass.config.approvers import Requirement, Step
from daypass.directory import Directory
from daypass.flows.case import Case
from daypass.flows.conditions import PeopleRule, people_meant, people_rule

MOST_WAYS = 1000  # ways through steps and tiers that are looked at, to tell what can't come to an end
# Persons by entry: which entries (their positions) a person can answer.
Answers = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class CompiledRequirement:
    """`needed` of the entries must be answered with yes, each by another person."""

    entries: tuple[PeopleRule, ...]
    needed: int

    def answers(self, logins: Collection[str], case: Case) -> dict[str, frozenset[int]]:
        """Which entries each of these people can answer at the moment of the case."""
        people = (case.directory.active(login) for login in logins)
        return {
            person.login: frozenset(n for n, rule in enumerate(self.entries) if rule.holds(person, case))
            for person in people
            if person
        }

    def is_met(self, answers: Answers) -> bool:
        """Whether these people's yes is enough; `needed` is at least 1, so nobody's never is."""
        return len(paired(answers)) >= self.needed

    def open_entries(self, answers: Answers) -> frozenset[int]:
        """Entries where one more person's yes would bring the requirement nearer."""
        so_far = len(paired(answers))
        if so_far >= self.needed:
            return frozenset()
        return frozenset(
            n for n in range(len(self.entries)) if len(paired({**answers, "": frozenset([n])})) > so_far
        )

    def people(self, case: Case) -> tuple[frozenset[str], ...]:
        """For each entry the logins of those who can answer it."""
        return tuple(people_meant(rule, case) for rule in self.entries)

    def seats(self, case: Case, without: Collection[str]) -> list[frozenset[str]]:
        """Who could take each of the yeses that are needed, now or on another shift."""
        people = []
        for n, (rule, logins) in enumerate(zip(self.entries, self.people(case), strict=True)):
            later = {f"whoever is on duty later, {id(self)}, {n}"} if rule.changes(case) else set()
            people.append(logins.difference(without) | later)
        if self.needed == len(people):
            return people
        return [frozenset().union(*people)] * self.needed

    def __str__(self) -> str:
        entries = [str(entry) for entry in self.entries]
        if self.needed == 1:
            return " or ".join(entries)
        if self.needed == len(entries):
            return " and ".join(entries)
        return f"{self.needed} of: {', '.join(entries)}"


@dataclass(frozen=True)
class CompiledStep:
    """One step: its own requirement, and others that will do as well, each a while later.

    Attributes:
        interval: Time from the step's beginning to the first tier, and from tier to tier.
    """

    first: CompiledRequirement
    tiers: tuple[CompiledRequirement, ...] = ()
    interval: timedelta = timedelta()

    def open_after(self, waited: timedelta) -> tuple[CompiledRequirement, ...]:
        """The requirements of which one must be met, a time after the step began."""
        count = min(len(self.tiers), int(waited / self.interval)) if self.tiers else 0
        return (self.first, *self.tiers[: max(0, count)])

    @property
    def all(self) -> tuple[CompiledRequirement, ...]:
        return (self.first, *self.tiers)

    def __str__(self) -> str:
        return str(self.first)


def compile_step(step: Step, directory: Directory) -> CompiledStep:
    """The compiled form of a step."""
    first = _compiled(step, directory)
    if step.escalation is None:
        return CompiledStep(first)
    tiers = tuple(_compiled(tier, directory) for tier in step.escalation.tiers)
    return CompiledStep(first, tiers, step.escalation.interval)


def _compiled(requirement: Requirement, directory: Directory) -> CompiledRequirement:
    return CompiledRequirement(
        tuple(people_rule(entry, directory) for entry in requirement.entries), requirement.needed
    )


def can_all_be_met(steps: Iterable[CompiledStep], case: Case, without: Collection[str]) -> bool:
    """Whether there are enough people for all steps, each of them counted once over all of them.

    Where `at_least` some of several entries are asked for, the answer may be a yes too many: it only tells
    people early what can't come to an end.
    """
    ways = product(*(step.all for step in steps))
    for way in islice(ways, MOST_WAYS):
        seats = [seat for requirement in way for seat in requirement.seats(case, without)]
        if _seated(seats):
            return True
    return next(ways, None) is not None


def _seated(seats: list[frozenset[str]]) -> bool:
    """Whether each seat can be taken by a person of its own; as many candidates as seats are enough."""
    candidates: dict[str, set[int]] = {}
    for n, logins in enumerate(seats):
        for login in sorted(logins)[: len(seats)]:
            candidates.setdefault(login, set()).add(n)
    return len(paired({login: frozenset(found) for login, found in candidates.items()})) == len(seats)


def paired(answers: Answers) -> dict[int, str]:
    """As many entries as possible, each with a person of its own (augmenting paths; Kuhn 1955).

    One person counts for one entry, whichever helps most: a yes is never counted twice.
    """
    person_of: dict[int, str] = {}
    for login in answers:
        _find_place(login, answers, person_of, set())
    return person_of


def _find_place(login: str, answers: Answers, person_of: dict[int, str], tried: set[int]) -> bool:
    for entry in sorted(answers[login]):
        if entry in tried:
            continue
        tried.add(entry)
        if entry not in person_of or _find_place(person_of[entry], answers, person_of, tried):
            person_of[entry] = login
            return True
    return False
