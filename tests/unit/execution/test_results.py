"""From events to outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.execution.results import NO_RESULT, OUT_OF_TIME, WaveResults, answer_outcome

APPLIED, REFUSED, FAILED = OutcomeKind.APPLIED, OutcomeKind.REFUSED, OutcomeKind.FAILED
UNKNOWN, UNREACHABLE = OutcomeKind.UNKNOWN, OutcomeKind.UNREACHABLE


def answer(
    status: str = "converged", accounts: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    return {"version": 1, "status": status, "sequence": 3, "accounts": accounts or {}, **fields}


def result(host: str, **res: Any) -> dict[str, Any]:
    return {"host": host, "res": res}


def one_task() -> WaveResults:
    return WaveResults(["web-1", "web-2"], at_once=True)


def many_tasks() -> WaveResults:
    return WaveResults(["web-1"], at_once=False)


@pytest.mark.parametrize(
    ("raw", "failed", "kind", "code"),
    [
        (answer(), False, APPLIED, None),
        (answer(), True, FAILED, "module_failed"),
        (answer("refused", code="host_id_mismatch"), True, REFUSED, "host_id_mismatch"),
        (answer("refused"), False, REFUSED, "refused"),
        (answer("stale"), False, REFUSED, "stale"),
        (answer(accounts={"bob": {"state": "refused", "code": "uid_taken"}}), True, REFUSED, "uid_taken"),
        (
            answer(accounts={"al": {"state": "refused"}, "bob": {"state": "failed", "code": "constraint"}}),
            True,
            FAILED,
            "constraint",
        ),
        ({}, False, UNKNOWN, "answer_unreadable"),
        (None, True, UNKNOWN, "answer_unreadable"),
    ],
)
def test_answer_decides_the_outcome(raw: Any, failed: bool, kind: OutcomeKind, code: str | None) -> None:
    """Applied needs a converged answer without a refused or failed account; everything else says why."""
    outcome = answer_outcome(raw, failed=failed, changed=False)
    assert (outcome.kind, outcome.code) == (kind, code)


def test_first_result_of_a_server_is_told_once() -> None:
    """A second result, true or forged, changes nothing any more."""
    told: list[tuple[str, Outcome]] = []
    results = WaveResults(["web-1"], at_once=True, on_outcome=lambda *pair: told.append(pair))
    results.take("runner_on_ok", result("web-1", answer=answer()))
    results.take("runner_on_failed", result("web-1", msg="later"))
    assert [(name, outcome.kind) for name, outcome in told] == [("web-1", APPLIED)]
    assert results.complete


def test_servers_without_a_result_are_unknown_with_the_reason() -> None:
    """A lost result is never done and never failed."""
    results = one_task()
    results.take("runner_on_ok", result("web-1", answer=answer()))
    outcomes = results.close(OUT_OF_TIME)
    assert (outcomes["web-1"].kind, outcomes["web-2"]) == (APPLIED, OUT_OF_TIME)


def test_emptied_result_is_unknown() -> None:
    """ansible-runner empties results that are too large, and still calls them successful."""
    results = one_task()
    results.take("runner_on_ok", {"host": "web-1", "res": {}})
    assert results.outcomes["web-1"] == NO_RESULT


@pytest.mark.parametrize(
    ("event", "details"),
    [
        ("runner_on_ok", None),
        ("runner_on_ok", []),
        ("runner_on_ok", {"host": "other", "res": {"answer": answer()}}),
        ("runner_on_ok", {"host": ["web-1"], "res": {"answer": answer()}}),
        ("runner_on_start", {"host": "web-1", "res": {"answer": answer()}}),
        (None, {"host": "web-1"}),
        (["runner_on_ok"], {"host": "web-1"}),
        ("playbook_on_stats", {"processed": ["web-1"]}),
    ],
)
def test_event_that_is_no_result_of_ours_changes_nothing(event: object, details: object) -> None:
    """Only results of servers of this wave count."""
    results = one_task()
    results.take(event, details)
    assert results.outcomes == {}


def test_unreachable_server_carries_the_reason() -> None:
    """What ssh said becomes a code."""
    results = one_task()
    results.take("runner_on_unreachable", result("web-1", msg="ssh: Could not resolve hostname x: y"))
    outcome = results.outcomes["web-1"]
    assert (outcome.kind, outcome.code) == (UNREACHABLE, "name_not_resolved")


def stats(**counts: int) -> dict[str, Any]:
    return {"processed": {"web-1": 1}} | {what: {"web-1": number} for what, number in counts.items()}


def test_playbook_of_many_tasks_is_applied_at_its_end_only() -> None:
    """A good first task isn't the outcome of the play."""
    results = many_tasks()
    results.take("runner_on_ok", result("web-1", trust={"state": "present"}))
    results.take("runner_on_ok", result("web-1", answer=answer()))
    assert results.outcomes == {}
    results.take("playbook_on_stats", stats(ok=2))
    outcome = results.outcomes["web-1"]
    assert (outcome.kind, outcome.facts) == (APPLIED, {"state": "present"})
    assert outcome.answer is not None


def test_rescued_failure_is_a_failure_with_its_first_cause() -> None:
    """The rescue put things back: the work wasn't done, and its own words don't hide the cause."""
    results = many_tasks()
    results.take("runner_on_failed", result("web-1", msg="no", code="login_refused"))
    results.take("runner_on_failed", result("web-1", msg="also no"))
    results.take("playbook_on_stats", stats(rescued=1))
    outcome = results.outcomes["web-1"]
    assert (outcome.kind, outcome.code, outcome.message) == (REFUSED, "login_refused", "no")


def test_cause_that_the_playbook_reports_counts() -> None:
    """The report at the end of onboarding names what went wrong."""
    results = many_tasks()
    results.take("runner_on_failed", result("web-1", msg="rc 255"))
    trust = {"code": "sshd_overridden", "message": "DenyUsers", "hint": "remove it"}
    results.take("runner_on_failed", result("web-1", msg="failed", trust=trust))
    results.take("playbook_on_stats", stats(failures=1, rescued=1))
    outcome = results.outcomes["web-1"]
    assert (outcome.code, outcome.message, outcome.facts) == (
        "sshd_overridden",
        "DenyUsers; remove it",
        trust,
    )


def test_failure_that_was_never_seen_is_unknown() -> None:
    """Statistics that count a failure without its result leave only one thing to say."""
    results = many_tasks()
    results.take("playbook_on_stats", stats(failures=1))
    assert results.outcomes["web-1"].kind is UNKNOWN


def test_play_without_statistics_is_unknown() -> None:
    """A play that was cut off has no outcome, whatever its tasks said."""
    results = many_tasks()
    results.take("runner_on_ok", result("web-1", trust={"state": "confirmed"}))
    assert results.close(OUT_OF_TIME)["web-1"] == OUT_OF_TIME
