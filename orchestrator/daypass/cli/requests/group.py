"""`daypass request`: ask for access, say yes or no, take it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.afterwards import answer_first
from daypass.cli.acting import acting, acting_person, as_person
from daypass.cli.durations import Length
from daypass.cli.files import read_text
from daypass.cli.grants.giving import MOST_KEY_BYTES
from daypass.cli.names import GROUP, PENDING_REQUEST, PERSON, REQUEST
from daypass.cli.options import EXIT_DENIED, EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.requests.views import (
    answer_json,
    listing_json,
    show_answer,
    show_listing,
    show_one,
    shown_json,
)
from daypass.cli.requests.waiting import wait, wait_here, waiting_options
from daypass.cli.words import as_fields, as_tags, several_servers
from daypass.domain.durations import parse_moment
from daypass.domain.grants import ShareState
from daypass.domain.requests import RequestState
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.workflow.requests.asking import RequestAnswer


@click.group()
def request() -> None:
    """Ask for access; say yes or no to what others ask for."""


request.add_command(wait)


@request.command()
@several_servers
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", type=GROUP, help="A user group.  [Default]"
)
@click.option("--for", "length", type=Length(), help="How long: 2h30m, 45m, PT2H30M.  [the flow's default]")
@click.option("--start", metavar="TIME", help="When: 18:30, 2026-11-23T18:30; local.  [with the approval]")
@click.option("--reason", default="", help="Why; who answers reads it. Up to 400 characters.")
@click.option(
    "--grantee",
    default="",
    metavar="NAME",
    type=PERSON,
    help="For whom: login or e-mail address.  [yourself]",
)
@click.option("--ticket", default="", help="Name of a ticket.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A custom field.")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your public key file.  [the keys in the directory]",
)
@click.option("--check", is_flag=True, help="Say what would come of it; ask nobody, record nothing.")
@waiting_options
@as_person
@common
def new(
    invocation: Invocation,
    *,
    servers: tuple[str, ...],
    tags: tuple[str, ...],
    groups: tuple[str, ...],
    length: timedelta | None,
    start: str | None,
    reason: str,
    grantee: str,
    ticket: str,
    fields: tuple[str, ...],
    public_key: Path | None,
    check: bool,
    waits: bool,
    give_up_after: timedelta | None,
    person: str | None,
) -> int:
    """Ask for access to servers. It is given at once, after somebody's yes, or denied: the flows decide.

    Exit code 4 when it is denied, 3 when access was given and some servers are still pending. With --wait
    also 4 when it is cancelled or expires, and 1 when it is still open as --give-up-after is over.

    \b
    Example:
      daypass request new --as alice --server web-1 --group ops --for 2h --reason "INC-4711: nginx is down"
      daypass request new --as alice --server web-1 --reason "INC-4711" --wait --give-up-after 30m
    """
    from daypass.workflow.requests.asking import RequestWords, ask_for

    # Whoever may say yes is told before anybody waits for it.
    with answer_first(), invocation.open() as daypass:
        seams, requester = acting_person(daypass.seams, person)
        now = daypass.now()
        words = RequestWords(
            servers=servers,
            groups=groups,
            tags=as_tags(tags),
            grantee=grantee,
            start=_moment(start, now),
            length=length,
            justification=reason,
            ticket=ticket,
            fields=as_fields(fields),
            public_key=_key_text(invocation, public_key, grantee),
        )
        with wave_progress(invocation.screen, "granting") as progress:
            answer = ask_for(seams, requester, words, now, check=check, progress=progress)
        now = daypass.now()
        follows = waits and not check and _is_open(answer)
        if not (follows and invocation.screen.is_json):
            invocation.screen.emit(
                answer_json(answer, check),
                lambda: show_answer(invocation.screen, daypass.seams, answer, now, check),
            )
    return wait_here(invocation, answer.request.id, person, give_up_after) if follows else _exit_code(answer)


def _key_text(invocation: Invocation, public_key: Path | None, grantee: str) -> str:
    return read_text(public_key, MOST_KEY_BYTES) if public_key else invocation.key_of(grantee)


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text, now)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error), hint="--start 18:30") from None


def _is_open(answer: RequestAnswer) -> bool:
    """Whether there is something to wait for."""
    shares = answer.granted.shares if answer.granted else ()
    untold = any(share.state is ShareState.PENDING and share.outcome is None for share in shares)
    return answer.request.state is RequestState.PENDING or untold


def _exit_code(answer: RequestAnswer) -> int:
    if answer.request.state in (RequestState.DENIED, RequestState.EXPIRED):
        return EXIT_DENIED
    shares = answer.granted.shares if answer.granted and answer.granted.outcomes else ()
    return EXIT_DONE if all(share.state is ShareState.APPLIED for share in shares) else EXIT_PARTLY


@request.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are decided, too.")
@click.option("--state", "states", multiple=True, type=click.Choice(list(RequestState)), help="Only these.")
@as_person
@common
def list_(invocation: Invocation, *, everything: bool, states: tuple[str, ...], person: str | None) -> None:
    """Show open requests: with --as those of a person, and those that wait for this person's answer.

    \b
    Example:
      daypass request list --as bob
    """
    from daypass.workflow.requests import listing

    wanted = [RequestState(state) for state in states] or (None if everything else [RequestState.PENDING])
    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        found = listing.list_requests(seams, who, wanted, daypass.now())
        now = daypass.now()
    invocation.screen.emit(listing_json(found, who), lambda: show_listing(invocation.screen, found, who, now))


@request.command()
@click.argument("request_id", metavar="REQUEST", type=REQUEST)
@as_person
@common
def show(invocation: Invocation, *, request_id: str, person: str | None) -> None:
    """Show one request: what was asked, who has answered, who may, and what its flow says of it now.

    \b
    Example:
      daypass request show 01JD8F3K9M2N4P6Q8R0S2T4V6W
    """
    from daypass.workflow.requests import listing

    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        shown = listing.show_request(seams, request_id, who, daypass.now())
        now = daypass.now()
    invocation.screen.emit(shown_json(shown), lambda: show_one(invocation.screen, shown, now))


@request.command()
@click.argument("request_id", metavar="REQUEST", type=PENDING_REQUEST)
@click.option("--for", "length", type=Length(), help="Give less time than was asked for.")
@click.option("--reason", default="", help="Why; up to 124 characters. Some flows ask for it.")
@as_person
@common
def approve(
    invocation: Invocation, *, request_id: str, length: timedelta | None, reason: str, person: str | None
) -> int:
    """Say yes to a request. With the last yes that is needed, access is given at once.

    \b
    Example:
      daypass request approve 01JD8F3K9M2N4P6Q8R0S2T4V6W --as bob --for 1h --reason "looks right"
    """
    return _say(invocation, request_id, person, reason, length, yes=True)


@request.command()
@click.argument("request_id", metavar="REQUEST", type=PENDING_REQUEST)
@click.option("--reason", default="", help="Why; up to 124 characters. Some flows ask for it.")
@as_person
@common
def deny(invocation: Invocation, *, request_id: str, reason: str, person: str | None) -> int:
    """Say no to a request. One no ends it.

    \b
    Example:
      daypass request deny 01JD8F3K9M2N4P6Q8R0S2T4V6W --as bob --reason "use the replica"
    """
    return _say(invocation, request_id, person, reason, None, yes=False)


def _say(
    invocation: Invocation,
    request_id: str,
    person: str | None,
    reason: str,
    length: timedelta | None,
    *,
    yes: bool,
) -> int:
    from daypass.workflow.requests import answering

    with invocation.open() as daypass:
        seams, who = acting_person(daypass.seams, person)
        with wave_progress(invocation.screen, "granting") as progress:
            answer = answering.answer(
                seams,
                request_id,
                who,
                daypass.now(),
                yes=yes,
                reason=reason,
                length=length,
                progress=progress,
            )
        now = daypass.now()
        invocation.screen.emit(
            answer_json(answer), lambda: show_answer(invocation.screen, daypass.seams, answer, now)
        )
    said_no = not yes and answer.request.state is RequestState.DENIED
    return EXIT_DONE if said_no else _exit_code(answer)


@request.command()
@click.argument("request_id", metavar="REQUEST", type=PENDING_REQUEST)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@as_person
@common
def cancel(invocation: Invocation, *, request_id: str, reason: str, person: str | None) -> None:
    """Take an open request back: your own, or one for you. An operator may take back any.

    \b
    Example:
      daypass request cancel 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice
    """
    from daypass.workflow.requests import answering

    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        taken = answering.cancel(seams, request_id, who, daypass.now(), reason=reason)
    invocation.screen.emit(
        {"request": {"id": taken.id, "state": str(taken.state)}},
        lambda: invocation.screen.line(f"request {taken.id} is {taken.state}"),
    )
