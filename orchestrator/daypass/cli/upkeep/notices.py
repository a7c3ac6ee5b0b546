"""`daypass notices`: what waits to be told, and whether the channels work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from daypass import wiring
from daypass.cli.names import PERSON
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.cli.render import NOTHING, Screen, time_text
from daypass.domain.notices import Delivery, DeliveryState, NoticeEvent
from daypass.domain.people import Person
from daypass.errors import ConfigurationError
from daypass.notices.trying import Tried, try_channels
from daypass.wiring import Daypass
from daypass.workflow.leaving import person_here

UNSENT = (DeliveryState.WAITING, DeliveryState.GIVEN_UP)


@click.group()
def notices() -> None:
    """See what waits to be told, and try the channels."""


@notices.command("list")
@click.option("--all", "everything", is_flag=True, help="What was sent, too; it is kept for 30 days.")
@common
def list_notices(invocation: Invocation, *, everything: bool) -> None:
    """Show messages that aren't sent, with the reason and the next try.

    \b
    Example:
      daypass notices list --all
    """
    with wiring.open_daypass(invocation.config) as daypass:
        with daypass.seams.store.read() as view:
            found = view.deliveries(states=None if everything else UNSENT)
        now = daypass.now()
    invocation.screen.emit([_json(one) for one in found], lambda: _show(invocation.screen, found, now))


def _json(one: Delivery) -> dict[str, object]:
    waiting = one.state is DeliveryState.WAITING
    return {
        "event": one.event,
        "subject": one.subject,
        "channel": one.channel,
        "person": one.login or None,
        "title": one.title,
        "state": str(one.state),
        "tries": one.attempts,
        "reason": one.reason,
        "created_at": one.created_at,
        "next_try_at": one.next_try_at if waiting else None,
        "done_at": one.done_at,
    }


def _show(screen: Screen, found: Sequence[Delivery], now: datetime) -> None:
    if not found:
        screen.line("nothing waits to be sent")
        return
    rows = [
        (
            one.event,
            one.subject,
            one.channel,
            one.login or NOTHING,
            str(one.state).replace("_", " "),
            one.attempts,
            time_text(one.next_try_at, now) if one.state is DeliveryState.WAITING else NOTHING,
            one.reason or NOTHING,
        )
        for one in found
    ]
    screen.table(["event", "about", "channel", "person", "state", "tries", "next try", "why not"], rows)


@notices.command("test")
@click.option(
    "--event",
    type=click.Choice([event.value for event in NoticeEvent]),
    help="What the example is about.  [the first that each channel is for]",
)
@click.option(
    "--to", "name", metavar="NAME", type=PERSON, help="Login or e-mail address, for channels per person."
)
@common
def test_notices(invocation: Invocation, *, event: str | None, name: str | None) -> int:
    """Send an example through each channel, and say what came of it.

    \b
    Example:
      daypass notices test --to alice --event request_waiting
    """
    with wiring.open_daypass(invocation.config) as daypass:
        about = NoticeEvent(event) if event else None
        tried = try_channels(daypass.sender, about, _person(daypass, name), daypass.now())
    rows = [
        {"channel": one.channel, "event": str(one.event), "sent": one.reason is None, "reason": one.reason}
        for one in tried
    ]
    invocation.screen.emit(rows, lambda: _show_tried(invocation.screen, tried))
    return EXIT_FAILED if any(one.reason and not one.skipped for one in tried) else EXIT_DONE


def _person(daypass: Daypass, name: str | None) -> Person | None:
    directory = daypass.seams.directory() if name else None
    if name is None:
        return None
    if directory is None:
        raise ConfigurationError(
            "no directory is set, so nobody's address is known",
            hint="add `directory: directory.yaml` to daypass.yaml, or leave --to out",
            code="directory_missing",
        )
    return person_here(directory, name)


def _show_tried(screen: Screen, tried: Sequence[Tried]) -> None:
    if not tried:
        screen.line("no channel is for this; see `notices` in daypass.yaml")
        return
    rows = [(one.channel, one.event, _result(one), one.reason or NOTHING) for one in tried]
    screen.table(["channel", "event", "result", "why"], rows)


def _result(one: Tried) -> str:
    return "skipped" if one.skipped else "failed" if one.reason else "sent"
