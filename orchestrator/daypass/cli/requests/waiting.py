"""`daypass request wait` and `--wait`: follow a request until access is on the servers."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import click
from rich.text import Text

from daypass import wiring
from daypass.afterwards import answer_first
from daypass.cli.acting import acting, as_person
from daypass.cli.durations import Length
from daypass.cli.names import REQUEST
from daypass.cli.options import EXIT_DENIED, EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation, common
from daypass.cli.render import Screen, json_text, safe, time_text
from daypass.client.followed import Followed, Verdict, read_followed
from daypass.client.waiting import TimeOver, follow
from daypass.interrupts import held

EXIT_CODES = {Verdict.ACTIVE: EXIT_DONE, Verdict.PARTLY: EXIT_PARTLY, Verdict.REFUSED: EXIT_DENIED}
STYLES = {Verdict.ACTIVE: "bold green", Verdict.PARTLY: "bold yellow", Verdict.REFUSED: "bold red"}
limit_option = click.option(
    "--give-up-after",
    type=Length(),
    help="Wait no longer than this: 10m, 2h.  [until it is decided or expires]",
)


def waiting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--wait` and `--give-up-after`, as `waits` and `give_up_after`."""
    follows = click.option("--wait", "waits", is_flag=True, help="Wait until access is on the servers.")
    return follows(limit_option(function))


@click.command()
@click.argument("request_id", metavar="REQUEST", type=REQUEST)
@limit_option
@as_person
@common
def wait(
    invocation: Invocation, *, request_id: str, give_up_after: timedelta | None, person: str | None
) -> int:
    """Wait until a request is decided and access is on its servers.

    Exit code 0 when it is on all of them, 3 when some haven't taken it yet, 4 when the request is denied,
    cancelled or expired, 1 when it is still open as --give-up-after is over. Ctrl-C ends the waiting alone.

    \\b
    Example:
      daypass request wait 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice --give-up-after 30m
    """
    return wait_here(invocation, request_id, person, give_up_after)


def wait_here(
    invocation: Invocation, request_id: str, person: str | None, give_up_after: timedelta | None
) -> int:
    """Follow a request of this orchestrator."""
    from daypass.cli.requests.views import shown_json
    from daypass.workflow.requests import listing

    def look() -> Followed:
        # Cut off inside, the database's library prints where it was.
        with held(), answer_first(), invocation.open() as daypass:
            seams, who = acting(daypass.seams, person)
            shown = listing.show_request(seams, request_id, who, daypass.now())
        return read_followed(json.loads(json_text(shown_json(shown))))

    tail = f" --as {person}" if person else ""
    return wait_for(invocation.screen, look, request_id, give_up_after, tail)


def wait_for(
    screen: Screen, look: Callable[[], Followed], request_id: str, give_up_after: timedelta | None, tail: str
) -> int:
    """Follow a request, say what happens, and end with its exit code.

    Args:
        tail: What stands behind a command's words here, for what to type next.
    """
    found = followed(screen, look, request_id, give_up_after, tail)
    verdict = found.verdict if found else None
    if found is None or verdict is None:
        return EXIT_FAILED
    return tell_end(screen, found, verdict)


def tell_end(screen: Screen, found: Followed, verdict: Verdict) -> int:
    """What came of a request, and the exit code of it."""
    screen.emit(found.model_dump(mode="json"), lambda: _show(screen, found, verdict, wiring.now()))
    return EXIT_CODES[verdict]


def followed(
    screen: Screen, look: Callable[[], Followed], request_id: str, give_up_after: timedelta | None, tail: str
) -> Followed | None:
    """The request with its verdict; None when the time was over or somebody interrupted, which was told."""
    limit = give_up_after.total_seconds() if give_up_after else None
    try:
        with _interruptible(), _telling(screen) as tell:
            return follow(look, tell, limit_seconds=limit)
    except TimeOver as error:
        screen.note(error.sentence, style="yellow")
    except KeyboardInterrupt:
        screen.note(f"request {request_id} stays as it is", style="yellow")
    screen.note(f"to go on waiting: daypass request wait {request_id}{tail}")
    screen.note(f"to take it back: daypass request cancel {request_id}{tail}")
    return None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the waiting with an answer, however the process was started (`__main__`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _telling(screen: Screen) -> Iterator[Callable[[Followed], None]]:
    """A line for each change; on a terminal something that moves in between."""
    told: list[str] = []
    with screen.messages.status(Text("looking")) as status:

        def tell(found: Followed) -> None:
            text = _waits_for(found, wiring.now())
            if found.verdict is None and text not in told[-1:]:
                told.append(text)
                screen.note(text)
                status.update(Text(safe(text)))

        yield tell


def _waits_for(found: Followed, now: datetime) -> str:
    request, access = found.request, found.access
    if access is None:
        standing = found.approvals
        who = f" ({', '.join(standing.may_answer[:5])})" if standing and standing.may_answer else ""
        return f"request {request.id} waits for {(standing and standing.waiting_for) or 'its time'}{who}"
    if found.begins_after(now):
        return f"request {request.id} is approved; access begins {time_text(access.not_before, now)}"
    late = [name for name, one in sorted(access.servers.items()) if not one.told]
    return f"request {request.id} is approved; waiting for {', '.join(late[:5])}"


def _show(screen: Screen, found: Followed, verdict: Verdict, now: datetime) -> None:
    request, access = found.request, found.access
    sentence = f": {request.decision}" if request.decision else ""
    screen.line(f"request {request.id} is {request.state}{sentence}", style=STYLES[verdict])
    if found.objections:
        screen.table(["flow", "why not"], list(found.objections.items()))
    if access is None:
        return
    screen.line(f"grant {access.grant}, until {time_text(access.not_after, now)}")
    rows = [
        (name, one.state, one.outcome or "-", one.message or "-")
        for name, one in sorted(access.servers.items())
    ]
    screen.table(["server", "state", "outcome", "message"], rows)
