"""Notices: what people are told of, in which words, and where each message stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daypass.domain.people import Person

LONGEST_WORD = 400  # characters; as long as the longest text that people may type (a justification)
LONGEST_LIST = 8  # names of one list; the rest is a number

MARK = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}|[{}]")
# What chats take for a call to everybody, or for one to a person, whoever wrote it.
EVERYBODY = re.compile(r"@(?=(?:everyone|here|channel|all|room)\b)", re.IGNORECASE)
CALL = re.compile(r"<(?=[@!#])")


class NoticeEvent(StrEnum):
    """What a notice can be about."""

    REQUEST_WAITING = "request_waiting"
    REQUEST_APPROVED = "request_approved"
    REQUEST_DENIED = "request_denied"
    BREAK_GLASS = "break_glass"
    ENDING_SOON = "ending_soon"
    ENDED = "ended"
    FAILED = "failed"
    PEOPLE_HELD = "people_held"


_TOLD = ("command", "event", "person")
_OF_ALL = (*_TOLD, "grantee", "groups", "servers")
_OF_REQUESTS = ("flow", "justification", "length", "request", "requester", "ticket")
_OF_GRANTS = ("grant", "reason", "until")

# What a template may name, by event; everything else is an error of the configuration.
WORDS: Mapping[NoticeEvent, tuple[str, ...]] = {
    NoticeEvent.REQUEST_WAITING: (*_OF_ALL, *_OF_REQUESTS, "approve", "deny", "expires"),
    NoticeEvent.REQUEST_APPROVED: (*_OF_ALL, *_OF_REQUESTS, "approvers", "grant", "until"),
    NoticeEvent.REQUEST_DENIED: (*_OF_ALL, *_OF_REQUESTS, "approvers", "reason"),
    NoticeEvent.BREAK_GLASS: (*_OF_ALL, *_OF_REQUESTS, "grant", "until"),
    NoticeEvent.ENDING_SOON: (*_OF_ALL, *_OF_GRANTS, "left"),
    NoticeEvent.ENDED: (*_OF_ALL, *_OF_GRANTS),
    NoticeEvent.FAILED: (*_OF_ALL, *_OF_GRANTS, "what", "server", "tries"),
    NoticeEvent.PEOPLE_HELD: (*_TOLD, "count", "people", "reason"),
}


@dataclass(frozen=True)
class Notice:
    """One thing that people are told of.

    Attributes:
        topic: The same for the same thing: nobody is told of it twice through one channel.
        stage: What else makes it another thing for channels that aren't one person's: those who read them
            are told again when a request has come to other approvers.
        answered_with: What an answer needs besides yes or no, as options of the command.
        subject: Id of the request or grant.
        people: Whom it concerns; empty where the directory isn't known.
        words: What templates can name, by `WORDS`; those that have to do with who is told are filled in
            for each of them.
    """

    event: NoticeEvent
    topic: str
    subject: str
    people: tuple[Person, ...]
    words: Mapping[str, str] = field(hash=False)
    stage: str = ""
    answered_with: str = ""


class DeliveryState(StrEnum):
    """Where one message stands."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Delivery:
    """One notice on its way through one channel, to one person or to whoever reads that channel.

    Attributes:
        channel: The channel's name; its URL is a secret and never here.
        login: Whom it is for, empty where the channel is everybody's.
        email: Address of that person, empty likewise.
        title, body: The text as it is sent.
        attempts: Tries so far; one is counted before it is made.
        next_try_at: Not before this time.
        reason: What went wrong the last time; None before the first failure.
        done_at: When it was sent or given up.
    """

    topic: str
    channel: str
    login: str
    event: str
    subject: str
    email: str
    title: str
    body: str
    created_at: datetime
    next_try_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    reason: str | None = None
    done_at: datetime | None = None


FIRST_PAUSE, LONGEST_NOTICE_PAUSE = timedelta(minutes=1), timedelta(hours=1)
TOO_LATE = timedelta(days=1)  # who waits for a day has found out in another way


def notice_pause(attempts: int) -> timedelta:
    """1 min, 2 min, 4 min … 1 h."""
    return min(FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 10)), LONGEST_NOTICE_PAUSE)


def names_in(template: str) -> frozenset[str]:
    """The words that a template names: `{login}`; `{{` and `}}` are braces.

    Raises:
        ValueError: A brace that isn't one of these; nothing else (formats, attributes) is understood.
    """
    names = set()
    for match in MARK.finditer(template):
        if match[1]:
            names.add(match[1])
        elif match[0] not in ("{{", "}}"):
            raise ValueError(f"{match[0]} at character {match.start() + 1}")
    return frozenset(names)


def fill(template: str, words: Mapping[str, str]) -> str:
    """The template with its words; what they hold is never looked at again."""
    return MARK.sub(lambda match: words[match[1]] if match[1] else match[0][0], template)


def harmless(text: str) -> str:
    """Text of people as it may stand in anybody's message: one line, no marks, no calls, not too long."""
    plain = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )
    plain = CALL.sub("< ", EVERYBODY.sub("(at)", plain))
    return plain if len(plain) <= LONGEST_WORD else f"{plain[: LONGEST_WORD - 2]} …"


def listed(names: tuple[str, ...]) -> str:
    """`web-1, web-2 and 12 more`."""
    more = len(names) - LONGEST_LIST
    shown = ", ".join(names[:LONGEST_LIST])
    return f"{shown} and {more} more" if more > 0 else shown
