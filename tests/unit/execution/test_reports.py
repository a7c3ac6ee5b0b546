"""A report is text of a server that may lie: it is read by name, type and size, and cleaned."""

from __future__ import annotations

import pytest

from daypass.domain.outcomes import OutcomeKind
from daypass.execution.reports import MOST_FINDINGS, report_outcome

FINDING = {
    "code": "group_extra",
    "subject": "anna",
    "found": "docker",
    "expected": "",
    "sentence": "anna is in the group docker, not through us",
    "repair": "person",
}
REPORT = {
    "version": 1,
    "status": "read",
    "host_id": "a" * 32,
    "machine_id": "b" * 32,
    "sequence": 7,
    "accounts_open": 1,
    "accounts_closed": 2,
    "findings": [FINDING],
    "left_out": 0,
    "unproven": [{"login": "anna", "grant": "G1", "why": "docker"}],
    "drift_seconds": -1.5,
}


def test_a_report_is_read_whole():
    """What the module writes comes through as it is."""
    outcome = report_outcome(REPORT)
    assert outcome.kind is OutcomeKind.APPLIED
    assert outcome.report is not None
    (finding,) = outcome.report.findings
    assert vars(finding) == FINDING
    assert outcome.report.unproven[0].grant == "G1"
    assert outcome.report.drift_seconds == -1.5


def test_a_refusal_keeps_its_reason():
    """A server that isn't onboarded is named as such, not as one that gave no answer."""
    refused = {"version": 1, "status": "refused", "code": "not_onboarded", "message": "no ledger"}
    outcome = report_outcome(refused)
    assert (outcome.kind, outcome.code) == (OutcomeKind.REFUSED, "not_onboarded")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"status": "fine"},
        {"sequence": -1},
        {"findings": "none"},
        {"findings": [FINDING] * (MOST_FINDINGS + 1)},
        {"findings": [{**FINDING, "code": "Not A Code"}]},
        {"findings": [{**FINDING, "repair": "rm -rf"}]},
        {"accounts_open": True},
    ],
)
def test_a_report_that_is_none_says_nothing(change):
    """A report that can't be read counts as none at all, never as one without findings."""
    outcome = report_outcome({**REPORT, **change})
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "answer_unreadable")
    assert outcome.report is None


def test_text_for_terminals_is_cleaned():
    """What a person left in a file name reaches no terminal as it is."""
    hostile = {**FINDING, "found": "\x1b]0;owned\x07" + "x" * 10_000}
    outcome = report_outcome({**REPORT, "findings": [hostile]})
    assert outcome.report is not None
    found = outcome.report.findings[0].found
    assert "\x1b" not in found
    assert len(found) <= 600
