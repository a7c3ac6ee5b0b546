"""Made-up records; arguments replace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daypass.domain.certificates import Certificate
from daypass.domain.grants import Account, Grant, Share, SudoRule
from daypass.domain.windows import window_from
from daypass.store import WriteWork

NOW = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTOR = "operator:test"


def grant(grant_id: str = "01JD1", **changes: Any) -> Grant:
    made = Grant(
        grant_id, "alice", "alice@example.com", "direct", "a reason", ACTOR, window_from(NOW, HOUR), NOW
    )
    return replace(made, **changes)


def share(grant_id: str = "01JD1", server: str = "web-1", **changes: Any) -> Share:
    rules = (SudoRule("root", ("/usr/bin/systemctl restart nginx", "/usr/bin/id")), SudoRule("app", "ALL"))
    made = Share(grant_id, server, "prod", "alice", ("ops", "web"), rules, window_from(NOW, HOUR))
    return replace(made, **changes)


def account(server: str = "web-1", login: str = "alice", **changes: Any) -> Account:
    made = Account(
        server, login, 70001, "alice@example.com", "/bin/bash", "refuse", "archive", user_cleanup_days=90
    )
    return replace(made, **changes)


def certificate(serial: int = 2**63 - 1, number: int = 1, **changes: Any) -> Certificate:
    made = Certificate(
        serial, "01JD1", number, f"daypass-01JD1-{number}", "ssh-ed25519 AAAA", "SHA256:x", NOW, NOW + HOUR
    )
    return replace(made, **changes)


def add(work: WriteWork, grant_id: str = "01JD1", **changes: Any) -> None:
    """A grant with one share; the changes are the share's."""
    work.add_grant(grant(grant_id), [share(grant_id, **changes)])
