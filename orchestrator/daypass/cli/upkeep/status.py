"""`daypass status`: what stands now."""

from __future__ import annotations

from datetime import datetime

import click

from daypass import wiring
from daypass.cli.access.reviews import review_json, show_open
from daypass.cli.access.words import access_json, groups_text
from daypass.cli.grants.giving import place
from daypass.cli.names import PERSON
from daypass.cli.options import Invocation, common
from daypass.cli.policy.people_words import note_people
from daypass.cli.render import Screen, clock_text, countdown, time_text
from daypass.cli.upkeep.automatic import note_json, show_notes
from daypass.domain.grants import Account
from daypass.domain.reviews import Review
from daypass.notices.trying import failing
from daypass.workflow.automatic import left_out
from daypass.workflow.status import GrantStatus, ServerStatus, live_grants, open_reviews, server_statuses


@click.command()
@click.option("--login", type=PERSON, help="Only this person's grants and reviews.")
@common
def status(invocation: Invocation, *, login: str | None) -> None:
    """Show live grants, where each stands on its servers, open reviews, and the servers.

    \b
    Example:
      daypass status --login alice
    """
    with wiring.open_daypass(invocation.config) as daypass:
        grants, servers = live_grants(daypass.seams, login), server_statuses(daypass.seams)
        reviews = open_reviews(daypass.seams, login)
        with daypass.seams.store.read() as view:
            silent = failing(view)
        now = daypass.now()
        notes = left_out(daypass.seams, now)
        people = note_people(invocation.screen, daypass.seams, now)
    invocation.screen.emit(
        {
            "grants": [access_json(item, now) for item in grants],
            "servers": [_server_json(item) for item in servers],
            "people": people,
            "reviews": [review_json(one) for one in reviews],
            "automatic": [note_json(note) for note in notes],
            "notices": {name: {"unsent": one.count, "reason": one.reason} for name, one in silent.items()},
        },
        lambda: _show(invocation.screen, grants, servers, reviews, now),
    )
    if not invocation.screen.is_json:
        show_notes(invocation.screen, notes)
    for name, one in silent.items():
        found = f"{one.count} notices can't be sent through {name}: {one.reason}"
        invocation.screen.note(f"{found}; see: daypass notices list", style="yellow")


def _server_json(item: ServerStatus) -> dict[str, object]:
    host = item.host
    return {
        "name": item.server.name,
        "integration": item.server.integration,
        "host_key_known": item.host_key_known,
        "onboarded_at": host.onboarded_at if host else None,
        "offboarded_at": host.offboarded_at if host else None,
        "sequence": host.sequence if host else 0,
        "confirmed_sequence": host.confirmed_sequence if host else 0,
        "accounts": {account.login: str(account.state) for account in item.accounts},
        "joined": [account.login for account in item.accounts if account.existing == "join"],
        "removals": {a.login: a.removal_message for a in item.accounts if a.removal_message},
    }


def _show(
    screen: Screen,
    grants: tuple[GrantStatus, ...],
    servers: tuple[ServerStatus, ...],
    reviews: tuple[Review, ...],
    now: datetime,
) -> None:
    rows = [
        (
            item.grant.id,
            item.grant.login,
            share.server,
            groups_text(share),
            place(share),
            share.outcome_code or "-",
            clock_text(item.grant.window.not_after, now),
            countdown(item.grant.window, item.grant.ended_at, now),
        )
        for item in grants
        for share in item.shares
    ]
    if rows:
        screen.table(["grant", "login", "server", "groups", "state", "why", "until", "left"], rows)
    else:
        screen.line("no live grants")
    show_open(screen, reviews, now)
    screen.line()
    screen.table(
        ["server", "integration", "host key", "onboarded", "accounts"], [_server_row(s, now) for s in servers]
    )


def _server_row(item: ServerStatus, now: datetime) -> tuple[str, str, str, str, str]:
    onboarded = time_text(item.host.onboarded_at, now) if item.host and item.host.onboarded else "-"
    accounts = ", ".join(_account_text(account) for account in item.accounts)
    return (
        item.server.name,
        item.server.integration,
        "known" if item.host_key_known else "-",
        onboarded,
        accounts or "-",
    )


def _account_text(account: Account) -> str:
    left = f" (not removed yet: {account.removal_message})" if account.removal_message else ""
    joined = " (joined)" if account.existing == "join" else ""  # closed: as it was before, not shut
    return f"{account.login} {account.state}{joined}{left}"
