"""People who left: their grants end, and their accounts go without waiting for the cleanup window."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from daypass.directory import Directory
from daypass.domain.grants import Account, AccountState, Grant, GrantState
from daypass.domain.people import Person
from daypass.errors import ConfigurationError, DeniedError
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.ending import end_grant
from daypass.workflow.seams import Seams

UNKNOWN = "people_unknown"  # the directory can be read, but not who was in it before
LEFT = "left"  # a grant's `end_reason`
GIVING = (GrantState.APPROVED, GrantState.ACTIVE)
THERE = (AccountState.WANTED, AccountState.OPEN, AccountState.CLOSED)


@dataclass(frozen=True)
class Leaving:
    """What one look at the directory did.

    Attributes:
        grants: Ids of grants that were ended because their person left.
        problem: Why the directory couldn't be looked at; nobody counts as gone then.
    """

    grants: tuple[str, ...] = ()
    problem: ConfigurationError | None = None


def check_here(directory: Directory | None, login: str) -> None:
    """Refuse a login that the directory, where there is one, gives to nobody who is still here.

    Raises:
        DeniedError: As `person_here`.
    """
    if directory is not None:
        person_here(directory, login)


def person_here(directory: Directory, name: str) -> Person:
    """Whom a login or an e-mail address means.

    Raises:
        DeniedError: `person_unknown`, `person_left` or `person_doubtful`.
    """
    person = directory.active(name)
    if person is not None:
        return person
    if directory.person(name) is not None:
        raise DeniedError(
            f"{name!r} has left (active: false in the directory)",
            hint="if that is wrong, correct the directory",
            code="person_left",
        )
    login = directory.logins.get(name.lower(), name)
    if login in directory.doubtful:
        raise DeniedError(
            f"it can't be told whether {name!r} is still here: {directory.doubtful[login]}",
            hint="daypass directory show",
            code="person_doubtful",
        )
    near = difflib.get_close_matches(name, [*directory.people, *directory.logins], 1)
    likely = f"did you mean {near[0]!r}? " if near else ""
    called = "e-mail address" if "@" in name else "login"
    raise DeniedError(
        f"nobody in the directory has the {called} {name!r}",
        hint=f"{likely}add the person to the directory, or correct the {called}",
        code="person_unknown",
    )


def end_left(seams: Seams, now: datetime) -> Leaving:
    """End the grants of everyone who left, and make their accounts due for removal.

    A directory that can't be read takes nothing from anybody: what is due ends all the same.
    """
    try:
        directory = seams.directory()
    except ConfigurationError as error:
        return Leaving(problem=error)
    if directory is None:
        return Leaving()
    with seams.store.read() as view:
        grants, accounts = left_behind(view, directory.left(view.logins_with_accounts()))
    if not grants and not accounts:
        return Leaving()
    with seams.write(now) as work:
        return Leaving(_end(seams, work, directory.left(work.logins_with_accounts()), now))


def confirm_people(seams: Seams, now: datetime) -> tuple[str, ...]:
    """An operator says that the directory is right: who is held has left, and their logins are free.

    Returns:
        Ids of grants that were ended.

    Raises:
        ConfigurationError: The directory can't be read.
    """
    try:
        directory = seams.directory()
        held = directory.held if directory else frozenset()
    except ConfigurationError as error:
        if error.code != UNKNOWN:
            raise
        held = frozenset()  # who was here before is forgotten with this word
    with seams.write(now) as work:
        ended = _end(seams, work, held, now)
        work.append_event("directory.confirmed", "directory", {"left": sorted(held)})
    seams.accept_people()
    return ended


def _end(seams: Seams, work: WriteWork, logins: Collection[str], now: datetime) -> tuple[str, ...]:
    """Ids of the grants that end because these people left."""
    if logins:
        grants, accounts = left_behind(work, logins)
        for grant in grants:
            end_grant(seams, work, grant, at=min(now, grant.window.not_after), reason=LEFT, now=now)
        _, accounts = left_behind(work, {account.login for account in accounts})
        for account in accounts:
            work.set_account(replace(account, user_cleanup_days=0))
            work.append_event("account.left", account.server, {"login": account.login})
        return tuple(grant.id for grant in grants)
    return ()


def left_behind(view: ReadView, logins: Collection[str]) -> tuple[list[Grant], list[Account]]:
    """Live grants of these people, and their accounts that still wait for a cleanup window."""
    grants = [grant for login in sorted(logins) for grant in view.grants(states=GIVING, login=login)]
    accounts = [
        account
        for login in sorted(logins)
        for account in view.accounts(login=login, states=THERE)
        if account.user_cleanup_days != 0
    ]
    return grants, accounts
