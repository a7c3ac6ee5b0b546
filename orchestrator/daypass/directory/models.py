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
    """E-mail address; new accounts are marked with it. Allowed: unique, case aside."""
    login: Annotated[str, PlainValidator(login)]
    """Linux login, the same on every server; what the record knows a person by. Allowed: unique."""
    uid: StrictInt | None = Field(default=None, ge=FIRST_UID, le=LAST_UID)
    """uid of the account that the person has on the servers already, for [joining](#joining-accounts).
    Default: none. Allowed: unique.
    """
    groups: tuple[PlainText, ...] = ()
    """Groups that the person is in."""
    manager: PlainText | None = None
    """The person's manager, by login or e-mail address. Default: none. Allowed: somebody in the file,
    no circles.
    """
    active: StrictBool = True
    """`false`: the person has left. Grants end and accounts go with the next `reconcile`."""
    public_keys: tuple[Annotated[str, PlainValidator(public_key)], ...] = ()
    """Lines of public key files, for certificates and for the gate. Allowed: a key stands at one
    person, once.
    """


class GroupEntry(Part):
    """One group as written: people by login or e-mail address, and groups whose people are in it too."""

    name: PlainText
    """Its name. Allowed: unique."""
    members: tuple[PlainText, ...] = ()
    """People in it, by login or e-mail address, beside those who name it."""
    groups: tuple[PlainText, ...] = ()
    """Groups whose people are in it too. Allowed: no circles."""


class SlotEntry(Hours):
    """Hours of the week with whoever is on duty then, by login or e-mail address, or by group."""

    people: tuple[PlainText, ...] = ()
    """Who is on duty then, by login or e-mail address."""
    groups: tuple[PlainText, ...] = ()
    """Groups whose people are on duty then."""

    @model_validator(mode="after")
    def _somebody(self) -> SlotEntry:
        if not self.people and not self.groups:
            raise fields.refuse("people or groups, at least one", "hours with nobody")
        return self


class CalendarEntry(Part):
    """A calendar as written: a file, or a https address, which may be a secret."""

    file: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    """Path of the calendar; this or `url`. Default: none. Allowed: 5 MiB, 10,000 events, 100 of them
    repeating, none within a day.
    """
    url: Annotated[str | SecretReference | None, PlainValidator(calendar_url)] = None
    """Its https address; one that holds a token belongs into a secret. It is asked at most every five
    minutes, for 10 s. Default: none. Allowed: as `file`.
    """
    timezone: Annotated[ZoneInfo, PlainValidator(time_zone)] = ZoneInfo("UTC")
    """Whose clock the whole days and times without a zone are."""
    names: dict[PlainText, PlainText] = Field(default_factory=dict)
    """Names as they stand in titles, to logins or e-mail addresses."""
    max_age: Length = timedelta(days=1)
    """How old the last good copy of an address may be when it can't be fetched; then nobody is on that
    shift.
    """

    @model_validator(mode="after")
    def _one_place(self) -> CalendarEntry:
        if (self.file is None) == (self.url is None):
            raise fields.refuse("file or url, one of them", "both" if self.file else "neither")
        return self


class ShiftEntry(Part):
    """One shift as written; with both, whoever one of them names is on duty."""

    name: PlainText
    """Its name."""
    weekly: Annotated[tuple[SlotEntry, ...], AfterValidator(fields.not_empty)] | None = None
    """Hours of the week with whoever is on duty then. Default: none; this, `calendar` or both."""
    calendar: CalendarEntry | None = None
    """A calendar (iCalendar) as on-call tools export it. Default: none."""

    @model_validator(mode="after")
    def _some_hours(self) -> ShiftEntry:
        if self.weekly is None and self.calendar is None:
            raise fields.refuse("weekly or calendar", "a shift without hours")
        return self


class DirectoryFile(Part):
    """directory.yaml."""

    people: Annotated[tuple[PersonEntry, ...], AfterValidator(fields.not_empty)]
    """Everybody who may get access, and who left."""
    groups: tuple[GroupEntry, ...] | None = None
    """The groups; where it is given, it must name every group, so that a misspelt one is found.
    Default: those that people name.
    """
    shifts: tuple[ShiftEntry, ...] = ()
    """Who is on duty when."""
