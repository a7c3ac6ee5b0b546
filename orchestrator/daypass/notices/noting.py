"""From a notice to what is to be sent: one message for each channel that is for it, or each person of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from daypass.config.notices import Channel, Notices
from daypass.domain.notices import Delivery, Notice
from daypass.domain.people import Person
from daypass.notices.texts import text_of


def deliveries_of(notice: Notice, settings: Notices, now: datetime) -> Iterator[Delivery]:
    """Every message that a notice comes to."""
    for channel in settings.channels:
        if notice.event in channel.events:
            yield from _through(channel, notice, settings, now)


def _through(channel: Channel, notice: Notice, settings: Notices, now: datetime) -> Iterator[Delivery]:
    people = [person for person in notice.people if _concerns(channel, person)]
    if channel.per_person:
        for person in people:
            yield _delivery(channel, notice, settings, now, person)
    elif people or channel.groups is None:
        yield _delivery(channel, notice, settings, now, None)


def _concerns(channel: Channel, person: Person) -> bool:
    return person.active and (channel.groups is None or not person.groups.isdisjoint(channel.groups))


def _delivery(
    channel: Channel, notice: Notice, settings: Notices, now: datetime, person: Person | None
) -> Delivery:
    title, body = text_of(notice, settings, person)
    stage = f":{notice.stage}" if notice.stage and person is None else ""
    return Delivery(
        topic=notice.topic + stage,
        channel=channel.name,
        login=person.login if person else "",
        event=notice.event.value,
        subject=notice.subject,
        email=person.email if person else "",
        title=title,
        body=body,
        created_at=now,
        next_try_at=now,
    )
