"""Accounts that people had on a server before: whose they are, by the directory's word alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daypass.config import Integration
from daypass.directory import Directory
from daypass.domain.grants import Account, AccountState
from daypass.domain.outcomes import AccountAnswer
from daypass.errors import UsageError
from daypass.store.interface import WriteWork


@dataclass(frozen=True)
class Identity:
    """How a document names an account: one that we make, with a uid of ours, or one from before."""

    existing: Literal["refuse", "join"]
    uid: int


def identity_of(
    known: Account | None, integration: Integration, directory: Directory | None, login: str, ours: int
) -> Identity:
    """Whether a person's account on a server is to be joined.

    What stands on the server stays what it is: an account that we made is never joined, and one that was
    joined is never taken for ours.

    Args:
        known: The record of this account, None where there is none that isn't removed.
        ours: The uid of this login for accounts that we make.

    Raises:
        UsageError: `account_not_declared`: it was joined, and the directory doesn't give its uid any more.
    """
    declared = _declared_uid(integration, directory, login)
    settled = known if known is not None and known.state is not AccountState.WANTED else None
    joins = declared is not None if settled is None else settled.existing == "join"
    if not joins:
        return Identity("refuse", ours if known is None or known.existing == "join" else known.uid)
    if declared is None:
        raise UsageError(
            f"the account {login} was joined, and the directory doesn't declare it any more",
            hint="give the person's uid in the directory, and set existing_accounts: join",
            code="account_not_declared",
        )
    return Identity("join", declared)


def _declared_uid(integration: Integration, directory: Directory | None, login: str) -> int | None:
    if integration.existing_accounts != "join" or directory is None:
        return None
    person = directory.active(login)
    return person.uid if person else None


def record_joined(work: WriteWork, account: Account, told: AccountAnswer | None) -> None:
    """Write into the audit log what a host says of a person's own keys when our access begins and ends."""
    if told is None or told.own_keys is None or account.existing != "join":
        return
    before, after = told.own_keys
    details = {"login": account.login, "uid": account.uid, "own_keys": before}
    if after is not None:
        details |= {"own_keys_after": after, "own_keys_changed": before != after}
        work.append_event("account.given_back", account.server, details)
    elif any((what, new) == ("account", "active") for what, _old, new in told.changes):
        work.append_event("account.joined", account.server, details)
