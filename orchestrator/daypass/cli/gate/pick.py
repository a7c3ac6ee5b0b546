"""`ssh -t daypass@broker`: pick from lists. What is picked becomes a command, as if it were typed."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import click

from daypass.cli.gate.page import Page
from daypass.cli.render import Screen, safe
from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP
from daypass.errors import UsageError
from daypass.gate.words import MOST_CHARACTERS
from daypass.workflow.offers import Offer

IDLE_SECONDS = 300  # of an open question; it holds one of the gate's places
MOST_LISTED = 20  # of one list; a name may be typed, too


def pick(screen: Screen, page: Page) -> list[str] | None:
    """The words of what was picked, None when nothing was.

    Raises:
        click.Abort: Nobody answered in time, or the answer was to stop.
    """
    choices = []
    if page.waiting:
        choices.append("answer a request")
    if page.offered:
        choices.append("ask for access")
    if page.access:
        choices.append("end access of mine")
    if not choices:
        return None
    screen.line()
    chosen = _choose(screen, "what next? (Enter: nothing)", choices, default="")
    if chosen == "answer a request":
        return _answer(screen, page)
    if chosen == "ask for access":
        return _ask_for(screen, page.offered)
    return _end(screen, page) if chosen else None


def _answer(screen: Screen, page: Page) -> list[str]:
    names = {
        one.request.id: f"{one.request.grantee}: {', '.join(one.request.servers)}" for one in page.waiting
    }
    request = _choose(screen, "which request?", list(names), told=names)
    yes = _choose(screen, "your answer?", ["approve", "deny"])
    reason = _text("why? (Enter: no reason)", default="")
    return ["request", yes, request, *([f"--reason={reason}"] if reason else [])]


def _ask_for(screen: Screen, offered: Sequence[Offer]) -> list[str]:
    named = {one.flow: one for one in offered}
    offer = named[_choose(screen, "by which flow?", list(named))]
    server = _choose(screen, "which server?", list(offer.servers), free=True)
    group = _choose(screen, "which group?", list(offer.groups) or [DEFAULT_GROUP])
    usual = length_text(offer.usual or offer.most).replace(" ", "")
    length = _text("for how long?", default=usual)
    reason = _text("why?", default="")
    words = ["request", "new", f"--server={server}", f"--group={group}", f"--for={length}"]
    return [*words, f"--reason={reason}"] if reason else words


def _end(screen: Screen, page: Page) -> list[str]:
    names = {one.grant.id: ", ".join(share.server for share in one.shares) for one in page.access}
    return ["access", "end", _choose(screen, "which access?", list(names), told=names)]


def _choose(
    screen: Screen,
    question: str,
    choices: Sequence[str],
    *,
    told: dict[str, str] | None = None,
    default: str | None = None,
    free: bool = False,
) -> str:
    """One of the choices, by number or name; with `free`, any other name too; the default where given."""
    for number, choice in enumerate(choices[:MOST_LISTED], 1):
        more = f": {told[choice]}" if told else ""
        screen.line(f"  {number}  {choice}{more}")
    if len(choices) > MOST_LISTED:
        screen.line(f"  and {len(choices) - MOST_LISTED} more, by name")
    while True:
        answer = _text(question, default=default)
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= min(len(choices), MOST_LISTED):
            return choices[int(answer) - 1]
        if answer in choices or answer == default or (free and answer):
            return answer
        screen.line(f"1 to {min(len(choices), MOST_LISTED)}, or a name of the list")


def _text(question: str, *, default: str | None) -> str:
    """One line as it was typed.

    Raises:
        click.Abort: Nothing came in time.
        UsageError: `words_odd`.
    """
    signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(IDLE_SECONDS)
    try:
        shown = bool(default)
        typed: str = click.prompt(question, default=default, show_default=shown, type=str)
    finally:
        signal.alarm(0)
    if len(typed) > MOST_CHARACTERS or not typed.isprintable():
        raise UsageError(
            f"{safe(typed[:40])!r} holds what can't be printed, or is too long", code="words_odd"
        )
    return typed


def _too_late(_number: int, _frame: object) -> None:
    raise click.Abort
