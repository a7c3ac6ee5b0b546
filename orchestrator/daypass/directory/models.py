"""directory.yaml as written: its settings and the limits of each, checked one by one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    ValidationInfo,
    model_validator,
)

from daypass import host_rules
from daypass.ca.public_keys import PublicKeyRefused, check_public_key
from daypass.config import fields
from daypass.config.hours import Hours, time_zone
from daypass.config.part import Length, Part, PlainText
from daypass.domain.secrets import SecretReference
from daypass.errors import UsageError

# The pattern of `input type=email` (html.spec.whatwg.org); it leaves out what /etc/passwd can't hold.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
HTTPS = re.compile(r"https://[!-~]{1,1000}")
LONGEST_EMAIL = 128  # characters of GECOS that common tools leave as they are
FIRST_UID = 1000  # below are the system's own; hosts never touch those accounts
LAST_UID = 2**32 - 3  # -1 and -2 stand for nobody (setreuid(2), chown(2))


def email(value: Any) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_EMAIL and EMAIL.fullmatch(value):
        return value
    raise fields.refuse(f"an e-mail address of at most {LONGEST_EMAIL} characters")


def login(value: Any) -> str:
    """As hosts will check it again."""
    if not isinstance(value, str):
        raise fields.refuse("a login as text; put it in quotes")
    try:
        host_rules.check_login(value)
    except UsageError as error:
        raise fields.refuse(error.hint or "a login that hosts take", error.sentence) from None
    return value


def public_key(value: Any) -> str:
    """One line of a public key file, to `TYPE BASE64`."""
    if not isinstance(value, str):
        raise fields.refuse("TYPE BASE64, as in a .pub file")
    try:
        return check_public_key(value).line
    except PublicKeyRefused as error:
        raise fields.refuse(error.hint or "TYPE BASE64, as in a .pub file", error.sentence) from None


def calendar_url(value: Any, info: ValidationInfo) -> str | SecretReference | None:
    """An address by itself, or a reference to one that holds a token."""
    if value is None or (isinstance(value, str) and HTTPS.fullmatch(value)):
        return value
    if isinstance(value, dict):
        return fields.secret_reference(value, info)
    raise fields.refuse(f"https://…, or {fields.REFERENCE_ALLOWED}", "something else")


class PersonEntry(Part):
    """One person as written; `manager` and group names are looked at when all people are known."""

    email: Annotated[str, PlainValidator(email)]
    login: Annotated[str, PlainValidator(login)]
    uid: StrictInt | None = Field(default=None, ge=FIRST_UID, le=LAST_UID)
    groups: tuple[PlainText, ...] = ()
    manager: PlainText | None = None
    active: StrictBool = True
    public_keys: tuple[Annotated[str, PlainValidator(public_key)], ...] = ()


class GroupEntry(Part):
    """One group as written: people by login or e-mail address, and groups whose people are in it too."""

    name: PlainText
    members: tuple[PlainText, ...] = ()
    groups: tuple[PlainText, ...] = ()


class SlotEntry(Hours):
    """Hours of the week with whoever is on duty then, by login or e-mail address, or by group."""

    people: tuple[PlainText, ...] = ()
    groups: tuple[PlainText, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> SlotEntry:
        if not self.people and not self.groups:
            raise fields.refuse("people or groups, at least one", "hours with nobody")
        return self


class CalendarEntry(Part):
    """A calendar as written: a file, or a https address, which may be a secret.

    Attributes:
        timezone: Of times without a zone, and of whole days.
        names: Names as they stand in event titles, to logins or e-mail addresses.
        max_age: How old the last good copy of an address may be.
    """

    file: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    url: Annotated[str | SecretReference | None, PlainValidator(calendar_url)] = None
    timezone: Annotated[ZoneInfo, PlainValidator(time_zone)] = ZoneInfo("UTC")
    names: dict[PlainText, PlainText] = Field(default_factory=dict)
    max_age: Length = timedelta(days=1)

    @model_validator(mode="after")
    def _one_place(self) -> CalendarEntry:
        if (self.file is None) == (self.url is None):
            raise fields.refuse("file or url, one of them", "both" if self.file else "neither")
        return self


class ShiftEntry(Part):
    """One shift as written; with both, whoever one of them names is on duty."""

    name: PlainText
    weekly: Annotated[tuple[SlotEntry, ...], AfterValidator(fields.not_empty)] | None = None
    calendar: CalendarEntry | None = None

    @model_validator(mode="after")
    def _some_hours(self) -> ShiftEntry:
        if self.weekly is None and self.calendar is None:
            raise fields.refuse("weekly or calendar", "a shift without hours")
        return self


class DirectoryFile(Part):
    """directory.yaml.

    Attributes:
        groups: None = people's own `groups` are all there are; a list must name every group.
    """

    people: Annotated[tuple[PersonEntry, ...], AfterValidator(fields.not_empty)]
    groups: tuple[GroupEntry, ...] | None = None
    shifts: tuple[ShiftEntry, ...] = ()
