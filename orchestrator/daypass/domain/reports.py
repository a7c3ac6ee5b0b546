"""What a server says of itself when it is asked, compared with its ledger and with our record."""

from __future__ import annotations

from dataclasses import dataclass

CONVERGE = "converge"  # who puts a finding right: the next full document


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        code: Stable name, for programs.
        subject: Login or path it is about, "" for the server as a whole.
        repair: `converge` (`daypass report --fix`), `onboard`, or `person`.
    """

    code: str
    subject: str
    found: str
    expected: str
    sentence: str
    repair: str


@dataclass(frozen=True)
class Unproven:
    """A grant whose holder can change what a report looks at: verified by report, not proven."""

    login: str
    grant: str
    why: str


@dataclass(frozen=True)
class HostReport:
    """One server's report.

    Attributes:
        sequence: The ledger's.
        left_out: Findings that didn't fit into the answer.
        drift_seconds: Host clock minus controller clock, None when not measured.
    """

    host_id: str | None
    machine_id: str | None
    sequence: int
    accounts_open: int
    accounts_closed: int
    findings: tuple[Finding, ...] = ()
    left_out: int = 0
    unproven: tuple[Unproven, ...] = ()
    drift_seconds: float | None = None
