# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of single fields of a document. Pure; every check returns the value as it was, or refuses."""

from __future__ import annotations

import binascii
import time

from . import names, sudo_rules
from .names import Refusal
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence

CA_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
PARTS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))  # year to second in a moment's text
DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # each month of a common year


def invalid(sentence: str) -> Refusal:
    """The refusal of a document, with its sentence."""
    return Refusal("document_invalid", sentence)


def only(mapping: dict, allowed: tuple, where: str) -> None:
    """Refuse keys that this version doesn't know: a misspelt limit must not be ignored."""
    for key in mapping:
        if key not in allowed:
            raise invalid("%s: the field %s is unknown" % (where, names.shown(key)))


def items(value: object, kind: type, at_most: int, where: str) -> list:
    """A list of at most so many values of one type."""
    if not isinstance(value, list) or len(value) > at_most:
        raise invalid("%s is no list of at most %d entries" % (where, at_most))
    for entry in value:
        if not isinstance(entry, kind):
            raise invalid("%s holds %s" % (where, names.shown(entry)))
    return value


def unique(values: list, what: str) -> None:
    """Refuse the same value twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise invalid("the %s %s stands twice in the document" % (what, names.shown(value)))
        seen.add(value)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; true and 1.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: object, least: int, most: int, where: str) -> int:
    """A whole number in a range; true and 1.0 are none."""
    if not is_whole(value) or not least <= value <= most:
        raise invalid("%s is %s, allowed is %d to %d" % (where, names.shown(value), least, most))
    return value


def optional_number(value: object, least: int, most: int, where: str) -> int | None:
    """A whole number in a range, or null."""
    return None if value is None else number(value, least, most, where)


def truth(value: object, where: str) -> bool:
    """true or false, nothing that resembles them."""
    if not isinstance(value, bool):
        raise invalid("%s is %s, allowed is true or false" % (where, names.shown(value)))
    return value


def one_of(value: object, allowed: tuple, where: str) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        raise invalid("%s is %s, allowed is %s" % (where, names.shown(value), ", ".join(allowed)))
    return value


def matching(value: object, pattern: object, where: str) -> str:
    """A text that a pattern matches as a whole."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise invalid("%s is %s, which is not allowed" % (where, names.shown(value)))
    return value


def hex_id(value: object, where: str) -> str | None:
    """32 small hex digits, or null."""
    return None if value is None else matching(value, names.HEX_ID, where)


def moment(value: object, where: str) -> int:
    """`YYYY-MM-DDTHH:MM:SSZ` as seconds since 1970."""
    text = value if isinstance(value, str) else ""
    try:
        seconds = seconds_of([int(text[begin:end]) for begin, end in PARTS])
        right = text[:1] == "2" and show_moment(seconds) == text
    except (ValueError, OverflowError):
        right = False
    if not right:  # a 30 February or a second 60 means another moment
        raise invalid("%s is %s, which is no date as YYYY-MM-DDTHH:MM:SSZ" % (where, names.shown(value)))
    return seconds


def seconds_of(parts: Sequence[int]) -> int:
    """Year, month, day, hour, minute and second (UTC) as seconds since 1970; a day too many runs on.

    As calendar.timegm; that and time.strptime take longer to import than fifty accounts to plan.
    """
    year, month, day, hour, minute, second = parts
    before = year - 1 if month < 3 else year  # the leap day of a year counts from March on
    leap_days = before // 4 - before // 100 + before // 400 - 477  # 477: up to 1969
    days = (year - 1970) * 365 + leap_days + DAYS_BEFORE[min(month, 12) - 1] + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def show_moment(seconds: int) -> str:
    """Seconds since 1970 as `YYYY-MM-DDTHH:MM:SSZ`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def principals(value: object, grant_id: str, where: str) -> tuple:
    """`daypass-<this grant>-<n>`, each once: a line may open for its own grant only."""
    found = items(value, str, names.PRINCIPALS_MAX, where + ", principals")
    for text in found:
        if names.grant_of(text) != grant_id:
            raise invalid("%s: the principal %s is not daypass-%s-<n>" % (where, names.shown(text), grant_id))
    unique(found, "principal")
    return tuple(found)


def groups(value: object, where: str) -> tuple:
    """Names of groups that a grant may give, each once."""
    found = items(value, str, names.GROUPS_MAX, where + ", groups")
    for name in found:
        names.check_group(name)
    unique(found, "group")
    return tuple(found)


def create_groups(value: object, given: tuple, where: str) -> tuple:
    """Those among a grant's groups that may be made where they are missing, each once."""
    found = items(value, str, names.GROUPS_MAX, where + ", create_groups")
    for name in found:
        names.check_created_group(name)
        if name not in given:
            raise invalid("%s: create_groups has %s, groups hasn't" % (where, names.shown(name)))
    unique(found, "group to create")
    return tuple(found)


def sudo(value: object, where: str) -> list:
    """Checked sudo rules as (run_as, commands) pairs."""
    rules = []
    for rule in items(value, dict, names.SUDO_RULES_MAX, where + ", sudo"):
        only(rule, ("run_as", "commands"), where + ", sudo")
        commands = rule.get("commands")
        if commands != sudo_rules.ALL:
            commands = tuple(items(commands, str, names.COMMANDS_MAX, where + ", sudo commands"))
        sudo_rules.check_rule(rule.get("run_as"), commands)
        rules.append((rule["run_as"], commands))
    return rules


def ca_keys(value: object) -> tuple:
    """Public keys `TYPE BASE64` whose inside says the same type; certificates and sk keys are no CA."""
    found = items(value, str, names.CA_KEYS_MAX, "ca_keys")
    for line in found:
        _check_ca_key(line)
    unique(found, "CA key")
    return tuple(found)


def from_base64(text: str) -> bytes:
    """The bytes of a base64 text that is as it would be written again: no blanks, no other characters.

    Raises:
        ValueError: It isn't.
    """
    written = text.encode("ascii")
    content = binascii.a2b_base64(written)
    if binascii.b2a_base64(content, newline=False) != written:
        raise ValueError("it is no base64")
    return content


def _check_ca_key(line: str) -> None:
    kind, separator, text = line.partition(" ")
    try:
        blob = from_base64(text)
    except ValueError:
        blob = b""
    head = len(kind).to_bytes(4, "big") + kind.encode("ascii", "replace")
    right = kind in CA_KEY_TYPES and separator and len(line) <= names.CA_KEY_LENGTH
    if not right or not blob.startswith(head) or len(blob) <= len(head):
        raise invalid(
            "ca_keys holds %s, allowed is TYPE BASE64 of an ed25519, ecdsa or rsa key" % names.shown(line)
        )
