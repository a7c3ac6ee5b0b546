"""Where people come from, as a setting: a file of ours, or an LDAP directory."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, model_validator

from daypass.config import fields
from daypass.config.part import Length, Part, PlainText, SecretField, as_list, not_many

# ldap://HOST is StartTLS (RFC 4513, 3), ldaps://HOST is TLS from the first byte; nothing is spoken without.
LDAP_URL = re.compile(
    r"ldaps?://(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?/?"
)
ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")  # RFC 4512, 1.4, without options
DN = re.compile(r"[^=,+]{1,128}=.{1,1000}")
MOST_URLS = 8
MOST_VALUES = 20
LONGEST_FILTER = 2000
MOST_GONE_PERCENT = 20


def ldap_url(value: Any) -> str:
    if isinstance(value, str) and LDAP_URL.fullmatch(value):
        return value.rstrip("/")
    raise fields.refuse("ldaps://HOST, or ldap://HOST, which is spoken with StartTLS; both may have a :PORT")


def attribute(value: Any) -> str:
    if isinstance(value, str) and ATTRIBUTE.fullmatch(value):
        return value
    raise fields.refuse("the name of an attribute: a letter, then letters, digits, dashes")


def optional_attribute(value: Any) -> str | None:
    return None if value is None else attribute(value)


def distinguished_name(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and DN.fullmatch(value):
        return value
    raise fields.refuse("a distinguished name, such as ou=people,dc=example,dc=com")


def optional_dn(value: Any) -> str | None:
    return None if value is None else distinguished_name(value)


def search_filter(value: Any) -> str:
    """In parentheses that fit together; the server says what else is wrong with it (RFC 4515)."""
    whole = isinstance(value, str) and value.isprintable() and 2 < len(value) <= LONGEST_FILTER
    if whole and value.startswith("(") and value.endswith(")") and value.count("(") == value.count(")"):
        return str(value)
    raise fields.refuse(
        f"a filter in parentheses of at most {LONGEST_FILTER} characters: (objectClass=person)"
    )


Attribute = Annotated[str, PlainValidator(attribute)]
OptionalAttribute = Annotated[str | None, PlainValidator(optional_attribute)]
BaseDn = Annotated[str, PlainValidator(distinguished_name)]
Filter = Annotated[str, PlainValidator(search_filter)]


class DisabledMark(Part):
    """What says that somebody has left."""

    attribute: Attribute
    """The attribute that says it."""
    values: Annotated[
        tuple[PlainText, ...] | None,
        BeforeValidator(as_list),
        AfterValidator(lambda value: value if value is None else fields.not_empty(value)),
    ] = None
    """It says so with one of these values, case aside. Default: with any value, where `bit` isn't given
    either.
    """
    bit: StrictInt | None = Field(default=None, ge=1, le=2**31)
    """It is a number, and says so with this bit: 2 in Active Directory's `userAccountControl`. Default: none.
    """

    @model_validator(mode="after")
    def _one_way(self) -> DisabledMark:
        if self.values is not None and self.bit is not None:
            raise fields.refuse("values or bit, one of them", "both")
        return self


class LdapPeople(Part):
    """Where people stand, and which attribute says what."""

    base: BaseDn
    """Entry below which everybody stands."""
    filter: Filter = "(objectClass=inetOrgPerson)"
    """Which entries below it are people."""
    id: OptionalAttribute = "entryUUID"
    """What stays the same as long as it is the same person: where a login has another one than before,
    somebody has to [say a word](ldap.md#people-who-vanish).
    """
    login: Attribute = "uid"
    """Linux login, the same on every server."""
    email: Attribute = "mail"
    """E-mail address; one that has several values is refused."""
    uid: OptionalAttribute = None
    """uid of the account that the person has on the servers already, for [joining](#joining-accounts).
    Default: none.
    """
    public_keys: OptionalAttribute = "sshPublicKey"
    """Public keys, one a value."""
    manager: OptionalAttribute = "manager"
    """Name of the manager's entry."""
    disabled: DisabledMark | None = None
    """What says that a person has left. Default: nothing, who left isn't found any more."""


class LdapGroups(Part):
    """Where groups stand, and which attribute says what."""

    base: BaseDn
    """Entry below which all groups stand."""
    filter: Filter = "(objectClass=groupOfNames)"
    """Which entries below it are groups."""
    name: Attribute = "cn"
    """Name by which flows know it; of two groups with the same name neither counts."""
    members: Annotated[
        tuple[Attribute, ...], BeforeValidator(as_list), AfterValidator(fields.not_empty), not_many(4)
    ] = ("member",)
    """Who is in it: names of entries, of people or of other groups, or logins. Default: `member`."""


class Ldap(Part):
    """An LDAP directory."""

    urls: Annotated[
        tuple[Annotated[str, PlainValidator(ldap_url)], ...],
        BeforeValidator(as_list),
        AfterValidator(fields.not_empty),
        not_many(MOST_URLS),
    ]
    """Servers, asked in this order until one answers; `ldap://` is spoken with StartTLS."""
    ca_file: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    """Certificates that the servers' own are checked against. Default: what this machine trusts."""
    bind_dn: Annotated[str | None, PlainValidator(optional_dn)] = None
    """Name of the entry that Daypass reads as. Needs `password`. Default: nobody's, anonymous."""
    password: SecretField | None = None
    """Its password. Needs `bind_dn`. Default: none."""
    people: LdapPeople
    """Where [people](#directoryldappeople) stand."""
    groups: LdapGroups | None = None
    """Where [groups](#directoryldapgroups) stand. Default: people are in no group."""
    refresh: Length = timedelta(minutes=1)
    """How old what is known of people may be before it is asked for again: so long somebody who left may
    still come in at the gate.
    """
    full_refresh: Length = timedelta(hours=1)
    """How often everything is read, and not only what has changed. Allowed: not shorter than `refresh`."""
    max_age: Length = timedelta(hours=4)
    """How old it may be, while no server answers, before nothing is opened any more; closings go on. Half a
    working day: long enough for most repairs, short enough that nobody who was dismissed meanwhile gets in
    the day after. Allowed: longer than `refresh`.
    """

    @model_validator(mode="after")
    def _fits_together(self) -> Ldap:
        if (self.bind_dn is None) != (self.password is None):
            raise fields.refuse("bind_dn and password, both or neither", "one of them")
        if not self.refresh <= self.full_refresh:
            raise fields.refuse("full_refresh no shorter than refresh", "a shorter one")
        if not self.refresh < self.max_age:
            raise fields.refuse("max_age longer than refresh", "a shorter one")
        return self


class DirectorySettings(Part):
    """Where people, groups and shifts come from."""

    file: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    """A file with all of them; `directory: PATH` says the same. Default: none, where `ldap` is given."""
    ldap: Ldap | None = None
    """An [LDAP directory](#directoryldap) with people and groups. Default: none, where `file` is given."""
    shifts: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    """Beside `ldap`: a file with [`shifts`](#shifts) alone. Default: no shifts."""
    gone_at_once: StrictInt = Field(default=MOST_GONE_PERCENT, ge=0, le=100)
    """Percent of all people who may vanish from the source within a day; two always may. Over it [nobody
    counts as gone](ldap.md#people-who-vanish) until `daypass directory confirm`. A fifth: more is a file
    that was cut off, or a filter that was changed, more often than people who left.
    """

    @model_validator(mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"file": value}

    @model_validator(mode="after")
    def _one_source(self) -> DirectorySettings:
        if (self.file is None) == (self.ldap is None):
            raise fields.refuse("file or ldap, one of them", "both" if self.file else "neither")
        if self.shifts is not None and self.ldap is None:
            raise fields.refuse(
                "shifts in the file itself; `shifts` is for ldap", "a file of shifts beside file"
            )
        return self

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of ours with people or shifts; certificates are the machine's, and everybody's to read."""
        return tuple(path for path in (self.file, self.shifts) if path is not None)

    def __str__(self) -> str:
        return ", ".join(self.ldap.urls) if self.ldap else str(self.file)
