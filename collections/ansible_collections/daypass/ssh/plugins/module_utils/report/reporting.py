# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one entry of a report: an optional document comes in, what differs goes out. Nothing is changed."""

from __future__ import annotations

import json

from ..contract import document, names
from ..contract.document import Document
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects.mounts import read_mounts
from ..record import merge
from ..record.ledger_file import read_ledger
from ..run import answer
from ..run.converge import read_machine_id
from . import comparing, deep_search
from .findings import Finding, shown
from .inspection import inspect
from .seen import Seen

if TYPE_CHECKING:
    from typing import Any

    from ..effects.system import System
    from ..program.installing import Program
    from ..record.ledger import Ledger

FINDINGS_LENGTH = 180_000  # as JSON: an answer has 200 KB (host-contract.md, "The document")
NOTHING = Document(None, None, None, False, (), (), "")


def make_report(
    system: System,
    opaque: str | None,
    *,
    now: int,
    controller_time: float | None = None,
    deep_seconds: float = 0,
    program: Program | None = None,
) -> dict[str, Any]:
    """Look at the host and compare.

    Args:
        opaque: The orchestrator's document of this moment, None where there is none to compare with.
        now: The host's clock in seconds since 1970.
        deep_seconds: How long to look for setuid files, 0 = not at all.
        program: What runs, and whether it is what is on the host; None where nobody looked.

    Returns:
        `{"changed": False, "failed": …, "report": …}`; it failed when the host couldn't be looked at.
    """
    drift = None if controller_time is None else float(now - controller_time)
    run = Run(now, drift, program)
    try:
        wanted = None if opaque is None else document.parse(opaque)
        if not system.exists(names.LOCK_PATH):  # it is made by onboarding
            raise _not_onboarded()
        with system.shared_lock(names.LOCK_PATH, names.LOCK_WAIT_SECONDS):
            looked = _look(system, wanted, run)
    except Refusal as refusal:
        return _refused(refusal, now, drift)
    if deep_seconds:  # without the lock: nobody's end waits for that
        deep = deep_search.search(system, read_mounts(), deep_seconds)
        looked = looked._replace(seen=looked.seen._replace(deep=deep))
    findings = [*looked.problems, *comparing.find(looked.seen, looked.against)]
    return {"changed": False, "failed": False, "report": _answer(looked.seen, findings, run)}


class Run(NamedTuple):
    """What stays the same during one report."""

    now: int
    drift: float | None
    program: Program | None


class Looked(NamedTuple):
    """What was read while nobody changed anything.

    Attributes:
        against: The document merged with the ledger, None where there is none for this host.
        problems: What is wrong with the document here.
    """

    seen: Seen
    against: merge.Wanted | None
    problems: list[Finding]


def _look(system: System, wanted: Document | None, run: Run) -> Looked:
    ledger = read_ledger(system)
    if ledger is None:
        raise _not_onboarded()
    machine_id = read_machine_id(system)
    later = max(run.now, ledger.last_seen)
    against: merge.Wanted | None = None
    problems: list[Finding] = []
    if wanted is not None:
        against, problems = merged(ledger, wanted, machine_id, later)
    target = against or merge.merge(ledger, NOTHING, later)
    return Looked(
        inspect(system, ledger, target, later, run.drift, machine_id, run.program), against, problems
    )


def _not_onboarded() -> Refusal:
    return Refusal("not_onboarded", "this host has no ledger", "onboard it first")


def merged(
    ledger: Ledger, wanted: Document, machine_id: str | None, now: int
) -> tuple[merge.Wanted | None, list[Finding]]:
    """The document merged as if it came next; one that isn't for this host is a finding."""
    problems = []
    try:
        merge.check_address(ledger._replace(machine_id=machine_id), wanted, machine_id)
        if wanted.sequence is not None and wanted.sequence <= ledger.sequence:
            problems.append(Finding("sequence_ahead", "", str(ledger.sequence), str(wanted.sequence - 1)))
            wanted = wanted._replace(sequence=ledger.sequence + 1)
        return merge.merge(ledger, wanted, now), problems
    except Refusal as refusal:
        return None, [Finding("not_ours", "", f"{refusal.sentence} ({refusal.code})")]


def _answer(seen: Seen, findings: list[Finding], run: Run) -> dict[str, Any]:
    ledger = seen.ledger
    rows, left_out = fitting([shown(finding) for finding in findings])
    live = [login for login, one in ledger.accounts.items() if any(g.live for g in one.grants.values())]
    return {
        **_frame("read", run.now, run.drift),
        "program": None if run.program is None else run.program.shown(),
        "host_id": ledger.host_id,
        "machine_id": seen.machine_id,
        "orchestrator_id": ledger.orchestrator_id,
        "sequence": ledger.sequence,
        "accounts_open": len(live),
        "accounts_closed": len(ledger.accounts) - len(live),
        "findings": rows,
        "left_out": left_out,
        "unproven": comparing.unproven(ledger, seen.facts, run.now)[:200],
    }


def fitting(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], int]:
    """As many as fit into the answer, and how many don't."""
    length, kept = 0, []
    for row in rows:
        length += len(json.dumps(row)) + 2
        if length > FINDINGS_LENGTH:
            break
        kept.append(row)
    return kept, len(rows) - len(kept)


def _frame(status: str, now: int, drift: float | None) -> dict[str, Any]:
    return {
        "version": names.ANSWER_VERSION,
        "status": status,
        "code": None,
        "message": None,
        "hint": None,
        "now": now,
        "drift_seconds": drift,
    }


def _refused(refusal: Refusal, now: int, drift: float | None) -> dict[str, Any]:
    fields = _frame("refused", now, drift)
    message = refusal.sentence[: answer.MESSAGE_LENGTH]
    fields.update(code=refusal.code, message=message, hint=refusal.hint, findings=[], unproven=[])
    return {"changed": False, "failed": True, "msg": f"{message} ({refusal.code})", "report": fields}
