"""What is known of one server after a wave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from daypass.domain.reports import HostReport


class OutcomeKind(StrEnum):
    """Lost results and time-outs are `unknown`: tried again, never counted as done or failed."""

    APPLIED = "applied"
    REFUSED = "refused"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


IN_WORK = "in_work"


@dataclass(frozen=True)
class AccountAnswer:
    """What the host says of one account.

    Attributes:
        state: `absent`, `active`, `closed`, `removed`, `refused` or `failed`.
        grants: Ids of the grants in effect.
        lacking: Those among them that are in effect as they were before: a change of them was refused.
        code: Why it was refused or failed.
        own_keys: Of an account from before that was joined: digests of its own authorized_keys at the begin
            of our access and at its end (None while it lasts).
        unfinished: What is left of a removal, as (code, sentence); `IN_WORK` goes on with the next document,
            anything else is in its way.
    """

    state: str
    grants: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    code: str | None = None
    message: str | None = None
    warnings: tuple[str, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()  # (what, old, new)
    unfinished: tuple[str, str] | None = None
    own_keys: tuple[str, str | None] | None = None


@dataclass(frozen=True)
class HostAnswer:
    """The module's whole answer, as far as the orchestrator uses it.

    Attributes:
        status: `converged`, `stale` (an older document: only its endings counted) or `refused`.
        sequence: The ledger's sequence after the run.
        drift_seconds: Host clock minus controller clock, None when not measured.
        rebuilt: Why and from what the host rebuilt its broken ledger, None where it didn't.
    """

    status: str
    host_id: str | None
    machine_id: str | None
    sequence: int
    accounts: Mapping[str, AccountAnswer] = field(default_factory=dict, hash=False)
    warnings: tuple[str, ...] = ()
    drift_seconds: float | None = None
    rebuilt: str | None = None
    changed: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of a wave for one server: a kind, the reason, and the host's own answer if one came back."""

    kind: OutcomeKind
    code: str | None = None
    message: str | None = None
    answer: HostAnswer | None = None
    facts: Mapping[str, Any] = field(
        default_factory=dict, hash=False
    )  # what other playbooks return (onboard)
    report: HostReport | None = None  # of the playbook `report`
