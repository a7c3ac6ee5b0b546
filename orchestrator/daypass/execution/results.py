"""From the events of a playbook to one outcome a server.

A playbook of one task (`accounts`, `report`) gives each server's outcome as soon as its result is there; one
of many tasks (`onboard`, `offboard`) when it is over: a failed task may have been answered by a rescue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from daypass.domain.outcomes import HostAnswer, Outcome, OutcomeKind
from daypass.execution.answers import UnreadableAnswer, clean_facts, parse_answer, parse_code, parse_message
from daypass.execution.failures import connection_outcome, task_outcome
from daypass.execution.reports import report_outcome

OK, FAILED, UNREACHABLE = "runner_on_ok", "runner_on_failed", "runner_on_unreachable"
STATS, STARTED = "playbook_on_stats", "playbook_on_play_start"

NO_RESULT = Outcome(
    OutcomeKind.UNKNOWN, code="no_result", message="no result came back; the server may have done the work"
)
OUT_OF_TIME = Outcome(
    OutcomeKind.UNKNOWN,
    code="deadline",
    message="the wave's time was over before the server answered; it may have done the work",
)


def answer_outcome(raw: object, *, failed: bool, changed: bool) -> Outcome:
    """The outcome that a host's answer stands for; an answer that can't be read makes it unknown."""
    try:
        answer = parse_answer(raw, changed=changed)
    except UnreadableAnswer as unreadable:
        sentence = f"the server's answer can't be read: {unreadable}"
        return Outcome(OutcomeKind.UNKNOWN, code="answer_unreadable", message=sentence)
    fields: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    code, message = parse_code(fields.get("code")), parse_message(fields.get("message"), fields.get("hint"))
    if answer.status == "refused":
        return Outcome(OutcomeKind.REFUSED, code or "refused", message, answer)
    if answer.status == "stale":
        message = message or "a newer document was there already; of this one only its endings counted"
        return Outcome(OutcomeKind.REFUSED, code or "stale", message, answer)
    return _account_outcome(answer, code, message, failed=failed)


def _account_outcome(answer: HostAnswer, code: str | None, message: str | None, *, failed: bool) -> Outcome:
    """A failed account weighs more than a refused one; without either, the module's own word counts."""
    for state, kind in (("failed", OutcomeKind.FAILED), ("refused", OutcomeKind.REFUSED)):
        for login, account in sorted(answer.accounts.items()):
            if account.state == state:
                return Outcome(kind, account.code or state, f"{login}: {account.message or state}", answer)
    if failed:
        return Outcome(OutcomeKind.FAILED, code or "module_failed", message, answer)
    return Outcome(OutcomeKind.APPLIED, None, message, answer)


def result_outcome(event: str, result: Mapping[str, Any]) -> Outcome:
    """The outcome of one task on one server."""
    failed = event == FAILED
    if event == UNREACHABLE:
        return connection_outcome(result.get("msg"))
    if "answer" in result:
        return answer_outcome(result["answer"], failed=failed, changed=result.get("changed") is True)
    if "report" in result:
        return report_outcome(result["report"])
    if not failed:
        return NO_RESULT
    trust = result.get("trust")
    fields = trust if isinstance(trust, dict) else result
    code = parse_code(fields.get("code"))
    if code is not None:
        message = parse_message(fields.get("message") or result.get("msg"), fields.get("hint"))
        return Outcome(OutcomeKind.REFUSED, code, message)
    return task_outcome(result.get("msg"), result.get("module_stderr"), result.get("module_stdout"))


@dataclass
class _Track:
    """What a playbook of many tasks has shown of one server so far."""

    facts: dict[str, Any] = field(default_factory=dict)
    answer: HostAnswer | None = None
    failure: Outcome | None = None


class WaveResults:
    """Collects events and tells each server's outcome once.

    Args:
        servers: Names of the wave's servers; events of others are ignored.
        at_once: Whether the first result of a server is its outcome.
        on_outcome: Called as soon as an outcome is known.
    """

    def __init__(
        self,
        servers: Collection[str],
        *,
        at_once: bool,
        on_outcome: Callable[[str, Outcome], None] | None = None,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.started = False
        self._tracks = {name: _Track() for name in servers}
        self._at_once = at_once
        self._on_outcome = on_outcome

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == len(self._tracks)

    def take(self, event: object, details: object) -> None:
        """Take one event; anything that isn't a result of a server of ours changes nothing."""
        if not isinstance(details, dict):
            return
        if event == STARTED:
            self.started = True
        elif event == STATS:
            self._take_stats(details)
        elif event in (OK, FAILED, UNREACHABLE):
            name, result = details.get("host"), details.get("res")
            if isinstance(name, str) and name in self._tracks and name not in self.outcomes:
                self._take_result(name, str(event), result if isinstance(result, dict) else {})

    def _take_result(self, name: str, event: str, result: Mapping[str, Any]) -> None:
        outcome = result_outcome(event, result)
        if self._at_once:
            self.tell(name, outcome)
            return
        track = self._tracks[name]
        track.answer = outcome.answer or track.answer
        if isinstance(result.get("trust"), dict):
            track.facts = clean_facts(result["trust"])
        if event != OK or outcome.kind in (OutcomeKind.FAILED, OutcomeKind.REFUSED):
            # The first failure is the cause, unless the playbook names one; others are its consequences.
            named = isinstance(result.get("trust"), dict) and outcome.code is not None
            track.failure = outcome if named else track.failure or outcome

    def _take_stats(self, stats: Mapping[str, Any]) -> None:
        for name, track in self._tracks.items():
            if name not in self.outcomes and _count(stats, "processed", name):
                self.tell(name, self._final(track, name, stats))

    def _final(self, track: _Track, name: str, stats: Mapping[str, Any]) -> Outcome:
        """A rescued failure is one: the rescue put things back, the work wasn't done."""
        went_wrong = any(_count(stats, what, name) for what in ("dark", "failures", "rescued"))
        if track.failure is None and not went_wrong and not self._at_once:
            return Outcome(OutcomeKind.APPLIED, answer=track.answer, facts=track.facts)
        failure = track.failure or NO_RESULT
        return Outcome(failure.kind, failure.code, failure.message, track.answer, track.facts)

    def close(self, missing: Outcome) -> dict[str, Outcome]:
        """Every server's outcome; those that never gave one get `missing`."""
        for name in self._tracks:
            if name not in self.outcomes:
                self.tell(name, missing)
        return dict(self.outcomes)

    def tell(self, name: str, outcome: Outcome) -> None:
        """Settle one server."""
        self.outcomes[name] = outcome
        if self._on_outcome is not None:
            self._on_outcome(name, outcome)


def _count(stats: Mapping[str, Any], what: str, name: str) -> bool:
    counts = stats.get(what)
    return isinstance(counts, dict) and bool(counts.get(name))
