# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account files as values: passwd(5), shadow(5), group(5), subuid(5), shells(5). Pure.

Lines that these formats don't allow are skipped, as the system's own library does.
"""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Iterable


class Passwd(NamedTuple):
    """One line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str


class Shadow(NamedTuple):
    """One line of /etc/shadow; days since 1970, None where the field is empty."""

    password: str
    changed: int | None
    least: int | None
    most: int | None
    warn: int | None
    inactive: int | None
    expire: int | None


class Group(NamedTuple):
    """One line of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...]


def parse_passwd(content: bytes) -> dict[str, Passwd]:
    """Name to entry; the first line of a name counts."""
    found: dict[str, Passwd] = {}
    for fields in _lines(content, 7):
        if _is_number(fields[2]) and _is_number(fields[3]):
            entry = Passwd(fields[0], int(fields[2]), int(fields[3]), fields[4], fields[5], fields[6])
            found.setdefault(entry.name, entry)
    return found


def parse_shadow(content: bytes, logins: Iterable[str]) -> dict[str, Shadow]:
    """The entries of some logins only: nobody else's password digest is kept."""
    wanted = set(logins)
    found: dict[str, Shadow] = {}
    for fields in _lines(content, 9):
        if fields[0] in wanted:
            found.setdefault(fields[0], Shadow(fields[1], *(_day(field) for field in fields[2:8])))
    return found


def parse_group(content: bytes) -> dict[str, Group]:
    """Name to entry; the first line of a name counts."""
    found: dict[str, Group] = {}
    for fields in _lines(content, 4):
        if _is_number(fields[2]):
            members = tuple(member for member in fields[3].split(",") if member)
            found.setdefault(fields[0], Group(fields[0], int(fields[2]), members))
    return found


def parse_gshadow(content: bytes) -> dict[str, frozenset[str]]:
    """Name to members (gshadow(5)); the first line of a name counts."""
    found: dict[str, frozenset[str]] = {}
    for fields in _lines(content, 4):
        found.setdefault(fields[0], frozenset(member for member in fields[3].split(",") if member))
    return found


def names_in(content: bytes) -> frozenset[str]:
    """The first field of each line."""
    return frozenset(line.partition(":")[0] for line in _split(content) if ":" in line)


def parse_ranges(content: bytes) -> tuple[tuple[str, int, int], ...]:
    """Subordinate ids as (owner, first, last)."""
    found = []
    for owner, first, count in _lines(content, 3):
        if _is_number(first) and _is_number(count) and int(count):
            found.append((owner, int(first), int(first) + int(count) - 1))
    return tuple(found)


def parse_shells(content: bytes) -> frozenset[str]:
    """The login shells that this host allows."""
    lines = (line.partition("#")[0].strip() for line in _split(content))
    return frozenset(line for line in lines if line.startswith("/"))


def _lines(content: bytes, fields: int) -> Iterable[list[str]]:
    for line in _split(content):
        parts = line.split(":")
        if len(parts) == fields and parts[0]:
            yield parts


def _day(field: str) -> int | None:
    try:
        return int(field)
    except ValueError:
        return None


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdigit()  # isdigit alone takes what int() doesn't


def _split(content: bytes) -> list[str]:
    """Lines as the C library sees them: str.splitlines would also end one at a character of a GECOS field."""
    return content.decode("utf-8", "surrogateescape").split("\n")
