"""What the store knows of a server as a host: its ids, its sequence, its keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Host:
    """The record of one onboarded (or being onboarded) server.

    Attributes:
        server: Name in the server list.
        host_id: 32 hex digits, made by us before onboarding; kept in the host's ledger.
        machine_id: The host's /etc/machine-id as reported, None where it has none or wasn't asked yet.
        sequence: Last sequence reserved for a document of this host.
        onboarded_at: When the canary login succeeded, None before.
        confirmed_sequence: Highest sequence that the host has answered for.
        offboarded_at: When everything of ours was taken off it, or it was given up as gone for good. Its ids
            and sequences stay on record; a new onboarding gets a new host_id, so that no document from
            before can apply.
        leaving_at: When an off-boarding began that nobody has seen the end of, None where none did.
    """

    server: str
    host_id: str
    machine_id: str | None = None
    sequence: int = 0
    confirmed_sequence: int = 0
    onboarded_at: datetime | None = None
    offboarded_at: datetime | None = None
    leaving_at: datetime | None = None

    @property
    def onboarded(self) -> bool:
        """Whether access can be given there now."""
        return self.onboarded_at is not None and self.offboarded_at is None


@dataclass(frozen=True)
class HostKey:
    """A host key that was scanned and confirmed: `TYPE BASE64`, and its SHA256 fingerprint."""

    server: str
    key: str
    fingerprint: str
    confirmed_at: datetime


@dataclass(frozen=True)
class SentDocument:
    """A document as it was recorded before it was sent."""

    host_id: str
    server: str
    sequence: int
    digest: str  # SHA-256 hex of the canonical JSON
    recorded_at: datetime
