"""Events of the audit log: append-only, each one bound to all before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

GENESIS_HASH = "0" * 64
# The one way to write what is hashed; made once, as a log of millions is verified.
canonical_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


@dataclass(frozen=True)
class Event:
    """One line of the audit log.

    Attributes:
        number: 1, 2, 3 … without gaps.
        at: Aware UTC.
        actor: Who did it: `operator:<os user>`, `reconcile`, later a person.
        kind: Dotted name, `grant.recorded`, `certificate.signed`, `share.applied`, …
        subject: Grant id, server name or other key that the event is about.
        details: JSON values only; never a secret.
        previous_hash: Hash of the event before; `GENESIS_HASH` for the first.
        hash: SHA-256 hex over `canonical_bytes`.
    """

    number: int
    at: datetime
    actor: str
    kind: str
    subject: str
    details: Mapping[str, object] = field(hash=False)
    previous_hash: str
    hash: str


def event_hash(
    number: int,
    at: datetime,
    actor: str,
    kind: str,
    subject: str,
    details: Mapping[str, object],
    previous_hash: str,
) -> str:
    """SHA-256 hex over the canonical JSON of all other fields, the previous hash among them."""
    fields = [number, at.isoformat(), actor, kind, subject, details, previous_hash]
    return hashlib.sha256(canonical_json(fields).encode("ascii")).hexdigest()
