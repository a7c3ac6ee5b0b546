"""Grants, and what each of them is on each of its servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from daypass.domain.certificates import Constraints
from daypass.domain.windows import Window

DIRECT_FLOW = "direct"  # the flow name of an operator's own grant (design.md, certificate profile)
LONGEST_PAUSE = timedelta(minutes=15)  # a server that is back is never left alone for longer than this
DEFAULT_GROUP = "Default"  # the user's own primary group only (source document)


class Which(StrEnum):
    """Grants that are wanted. Live: not ended, or begins later. Past: every server has confirmed the end."""

    LIVE = "live"
    PAST = "past"
    ALL = "all"


class GrantState(StrEnum):
    """The life of a grant; `ended` means that every server has confirmed it."""

    APPROVED = "approved"
    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"


class Trigger(StrEnum):
    """What brought a grant about."""

    DIRECT = "direct"  # an operator
    SELF_SERVE = "self_serve"  # a request
    AUTOMATIC = "automatic"  # a flow, for everyone whom it is for
    BREAK_GLASS = "break_glass"  # a request that nobody had to approve, with a review afterwards


class ShareState(StrEnum):
    """The life of a grant on one server."""

    PENDING = "pending"
    APPLIED = "applied"
    ENDING = "ending"
    ENDED = "ended"
    REMOVED = "removed"


@dataclass(frozen=True)
class SudoRule:
    """One sudo rule as it was approved: `commands` is a tuple of absolute commands, or "ALL"."""

    run_as: str
    commands: tuple[str, ...] | Literal["ALL"]


@dataclass(frozen=True)
class Grant:
    """Approved access of one person to one or more servers.

    Attributes:
        id: ULID, 26 characters, upper case.
        login: The Linux login; the same on every server.
        comment: GECOS text that marks the account as this person's (an e-mail address where one is known).
        actor: Who made the grant, for the record.
        ended_at: When it was ended (revoked or run out), None while it gives access.
        end_reason: `revoked`, `window closed` or free text of the operator.
        constraints: What its certificates are bound to and may do, as it was when access was given.
        request_id: The request that it came from, None where there was none.
        times_extended: How often its end was moved.
    """

    id: str
    login: str
    comment: str
    flow: str
    reason: str
    actor: str
    window: Window
    created_at: datetime
    state: GrantState = GrantState.APPROVED
    ended_at: datetime | None = None
    end_reason: str | None = None
    constraints: Constraints = field(default_factory=Constraints)
    request_id: str | None = None
    trigger: Trigger = Trigger.DIRECT
    times_extended: int = 0


@dataclass(frozen=True)
class Share:
    """One grant on one server; what was approved is kept here, so a changed configuration alters nothing.

    Attributes:
        groups: Groups on the server, without `Default`.
        warn_before_seconds: When to warn before the end.
        state: Where it stands on the server.
        sent_sequence: Sequence of the last document that held it; 0 = never sent, so nothing to take back.
        attempts: Failed tries since the last success.
        next_try_at: Not before this time, None = at once.
        outcome: Last outcome kind (`Outcome.kind`), None before the first.
        outcome_code: Code of a refusal or failure, None otherwise.
        outcome_message: Sentence for people, None otherwise.
        confirmed_at: When the server said that the state holds; on a pending share, that the grant is in
            effect there as it was before a change (an extension, a new key).
    """

    grant_id: str
    server: str
    integration: str
    login: str
    groups: tuple[str, ...]
    sudo: tuple[SudoRule, ...]
    window: Window
    warn_before_seconds: int = 300
    state: ShareState = ShareState.PENDING
    sent_sequence: int = 0
    attempts: int = 0
    next_try_at: datetime | None = None
    outcome: str | None = None
    outcome_code: str | None = None
    outcome_message: str | None = None
    confirmed_at: datetime | None = None


class AccountState(StrEnum):
    """What the store knows of one person's account on one server."""

    WANTED = "wanted"  # recorded before the first document leaves, so that nothing made there is forgotten
    OPEN = "open"
    CLOSED = "closed"
    REMOVED = "removed"


@dataclass(frozen=True)
class Account:
    """The Linux user of one person on one server, with the settings that hold for its removal.

    Attributes:
        uid: 70000 to 99999, one a person over all servers, gid = uid; of one that is joined its own.
        user_cleanup_days: Days after the last grant's end; None = never.
        last_grant_ended_at: When the last grant ended, None while one is open.
        removal_attempts: Removals that the server didn't confirm, since the last grant ended.
        removal_next_try_at: Not before this time, None = at once.
        removal_message: What the server said of a removal that isn't complete, for people.
    """

    server: str
    login: str
    uid: int
    comment: str
    shell: str
    existing: Literal["refuse", "join"]
    home_on_removal: Literal["archive", "delete", "keep"]
    user_cleanup_days: int | None
    state: AccountState = AccountState.WANTED
    last_grant_ended_at: datetime | None = None
    removed_at: datetime | None = None
    removal_attempts: int = 0
    removal_next_try_at: datetime | None = None
    removal_message: str | None = None
