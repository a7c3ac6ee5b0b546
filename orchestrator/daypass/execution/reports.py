"""A server's report, read as what it is: text that a taken-over server may have made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.reports import Finding, HostReport, Unproven
from daypass.execution.answers import (
    ID,
    LARGEST_NUMBER,
    VERSION,
    UnreadableAnswer,
    clean_text,
    matching,
    parse_code,
    parse_message,
    seconds,
)

MOST_FINDINGS = 2000  # what 180 KB hold at most
REPAIRS = frozenset({"converge", "onboard", "person"})


def report_outcome(raw: object) -> Outcome:
    """The outcome of a report: `applied` with the report, or why there is none."""
    fields: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    if fields.get("status") == "refused":
        code = parse_code(fields.get("code")) or "refused"
        return Outcome(OutcomeKind.REFUSED, code, parse_message(fields.get("message"), fields.get("hint")))
    try:
        return Outcome(OutcomeKind.APPLIED, report=parse_report(fields))
    except UnreadableAnswer as unreadable:
        sentence = f"the server's report can't be read: {unreadable}"
        return Outcome(OutcomeKind.UNKNOWN, code="answer_unreadable", message=sentence)


def parse_report(fields: Mapping[str, Any]) -> HostReport:
    """The report of the module `daypass.ssh.accounts_info`.

    Raises:
        UnreadableAnswer: It isn't one, or not one of this version.
    """
    if fields.get("version") != VERSION or fields.get("status") != "read":
        raise UnreadableAnswer("it has another version")
    return HostReport(
        host_id=matching(fields.get("host_id"), ID),
        machine_id=matching(fields.get("machine_id"), ID),
        sequence=_number(fields.get("sequence")),
        accounts_open=_number(fields.get("accounts_open")),
        accounts_closed=_number(fields.get("accounts_closed")),
        findings=tuple(_finding(one) for one in _rows(fields.get("findings"))),
        left_out=_number(fields.get("left_out")),
        unproven=tuple(_unproven(one) for one in _rows(fields.get("unproven"))),
        drift_seconds=seconds(fields.get("drift_seconds")),
    )


def _rows(raw: object) -> list[Mapping[str, Any]]:
    if not isinstance(raw, list) or len(raw) > MOST_FINDINGS:
        raise UnreadableAnswer(f"a list is none, or has more than {MOST_FINDINGS} items")
    if not all(isinstance(row, dict) for row in raw):
        raise UnreadableAnswer("a row is none")
    return raw


def _finding(row: Mapping[str, Any]) -> Finding:
    code, repair = parse_code(row.get("code")), row.get("repair")
    if code is None or repair not in REPAIRS:
        raise UnreadableAnswer("a finding has no code, or says not who repairs it")
    words = {name: clean_text(row.get(name) or "") for name in ("subject", "found", "expected", "sentence")}
    return Finding(code=code, repair=str(repair), **words)


def _unproven(row: Mapping[str, Any]) -> Unproven:
    return Unproven(*(clean_text(row.get(name) or "", 200) for name in ("login", "grant", "why")))


def _number(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= LARGEST_NUMBER:
        return raw
    raise UnreadableAnswer("a number is none")
