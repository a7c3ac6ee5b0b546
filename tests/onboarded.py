"""One onboarded host for tests of the host's code: its empty ledger, and documents that are meant for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import Ledger, new_ledger

HOST_ID, ORCHESTRATOR_ID = "a" * 32, "b" * 32
CA_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG8ZAWXe3tLOsQWrKOTZDZI+uqWpvxIftqiqO+b2qFC"


def empty_ledger() -> Ledger:
    """As onboarding leaves it, on a host without machine-id."""
    return new_ledger(HOST_ID, None, ORCHESTRATOR_ID, (9, 2), "apono")


def full_document(sequence: int, accounts: Iterable[Mapping[str, Any]], **changes: object) -> str:
    """A document as it travels, with these accounts and no others."""
    mapping = {
        "version": 1,
        "host_id": HOST_ID,
        "orchestrator_id": ORCHESTRATOR_ID,
        "sequence": sequence,
        "exclusive": True,
        "ca_keys": [CA_KEY],
        "accounts": list(accounts),
    }
    return document.build({**mapping, **changes})[0]
