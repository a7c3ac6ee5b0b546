"""Notices as settings: through which channels who is told of what, in which words."""

from __future__ import annotations

import difflib
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator, StrictBool, field_validator

from daypass.config import fields
from daypass.config.part import Length, Part, PlainText, SecretField, as_list, not_many
from daypass.domain.notices import WORDS, NoticeEvent, names_in

MOST_CHANNELS = 20
LONGEST_TITLE, LONGEST_BODY = 200, 4000  # characters of a template


def channel_name(value: Any) -> str:
    if isinstance(value, str) and fields.INTEGRATION_NAME.fullmatch(value):
        return value
    raise fields.refuse("letters, digits and dashes, at most 63, the first no dash")


def event_of(value: Any) -> NoticeEvent:
    names = [known.value for known in NoticeEvent]
    if isinstance(value, str) and value in names:
        return NoticeEvent(value)
    near = difflib.get_close_matches(str(value), names, 1)
    raise fields.refuse((f"did you mean {near[0]}? " if near else "") + ", ".join(names))


def title_text(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_TITLE:
        return value
    raise fields.refuse(f"1 to {LONGEST_TITLE} printable characters on one line")


def body_text(value: Any) -> str:
    plain = isinstance(value, str) and all(char.isprintable() or char == "\n" for char in value)
    if plain and value.strip() and len(value) <= LONGEST_BODY:
        return str(value)
    raise fields.refuse(f"1 to {LONGEST_BODY} characters of printable text, line breaks included")


class NoticeText(Part):
    """The text of one event; None = Daypass's own."""

    title: Annotated[str | None, PlainValidator(title_text)] = None
    """A line. Default: Daypass's own."""
    body: Annotated[str | None, PlainValidator(body_text)] = None
    """The text. Default: Daypass's own."""


def knows_words(about: NoticeEvent) -> AfterValidator:
    """A template names nothing but the words of its event."""
    known = sorted(WORDS[about])

    def check(text: NoticeText) -> NoticeText:
        for where, template in (("title", text.title), ("body", text.body)):
            try:
                odd = sorted(names_in(template or "").difference(known))
            except ValueError as error:
                allowed = "words such as {servers}; a brace itself is written twice"
                raise fields.refuse(allowed, f"{error} of the {where}") from None
            if odd:
                found = f"{{{odd[0]}}} in the {where}"
                raise fields.refuse(", ".join(f"{{{word}}}" for word in known), found)
        return text

    return AfterValidator(check)


class NoticeTexts(Part):
    """Templates, by event."""

    request_waiting: Annotated[NoticeText, knows_words(NoticeEvent.REQUEST_WAITING)] = NoticeText()
    """A request needs an answer; told to those who may answer now, and again when it has come to
    others.
    """
    request_approved: Annotated[NoticeText, knows_words(NoticeEvent.REQUEST_APPROVED)] = NoticeText()
    """A request was approved, with its grant; told to who asked and who gets access."""
    request_denied: Annotated[NoticeText, knows_words(NoticeEvent.REQUEST_DENIED)] = NoticeText()
    """A request was denied or has expired; told to who asked and who would have got access."""
    break_glass: Annotated[NoticeText, knows_words(NoticeEvent.BREAK_GLASS)] = NoticeText()
    """Somebody took access without asking; told to those in the flow's `notify`."""
    ending_soon: Annotated[NoticeText, knows_words(NoticeEvent.ENDING_SOON)] = NoticeText()
    """A grant is about to end; told to its person."""
    ended: Annotated[NoticeText, knows_words(NoticeEvent.ENDED)] = NoticeText()
    """A grant has ended on every server; told to its person."""
    failed: Annotated[NoticeText, knows_words(NoticeEvent.FAILED)] = NoticeText()
    """A grant can't be given or taken back on a server, after three tries; told to its person."""
    people_held: Annotated[NoticeText, knows_words(NoticeEvent.PEOPLE_HELD)] = NoticeText()
    """[People vanished](ldap.md#people-who-vanish) and somebody has to say a word; told to channels that
    aren't one person's and name no groups, again when there are more of them.
    """

    def of(self, about: NoticeEvent) -> NoticeText:
        """The template of one event."""
        found: NoticeText = getattr(self, about.value)
        return found


class Channel(Part):
    """One way out."""

    name: Annotated[str, PlainValidator(channel_name)]
    """Its name. Allowed: unique, case aside."""
    url: SecretField
    """An Apprise URL; it holds passwords, so it never stands here itself."""
    events: Annotated[
        tuple[Annotated[NoticeEvent, PlainValidator(event_of)], ...],
        BeforeValidator(as_list),
        AfterValidator(fields.not_empty),
    ] = tuple(NoticeEvent)
    """What it is for, one event or a list. Default: all."""
    per_person: StrictBool = False
    """`true`: one message to each person whom it concerns; the URL holds `{email}` or `{login}`, which
    become that person's. `false`: one message for all. Needs `directory`.
    """
    groups: Annotated[
        tuple[PlainText, ...] | None,
        BeforeValidator(as_list),
        AfterValidator(lambda value: value if value is None else fields.not_empty(value)),
    ] = None
    """Only what concerns people in one of these groups of the directory. Default: anybody. Needs
    `directory`.
    """


class Notices(Part):
    """Who is told of what."""

    channels: Annotated[tuple[Channel, ...], not_many(MOST_CHANNELS)] = ()
    """The ways out. Default: none, nobody is told."""
    command: PlainText = "daypass"
    """What people type before the words of a command, such as `ssh daypass@broker`.

    Default: what `gate install` has noted, else `daypass`.
    """
    ending_soon_before: Length = timedelta(minutes=15)
    """How long before its end a grant's person is told; grants that aren't longer than this are left
    out.
    """
    texts: NoticeTexts = NoticeTexts()
    """Titles and bodies of your own, by event. Default: Daypass's own."""

    @field_validator("channels")
    @classmethod
    def _names_once(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        names = [channel.name.lower() for channel in value]
        if again := [name for number, name in enumerate(names) if name in names[:number]]:
            raise fields.refuse("a name of its own for each channel", f"{again[0]} twice")
        return value

    def wants(self, about: NoticeEvent) -> bool:
        """Whether any channel is for this event."""
        return any(about in channel.events for channel in self.channels)
