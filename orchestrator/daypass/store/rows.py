"""Domain values to rows and back; nothing else knows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from daypass.domain.certificates import Certificate, CertificateState, Constraints
from daypass.domain.events import Event, canonical_json
from daypass.domain.grants import (
    Account,
    AccountState,
    Grant,
    GrantState,
    Share,
    ShareState,
    SudoRule,
    Trigger,
)
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.domain.windows import Window
from daypass.errors import AuditError

Values = dict[str, Any]


def _fields(row: Row[Any]) -> Values:
    return dict(zip(row._fields, row, strict=True))


def _with_bounds(values: Values) -> Values:
    window = values.pop("window")
    return values | {"not_before": window["not_before"], "not_after": window["not_after"]}


def _with_window(values: Values) -> Values:
    return values | {"window": Window(values.pop("not_before"), values.pop("not_after"))}


def grant_values(grant: Grant) -> Values:
    values = _with_bounds(asdict(grant))
    constraints: Values = values.pop("constraints")
    return values | constraints


def grant_from(row: Row[Any]) -> Grant:
    values = _with_window(_fields(row))
    constraints = Constraints(values.pop("critical_options"), tuple(values.pop("extensions")))
    values |= {"state": GrantState(values["state"]), "trigger": Trigger(values["trigger"])}
    return Grant(**values, constraints=constraints)


def share_values(share: Share) -> Values:
    return _with_bounds(asdict(share))


def share_from(row: Row[Any]) -> Share:
    values = _with_window(_fields(row))
    values |= {"groups": tuple(values["groups"]), "sudo": tuple(_sudo_from(rule) for rule in values["sudo"])}
    return Share(**values | {"state": ShareState(values["state"])})


def _sudo_from(rule: Mapping[str, Any]) -> SudoRule:
    commands = rule["commands"]
    return SudoRule(rule["run_as"], "ALL" if commands == "ALL" else tuple(commands))


def certificate_from(row: Row[Any]) -> Certificate:
    values = _fields(row)
    return Certificate(**values | {"state": CertificateState(values["state"])})


def account_values(account: Account) -> Values:
    return asdict(account) | {"removal_due_at": removal_due_at(account)}


def removal_due_at(account: Account) -> datetime | None:
    """When the cleanup window closes; None while a grant is open, without a window, and when all is done."""
    ended_at, days = account.last_grant_ended_at, account.user_cleanup_days
    if account.state is AccountState.REMOVED or ended_at is None or days is None:
        return None
    return ended_at + timedelta(days=days)


def account_from(row: Row[Any]) -> Account:
    values = _fields(row)
    del values["removal_due_at"]
    return Account(**values | {"state": AccountState(values["state"])})


def host_from(row: Row[Any]) -> Host:
    return Host(**_fields(row))


def host_key_from(row: Row[Any]) -> HostKey:
    return HostKey(**_fields(row))


def document_from(row: Row[Any]) -> SentDocument:
    return SentDocument(**_fields(row))


def plain_details(details: Mapping[str, object]) -> dict[str, object]:
    """An event's details as they come back after storing: text keys, lists for tuples.

    Raises:
        ValueError: Something in it isn't a JSON value.
    """
    try:
        plain: dict[str, object] = json.loads(json.dumps(details, allow_nan=False))
    except TypeError as error:
        raise ValueError(f"an event's details must be JSON values: {error}") from None
    return plain


def canonical_details(plain: Mapping[str, object]) -> str:
    """The one way to write an event's details."""
    return canonical_json(plain)


def event_values(event: Event) -> Values:
    return {name: getattr(event, name) for name in Event.__dataclass_fields__} | {
        "details": canonical_details(event.details)
    }


def event_from(row: Row[Any]) -> Event:
    """Raises: AuditError: The row isn't one that `event_values` wrote."""
    values = _fields(row)
    try:
        details = json.loads(values["details"])
        if not isinstance(details, dict) or canonical_details(details) != values["details"]:
            raise ValueError
        return Event(**values | {"details": details})
    except (TypeError, ValueError, OverflowError):
        raise AuditError(
            f"Event {values['number']} of the audit log isn't what was written.", code="audit_unreadable"
        ) from None
