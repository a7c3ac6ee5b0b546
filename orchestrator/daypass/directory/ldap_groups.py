"""Groups of an LDAP directory, groups inside groups opened; circles are harmless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from daypass.config import fields
from daypass.config.directory import LdapGroups
from daypass.directory.ldap_asking import Entry, Found
from daypass.inventory.problems import shown


@dataclass(frozen=True)
class Groups:
    """Group to the logins of everyone in it, and what was left out."""

    members: Mapping[str, frozenset[str]]
    oddities: tuple[str, ...] = ()


def read_groups(found: Found, settings: LdapGroups, logins: Mapping[str, str]) -> Groups:
    """Every group that has a name of its own.

    Args:
        logins: Distinguished name to login, of all people.
    """
    known = frozenset(logins.values())
    direct: dict[str, set[str]] = {}
    inner: dict[str, set[str]] = {}
    for name, entry in found.entries.items():
        values = [value.decode("utf-8", "replace") for value in _values(entry, settings)]
        people = (logins.get(value, value) for value in values)
        direct[name] = {login for login in people if login in known}
        inner[name] = {value for value in values if value in found.entries}
    names, oddities = _names(found, settings)
    members = {
        names[name]: frozenset().union(*(direct[one] for one in _inside(name, inner))) for name in names
    }
    return Groups(members, tuple(oddities))


def _values(entry: Entry, settings: LdapGroups) -> list[bytes]:
    return [value for attribute in settings.members for value in entry.get(attribute.lower(), ())]


def _inside(name: str, inner: Mapping[str, set[str]]) -> set[str]:
    """A group and every group inside it, each once, however they contain each other."""
    seen, waiting = {name}, [name]
    while waiting:
        new = inner[waiting.pop()] - seen
        seen |= new
        waiting.extend(new)
    return seen


def _names(found: Found, settings: LdapGroups) -> tuple[dict[str, str], list[str]]:
    """Distinguished name to the name that settings know; one that two groups have is nobody's.

    Whoever may make groups somewhere below the base must not get into another one by its name.
    """
    names: dict[str, str] = {}
    oddities: list[str] = []
    for name, entry in found.entries.items():
        values = entry.get(settings.name.lower(), ())
        try:
            if len(values) != 1:
                raise ValueError
            names[name] = fields.plain_text(values[0].decode("utf-8"))
        except ValueError:
            oddities.append(
                f"{shown(name)} is no group: {settings.name} isn't one name of printable characters"
            )
    for text in sorted(text for text, count in Counter(names.values()).items() if count > 1):
        oddities.append(f"the group {shown(text)} is there more than once: it counts for nobody")
        names = {name: known for name, known in names.items() if known != text}
    return names, oddities
