"""Who may say yes now, who has, and whether that is enough: votes replayed over the flow as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daypass.domain.requests import Vote
from daypass.flows.case import Ask, Case
from daypass.flows.looking_up import build_case
from daypass.flows.policy import Flow, Policy
from daypass.flows.requirements import CompiledRequirement, CompiledStep, can_all_be_met
from daypass.flows.rules import wanted_length

LONGEST_REASON = 124  # characters of an approver's reason (field.md)


class VoteState(StrEnum):
    """Where the votes stand."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True)
class Approvals:
    """Where a request stands with its approvers.

    Attributes:
        may_vote: Logins of those whose yes would help now; empty when nothing is waited for.
        waiting_for: The current step in words, empty when nothing is waited for.
        counted: Votes that count, in their order.
        refused: Votes that don't, each with the reason.
        step: The step that is waited for, from 1; above `steps` when all are done.
        next_escalation: When more people may answer, None = never.
        length: What may be granted at most: no approver can add to it.
        possible: False: there aren't enough people who could ever say yes.
    """

    state: VoteState
    may_vote: frozenset[str]
    waiting_for: str
    counted: tuple[Vote, ...]
    refused: tuple[tuple[Vote, str], ...]
    step: int
    steps: int
    next_escalation: datetime | None
    length: timedelta
    possible: bool


def approvals(
    flow: Flow, ask: Ask, asked_at: datetime, votes: Sequence[Vote], policy: Policy, now: datetime
) -> Approvals:
    """Replay all votes in the order of their times.

    People, groups and owners are those of today's directory, shifts those of each vote's time: an approver
    whose shift ended keeps the vote, one who left loses it.

    Args:
        asked_at: When the request was made; escalation counts from here, then from each finished step.
        votes: Of any people, at any times, also such that may not count.

    Raises:
        DeniedError: The request can't be looked at any more: somebody left, or a server is gone.
    """
    case = build_case(ask, policy, now)
    count = _Count(flow, case, asked_at, asked_at, wanted_length(flow, ask))
    for vote in sorted(votes, key=lambda vote: vote.at):
        if vote.at <= now:
            count.take(vote)
    return count.result(now)


@dataclass
class _Count:
    """The state of one replay."""

    flow: Flow
    case: Case
    asked_at: datetime
    began: datetime  # of the current step
    length: timedelta
    step: int = 0
    denied: bool = False
    voters: set[str] = field(default_factory=set)
    # For each requirement of the current step: who answered which of its entries.
    answers: dict[int, dict[str, frozenset[int]]] = field(default_factory=dict)
    counted: list[Vote] = field(default_factory=list)
    refused: list[tuple[Vote, str]] = field(default_factory=list)

    @property
    def _current(self) -> CompiledStep | None:
        return self.flow.steps[self.step] if self.step < len(self.flow.steps) else None

    @property
    def _excluded(self) -> frozenset[str]:
        return frozenset() if self.flow.settings.requester_may_approve else self.case.parties

    def take(self, vote: Vote) -> None:
        """Count one vote, or note why not."""
        why = self._why_not(vote)
        if why is not None:
            self.refused.append((vote, why))
            return
        person = self.case.directory.active(vote.person)
        self.counted.append(vote)
        if not vote.yes:
            self.denied = True
        elif person is not None:
            self.voters.add(person.login)
            self.length = min(self.length, vote.length or self.length)
            self._say_yes(person.login, vote.at)

    def _why_not(self, vote: Vote) -> str | None:
        person = self.case.directory.active(vote.person)
        if person is None:
            return "isn't in the directory, or has left"
        if vote.at < self.asked_at:
            return "is older than the request"
        if self.denied or self._current is None:
            return "the request was decided already"
        if person.login in self._excluded:
            return "nobody answers requests of one's own"
        if person.login in self.voters:
            return "has answered already; one person counts once"
        if not self._can_answer(person.login, vote.at):
            return "isn't an approver of this step"
        return self._why_not_these_words(vote)

    def _why_not_these_words(self, vote: Vote) -> str | None:
        if len(vote.reason) > LONGEST_REASON:
            return f"the reason has {len(vote.reason)} characters, {LONGEST_REASON} are allowed"
        if self.flow.settings.require_approver_reason and not vote.reason.strip():
            return "a reason is required"
        if vote.length is not None and not timedelta() < vote.length <= self.length:
            return "an approver may shorten the time, never widen it"
        return None

    def _open(self, at: datetime) -> tuple[CompiledRequirement, ...]:
        return self._current.open_after(at - self.began) if self._current else ()

    def _can_answer(self, login: str, at: datetime) -> bool:
        case = self.case.moved(at)
        return any(any(one.answers([login], case).values()) for one in self._open(at))

    def _say_yes(self, login: str, at: datetime) -> None:
        """Enough is only ever looked at when somebody says yes: time alone opens tiers, and nothing else."""
        case = self.case.moved(at)
        if self._current is None:
            return
        for n, requirement in enumerate(self._current.all):
            self.answers.setdefault(n, {}).update(requirement.answers([login], case))
        if any(one.is_met(self.answers[n]) for n, one in enumerate(self._open(at))):
            self.step, self.began, self.answers = self.step + 1, at, {}

    def result(self, now: datetime) -> Approvals:
        """Where it stands at `now`."""
        current = None if self.denied else self._current
        state = VoteState.WAITING if current else VoteState.APPROVED
        return Approvals(
            state=VoteState.DENIED if self.denied else state,
            may_vote=self._may_vote(now) if current else frozenset(),
            waiting_for=" or ".join(map(str, self._open(now))) if current else "",
            counted=tuple(self.counted),
            refused=tuple(self.refused),
            step=self.step + 1,
            steps=len(self.flow.steps),
            next_escalation=self._next_escalation(now) if current else None,
            length=self.length,
            possible=self._possible(),
        )

    def _may_vote(self, now: datetime) -> frozenset[str]:
        case = self.case.moved(now)
        found: set[str] = set()
        for n, requirement in enumerate(self._open(now)):
            people = requirement.people(case)
            for entry in requirement.open_entries(self.answers.get(n, {})):
                found |= people[entry]
        return frozenset(found - self.voters - self._excluded)

    def _next_escalation(self, now: datetime) -> datetime | None:
        if self._current is None:
            return None
        opened = len(self._open(now)) - 1
        more = opened < len(self._current.tiers)
        return self.began + self._current.interval * (opened + 1) if more else None

    def _possible(self) -> bool:
        """Each step that is left can be met by people who haven't answered yet, were they all to say yes."""
        if self.denied:
            return False
        here = {login for answers in self.answers.values() for login in answers}
        gone = self._excluded | (self.voters - here)
        return can_all_be_met(self.flow.steps[self.step :], self.case, gone)
