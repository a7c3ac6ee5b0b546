# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run goes by, and its answer as plain values (host-contract.md, "The document"). Pure.

It stays small: above 700,000 characters ansible-runner empties a result without a word, and 500 accounts have
to fit into 200 KB.
"""

from __future__ import annotations

from ..contract import json_text, names
from ..contract.fields import show_moment
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Mapping

    from ..apply.applied import Applied
    from ..contract.document import Document
    from ..plan.values import AccountPlan, Plan
    from ..program.installing import Program
    from ..record.ledger import Ledger, LedgerGrant
    from ..record.merge import Wanted
    from ..removal.unfinished import Unfinished

MESSAGE_LENGTH = 400
WARNINGS_MAX = 8  # of one account
ACCOUNTS_LENGTH = 190_000  # of all accounts as JSON
DIFF_LENGTH = 50_000  # of each side
SUDO_BY_DEADLINE = "sudo here doesn't end rules by itself; the local deadline does"
SHORT_LENGTH = 80  # of a message, where the whole would be too long


class Run(NamedTuple):
    """What stays the same during one run.

    Attributes:
        now: Seconds since 1970, never before what the ledger saw.
        program: What runs; None where nobody wants it on the host.
    """

    document: Document
    now: int
    drift: float | None
    machine_id: str | None
    check: bool
    program: Program | None = None

    @property
    def may_open(self) -> bool:
        """Whether the clocks agree well enough to open anything."""
        return self.drift is None or abs(self.drift) <= names.DRIFT_REFUSAL_SECONDS


def refused(refusal: Refusal, now: int, drift: float | None, ledger: Ledger | None = None) -> dict[str, Any]:
    """The answer when the document as a whole was refused and nothing was changed."""
    result = _frame("refused", now, drift, ledger)
    result.update(code=refusal.code, message=refusal.sentence[:MESSAGE_LENGTH], hint=refusal.hint)
    return {"changed": False, "failed": True, "answer": result}


def build(
    run: Run,
    wanted: Wanted,
    plan: Plan,
    applied: Applied | None,
    ledger: Ledger | None,
    problem: Refusal | None = None,
) -> dict[str, Any]:
    """The answer of a run that went through; `failed` when any account was refused or failed.

    Args:
        applied: None in check mode: the answer says what would be.
        ledger: As it is now; None where it can't be read.
        problem: What is wrong with the ledger, if anything.
    """
    status = "stale" if wanted.stale else "converged"
    result = _frame("refused" if problem is not None else status, run.now, run.drift, ledger)
    result["machine_id"] = run.machine_id
    result["digest"] = run.document.digest
    result["program"] = None if run.program is None else run.program.shown()
    result["warnings"] = [*drift_warnings(run.drift), *plan.groups.warnings]
    if applied is not None and applied.sudo_by_deadline:
        result["warnings"].append(SUDO_BY_DEADLINE)
    if problem is not None:
        result.update(code=problem.code, message=problem.sentence[:MESSAGE_LENGTH], hint=problem.hint)
    for login, account in plan.accounts.items():
        if _worth_telling(account, wanted, login, applied):
            result["accounts"][login] = _account(account, applied, login)
    ends = [one["next_deadline"] for one in result["accounts"].values() if one["next_deadline"]]
    if ledger is not None:
        ends = [show_moment(g.not_after) for a in ledger.accounts.values() for g in a.grants.values()]
    result["next_deadline"] = min(ends) if ends else None
    bad = [one for one in result["accounts"].values() if one["state"] in ("refused", "failed")]
    planned = any(account.close or account.open or account.remove for account in plan.accounts.values())
    planned = planned or bool(plan.groups.remove)
    if _length(result["accounts"]) > ACCOUNTS_LENGTH:
        result["warnings"].append(
            "the answer would be too long: changes and warnings of accounts are left out"
        )
        result["accounts"] = {login: _shortened(one) for login, one in result["accounts"].items()}
    return {
        "changed": planned if applied is None else applied.changed,
        "failed": bool(bad) or problem is not None,
        "answer": result,
        "diff": diff(plan),
    }


def diff(plan: Plan) -> dict[str, str]:
    """Before and after as text, from the same changes as the answer; equal when nothing changes."""
    before, after = [], []
    for login, account in plan.accounts.items():
        for what, old, new in account.changes:
            before.append(f"{login}: {what}: {old}\n")
            after.append(f"{login}: {what}: {new}\n")
    for name, old, new in plan.groups.changes():
        before.append(f"group {name}: {old}\n")
        after.append(f"group {name}: {new}\n")
    return {"before": _cut(before), "after": _cut(after)}


def _cut(lines: list[str]) -> str:
    text = "".join(lines)
    return text if len(text) <= DIFF_LENGTH else text[:DIFF_LENGTH] + "\n... and more\n"


def _length(value: object) -> int:
    return len(json_text.dumps(value))


def _shortened(account: dict[str, Any]) -> dict[str, Any]:
    """An account's state, its grants and the reason in short: what the orchestrator goes by."""
    message = account["message"]
    return dict(account, changes=[], warnings=[], message=None if message is None else message[:SHORT_LENGTH])


def drift_warnings(drift: float | None) -> list[str]:
    """What is to be said about clocks that differ (seconds, host minus controller)."""
    if drift is None or abs(drift) <= names.DRIFT_WARNING_SECONDS:
        return []
    opened = "; nothing is opened" if abs(drift) > names.DRIFT_REFUSAL_SECONDS else ""
    return [f"the clocks differ: the host is {drift:+.0f} s off the controller{opened}"]


def _frame(status: str, now: int, drift: float | None, ledger: Ledger | None) -> dict[str, Any]:
    return {
        "version": names.ANSWER_VERSION,
        "program": None,
        "status": status,
        "code": None,
        "message": None,
        "hint": None,
        "host_id": None if ledger is None else ledger.host_id,
        "machine_id": None if ledger is None else ledger.machine_id,
        "orchestrator_id": None if ledger is None else ledger.orchestrator_id,
        "sequence": 0 if ledger is None else ledger.sequence,
        "digest": None if ledger is None else ledger.digest,
        "rebuilt": None if ledger is None else ledger.rebuilt or None,
        "now": now,
        "drift_seconds": drift,
        "accounts": {},
        "warnings": drift_warnings(drift),
        "next_deadline": None,
    }


def _worth_telling(account: AccountPlan, wanted: Wanted, login: str, applied: Applied | None) -> bool:
    """Accounts that were asked for, and those where something happened."""
    happened = account.close or account.open or account.remove or account.refused or account.warnings
    return bool(wanted.accounts[login].listed or happened)


def _account(account: AccountPlan, applied: Applied | None, login: str) -> dict[str, Any]:
    failures = [] if applied is None else applied.failures.get(login, [])
    undone = applied is not None and login in applied.undone
    stuck = applied is not None and login in applied.stuck
    grants = account.middle if undone or stuck else account.end
    state, changes = account.state, account.changes
    if undone or stuck:
        state, changes = "active" if account.middle else "closed", ()
    reasons = [(one.code, one.sentence) for one in failures]
    reasons += [(one.code, one.sentence) for one in account.refused]
    if failures and (stuck or any(one.code == "command_failed" for one in failures)):
        state = "failed"
    elif reasons:
        state = "refused"
    warnings = [*account.warnings, *([] if applied is None else applied.warnings.get(login, []))]
    joined = _joined(account, applied)
    if joined and joined["own_keys"] and joined["own_keys_after"] not in (None, joined["own_keys"]):
        warnings.append(f"the authorized_keys of {login} changed while access lasted")
    code, message = reasons[0] if reasons else (None, None)
    ends = [grant.not_after for grant in grants.values()]
    return {
        "state": state,
        "grants": sorted(grants),
        "lacking": _lacking(account, grants, undone or stuck),
        "refused": {one.id: one.code for one in account.refused},
        "code": code,
        "message": None if message is None else message[:MESSAGE_LENGTH],
        "changes": [list(change) for change in changes],
        "warnings": [warning[:MESSAGE_LENGTH] for warning in warnings[:WARNINGS_MAX]],
        "unfinished": None if applied is None else unfinished(applied.unremoved.get(login)),
        "root_equivalent": bool(account.root_equivalent),
        "next_deadline": show_moment(min(ends)) if ends else None,
        **({} if joined is None else {"joined": joined}),
    }


def unfinished(found: Unfinished | None) -> dict[str, str] | None:
    """What is left of a removal, as it travels."""
    return None if found is None else {"code": found.code, "message": found.sentence[:MESSAGE_LENGTH]}


def _lacking(account: AccountPlan, grants: Mapping[str, LedgerGrant], taken_back: bool) -> list[str]:
    """The grants in effect that aren't as the document wants them: a change was refused, or taken back."""
    found = {one.id for one in account.refused}
    if taken_back:
        found |= {key for key, grant in account.end.items() if account.middle.get(key) != grant}
    return sorted(found & set(grants))


def _joined(account: AccountPlan, applied: Applied | None) -> dict[str, Any] | None:
    """Of an account from before: digests of its own authorized_keys at begin and end of our access."""
    if account.joined is None:
        return None
    kept = account.joined.kept if account.intent is None else account.intent.joined
    after = None if applied is None else applied.own_keys.get(account.login)
    return {"own_keys": kept.keys if kept else "", "own_keys_after": after}
