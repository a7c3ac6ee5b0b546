"""`daypass access`: what somebody has, until when, and how to use it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from daypass.cli.access.changes import end, extend
from daypass.cli.access.notes import details
from daypass.cli.access.show import show
from daypass.cli.access.ssh_config import ssh_config
from daypass.cli.access.words import access_json, groups_text
from daypass.cli.acting import acting, as_person
from daypass.cli.grants.giving import place
from daypass.cli.options import Invocation, common
from daypass.cli.render import NOTHING, Screen, clock_text, countdown
from daypass.domain.grants import Which

if TYPE_CHECKING:
    from daypass.workflow.status import GrantStatus

MOST_PAST = 1000  # grants of one list; the audit log's export has all of them


@click.group()
def access() -> None:
    """See access that was given, extend it, end it."""


access.add_command(show)
access.add_command(extend)
access.add_command(end)
access.add_command(details)
access.add_command(ssh_config)


@access.command("list")
@click.option("--past", "which", flag_value=Which.PAST, type=Which, help="Only what has ended, latest first.")
@click.option("--all", "which", flag_value=Which.ALL, type=Which, help="What has ended, too.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_PAST), default=100, show_default=True, help="At most this many."
)
@as_person
@common
def list_(invocation: Invocation, *, which: Which | None, limit: int, person: str | None) -> None:
    """List access that is live or begins later.

    Where, with which groups, until when. With --as, that person's; without, everybody's.

    \b
    Example:
      daypass access list --as alice
      daypass access list --as alice --past --limit 10
    """
    from daypass.workflow.access import list_access

    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        login = who.login if who else None
        found = list_access(seams, which or Which.LIVE, login=login, limit=limit)
        now = daypass.now()
    invocation.screen.emit(
        [access_json(item, now) for item in found],
        lambda: show_list(invocation.screen, found, now, named=login is None),
    )
    if len(found) == limit:
        invocation.screen.note(f"there may be more: --limit {min(limit * 10, MOST_PAST)}")


def show_list(screen: Screen, found: tuple[GrantStatus, ...], now: datetime, *, named: bool) -> None:
    """Access as a table; with `named`, whose it is."""
    rows = [
        (
            item.grant.id,
            item.grant.login if named else NOTHING,
            share.server,
            groups_text(share),
            item.grant.flow,
            place(share),
            clock_text(item.grant.window.not_before, now),
            clock_text(item.grant.window.not_after, now),
            countdown(item.grant.window, item.grant.ended_at, now),
        )
        for item in found
        for share in item.shares
    ]
    if rows:
        screen.table(["grant", "login", "server", "groups", "flow", "state", "from", "until", "left"], rows)
    else:
        screen.line("no access")
