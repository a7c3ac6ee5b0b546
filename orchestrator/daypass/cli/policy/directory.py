"""`daypass directory`: who is known, as of when, and whom an operator has to say a word about."""

from __future__ import annotations

from datetime import datetime

import click

from daypass import wiring
from daypass.cli.confirming import confirm
from daypass.cli.options import Invocation, common
from daypass.cli.policy.people_words import show_age
from daypass.cli.render import NOTHING, Screen
from daypass.directory import Directory
from daypass.directory.words import age_text
from daypass.errors import ConfigurationError
from daypass.wiring import Daypass, People
from daypass.workflow.leaving import confirm_people


@click.group()
def directory() -> None:
    """See who is known; confirm that people who vanished have left."""


@directory.command()
@common
def show(invocation: Invocation) -> None:
    """Show everyone who is known, as of when, and what of the directory can't be used.

    \b
    Example:
      daypass directory show
    """
    with wiring.open_daypass(invocation.config) as daypass:
        found, now = _people(daypass).read(), daypass.now()
    _emit(invocation.screen, found, now)


@directory.command()
@common
def refresh(invocation: Invocation) -> None:
    """Ask an LDAP directory for everything now, however lately it was asked.

    \b
    Example:
      daypass directory refresh
    """
    with wiring.open_daypass(invocation.config) as daypass:
        found, now = _people(daypass).read_anew(), daypass.now()
    if found.trouble:
        raise ConfigurationError(
            f"the directory wasn't read: {found.trouble}",
            hint=f"what is known of it is {age_text(found, now)}",
            code="directory_unreadable",
        )
    _emit(invocation.screen, found, now)


@directory.command("confirm")
@click.option("--check", is_flag=True, help="Only show who is held, and why.")
@click.option("--yes", "confirmed", is_flag=True, help="Don't ask.")
@common
def confirm_directory(invocation: Invocation, *, check: bool, confirmed: bool) -> None:
    """Say that the directory is right: people who vanished have left, and their access ends.

    Needed where more people vanished than `gone_at_once` allows, and where a login is another entry's now:
    access of whoever had it before ends.

    \b
    Example:
      daypass directory confirm --check
    """
    screen = invocation.screen
    with wiring.open_daypass(invocation.config) as daypass:
        held = _held(daypass)
        if check or not held:
            screen.emit({"held": held, "ended": []}, lambda: _show_held(screen, held))
            if check:
                return
        question = f"End all access of {len(held)} people and take the directory as it is?"
        confirm(screen, question if held else "Take the directory as it is?", confirmed=confirmed)
        ended = confirm_people(daypass.seams, daypass.now())
    screen.emit(
        {"held": held, "ended": list(ended)},
        lambda: screen.line(
            f"left: {', '.join(sorted(held)) or 'nobody'}; grants ended: {', '.join(ended) or 'none'}"
        ),
    )
    screen.note("`daypass reconcile` tells the servers")


def _people(daypass: Daypass) -> People:
    if daypass.people is None:
        raise ConfigurationError(
            "no directory is set",
            hint="add `directory: directory.yaml` to daypass.yaml",
            code="directory_missing",
        )
    return daypass.people


def _held(daypass: Daypass) -> dict[str, str]:
    """Who is held, and why; nobody where it isn't known who was here before."""
    try:
        found = _people(daypass).read()
    except ConfigurationError as error:
        if error.code != "people_unknown":
            raise
        return {}
    return {login: found.doubtful[login] for login in sorted(found.held)}


def _show_held(screen: Screen, held: dict[str, str]) -> None:
    if not held:
        screen.line("nobody is held")
        return
    screen.table(["login", "why"], list(held.items()))


def _emit(screen: Screen, found: Directory, now: datetime) -> None:
    screen.emit(
        {
            "read_at": found.read_at,
            "trouble": found.trouble or None,
            "people": [
                {
                    "login": person.login,
                    "email": person.email or None,
                    "active": person.active,
                    "groups": sorted(person.groups),
                    "manager": person.manager,
                    "public_keys": len(person.public_keys),
                }
                for _, person in sorted(found.people.items())
            ],
            "doubtful": dict(sorted(found.doubtful.items())),
            "held": sorted(found.held),
            "oddities": list(found.oddities),
        },
        lambda: _show(screen, found),
    )
    show_age(screen, found, now)


def _show(screen: Screen, found: Directory) -> None:
    rows = [
        (
            person.login,
            person.email or NOTHING,
            "here" if person.active else "left",
            ", ".join(sorted(person.groups)) or NOTHING,
            person.manager or NOTHING,
            len(person.public_keys),
        )
        for _, person in sorted(found.people.items())
    ]
    rows += [(login, NOTHING, "doubtful", NOTHING, NOTHING, 0) for login in sorted(found.doubtful)]
    screen.table(["login", "e-mail", "state", "groups", "manager", "keys"], rows)
    for oddity in found.oddities:
        screen.line(oddity)
