"""Certificates: the exact fields to sign, and the record of what was signed (certificate profile)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

PTY_ONLY = ("permit-pty",)  # unless a flow names more (certificate profile)


@dataclass(frozen=True)
class Constraints:
    """What a grant's certificates are bound to, and what they may do: the flow says it, never who asks.

    Attributes:
        critical_options: `source-address` and `force-command` only; empty = bound to nothing.
        extensions: Names without values (`host_rules.KNOWN_EXTENSIONS`).
    """

    critical_options: Mapping[str, str] = field(default_factory=dict, hash=False)
    extensions: tuple[str, ...] = PTY_ONLY


class CertificateState(StrEnum):
    """Reserved before it is signed; revoked when its key line must go."""

    RESERVED = "reserved"
    SIGNED = "signed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class CertificateSpec:
    """Every field of one user certificate, before it is signed.

    Attributes:
        public_key: `TYPE BASE64`, without comment.
        serial: 1 to 2**63 - 1, reserved in the store.
        key_id: `daypass user=<login> grant=<id> flow=<name>`.
        principal: `daypass-<grant id>-<n>`; exactly one.
        valid_after: Aware UTC, whole seconds.
        valid_before: Aware UTC, whole seconds.
        critical_options: `source-address` and `force-command` only, from the flow.
        extensions: Names without values; `permit-pty` unless the flow names more.
    """

    public_key: str
    serial: int
    key_id: str
    principal: str
    valid_after: datetime
    valid_before: datetime
    critical_options: Mapping[str, str] = field(default_factory=dict, hash=False)
    extensions: tuple[str, ...] = PTY_ONLY


@dataclass(frozen=True)
class Certificate:
    """The record of one certificate: reserved first (`text` None), then signed.

    Attributes:
        number: n of the principal, counting from 1 within the grant.
        fingerprint: `SHA256:…` of the public key.
        text: The OpenSSH certificate line.
        revoked_at: When it was revoked, before its own end; None while it wasn't.
        revoke_reason: Why, in the words of whoever did it.
        from_directory: Whether the directory named the key for this person when it was reserved; else it came
            by somebody's own word.
    """

    serial: int
    grant_id: str
    number: int
    principal: str
    public_key: str
    fingerprint: str
    valid_after: datetime
    valid_before: datetime
    state: CertificateState = CertificateState.RESERVED
    text: str | None = None
    revoked_at: datetime | None = None
    revoke_reason: str | None = None
    from_directory: bool = False
