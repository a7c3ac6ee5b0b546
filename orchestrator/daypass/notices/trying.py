"""Trying channels out, and looking at how they are, without a notice about anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from daypass.config.notices import Channel
from daypass.domain.notices import Delivery, DeliveryState, Notice, NoticeEvent
from daypass.domain.people import Person
from daypass.errors import DaypassError
from daypass.notices.courier import Letter
from daypass.notices.noting import deliveries_of
from daypass.notices.sending import Sender
from daypass.store.interface import ReadView

TRY_SECONDS = 20  # what a person waits for; services answer in one or two
EXAMPLE_ID = "01JDEXAMPLE0000000000000000"
MARK = "[Test] "
EXAMPLE = {
    "count": "5",
    "approvers": "approved by carol",
    "expires": "2026-01-02 10:00 UTC",
    "flow": "production",
    "grant": EXAMPLE_ID,
    "grantee": "alice",
    "groups": "ops",
    "justification": "an example; nobody has asked for anything",
    "left": "15m",
    "length": "2h",
    "people": "alice, bob, carol, dave, erin",
    "reason": "an example",
    "request": EXAMPLE_ID,
    "requester": "alice",
    "server": "web-1",
    "servers": "web-1, web-2",
    "ticket": "EXAMPLE-1",
    "tries": "3",
    "until": "2026-01-01 12:00 UTC",
    "what": "Giving",
}
NEEDS_PERSON = "per_person: name somebody, with --to"
NOT_MEANT = "not for this person: groups"
SOMEBODY = Person("somebody", "somebody@example.com")


@dataclass(frozen=True)
class Tried:
    """What came of an example through one channel.

    Attributes:
        reason: Why it wasn't sent, None where it was.
        skipped: It wasn't tried at all.
    """

    channel: str
    event: NoticeEvent
    reason: str | None
    skipped: bool = False


def try_channels(
    sender: Sender, event: NoticeEvent | None, person: Person | None, now: datetime
) -> list[Tried]:
    """Send an example through each channel; the outbox isn't touched.

    Args:
        event: None = for each channel the first that it is for.
        person: For channels that are one person's.
    """
    tried: list[Tried] = []
    letters: dict[int, Letter] = {}
    for channel in sender.settings.channels:
        about = event or channel.events[0]
        if about not in channel.events:
            continue
        reason = _letter(sender, channel, about, person, now, letters)
        tried.append(Tried(channel.name, about, reason, skipped=reason in (NEEDS_PERSON, NOT_MEANT)))
    answers = iter(sender.courier(letters, TRY_SECONDS).values())
    return [one if one.reason else Tried(one.channel, one.event, next(answers)) for one in tried]


def _letter(
    sender: Sender,
    channel: Channel,
    event: NoticeEvent,
    person: Person | None,
    now: datetime,
    letters: dict[int, Letter],
) -> str | None:
    """Add the example for one channel; why there is none."""
    if channel.per_person and person is None:
        return NEEDS_PERSON
    people = () if person is None else (person,)
    notice = Notice(event, "test", EXAMPLE_ID, people, EXAMPLE)
    mine = sender.settings.model_copy(update={"channels": (channel.model_copy(update=_for_all(person)),)})
    made = next(deliveries_of(notice, mine, now), None)
    if made is None:
        return NOT_MEANT
    try:
        url = sender.url_for(channel, made.login, made.email)
    except (DaypassError, ValueError) as error:
        return error.sentence if isinstance(error, DaypassError) else str(error)
    letters[len(letters)] = Letter(channel.name, url, MARK + made.title, made.body)
    return None


def _for_all(person: Person | None) -> dict[str, object]:
    """Without a person an example isn't anybody's matter, so groups don't count."""
    return {"groups": None} if person is None else {}


def check_urls(sender: Sender) -> dict[str, str | None]:
    """By channel, why its URL can't be used; None where it can. Nothing is sent."""
    reasons: dict[str, str | None] = {}
    letters: dict[int, Letter] = {}
    for channel in sender.settings.channels:
        try:
            url = sender.url_for(channel, SOMEBODY.login, SOMEBODY.email)
            letters[len(letters)] = Letter(channel.name, url, "", "", check_only=True)
        except (DaypassError, ValueError) as error:
            reasons[channel.name] = error.sentence if isinstance(error, DaypassError) else str(error)
    answers = sender.courier(letters, TRY_SECONDS)
    return reasons | {letters[number].channel: reason for number, reason in answers.items()}


@dataclass(frozen=True)
class Failing:
    """Messages of one channel that were tried and didn't go.

    Attributes:
        reason: Of the last try of one of them.
    """

    count: int
    reason: str


def failing(view: ReadView) -> Mapping[str, Failing]:
    """Channels with messages that were tried in vain and wait for another try, by name."""
    return _by_channel(one for one in view.deliveries(states=[DeliveryState.WAITING]) if one.reason)


def _by_channel(deliveries: Iterable[Delivery]) -> dict[str, Failing]:
    found: dict[str, Failing] = {}
    for one in deliveries:
        before = found[one.channel].count if one.channel in found else 0
        found[one.channel] = Failing(before + 1, one.reason or "")
    return found
