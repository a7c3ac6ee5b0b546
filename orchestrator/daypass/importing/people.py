"""Everyone whom the definitions name -> a directory to begin with.

Nobody in it gets access before somebody has confirmed the login: people are written with `active: false`.
Groups with members: `docs/resources/managed_group.md`, `docs/resources/group.md`; `GroupV1` of
`internal/v2/api/openapi.json` has names alone.
"""

from __future__ import annotations

from typing import Any

from daypass.directory.models import EMAIL, LONGEST_EMAIL
from daypass.importing.findings import Kind
from daypass.importing.names import login_names
from daypass.importing.settings import Entry
from daypass.importing.source import Node, Odd

PLACEHOLDER = "replace-me@example.com"
FILE = "directory.yaml"
LONGEST_NAME = 256  # characters (config.fields.plain_text)


class People:
    """People, groups and shifts, as they come up."""

    def __init__(self) -> None:
        self._logins = login_names()
        self._people: dict[str, tuple[str, str]] = {}  # lower-case address -> address, login
        self._groups: dict[str, list[str]] = {}
        self._group_of_id: dict[str, str] = {}
        self._shifts: dict[str, None] = {}
        self._unclear: dict[str, None] = {}

    def add_group(self, node: Node) -> None:
        """A group that the source defines; flows may name it by one of its ids."""
        name = node.need("name")
        if not is_plain(name.text()):
            raise Odd(name, f"1 to {LONGEST_NAME} printable characters")
        ids = [found for key in ("id", "source_id") if (found := node.get(key)) is not None]
        members = [member for member in node.listed("members") if self._is_address(member)]
        for found in ids:
            self._group_of_id[found.text()] = name.value
            found.set_aside(Kind.FACT, found="an id, which conditions may use")
        for key in ("source_integration_id", "source_integration_name"):
            if node.get(key) is not None:
                node.child(key).set_aside(Kind.NO_EQUAL)
        self._groups.setdefault(name.value, []).extend(self._person(member.value) for member in members)

    def _is_address(self, member: Node) -> bool:
        if _is_address(member.text()):
            return True
        member.set_aside(Kind.LEFT_OUT, "add the person by hand", found="a member without a usable address")
        return False

    def group_name(self, value: str) -> str:
        """The name of a group that is named by its name or by an id."""
        return self._group_of_id.get(value, value)

    def note(self, conditions: Any) -> None:
        """Everyone whom conditions of ours name whole."""
        if isinstance(conditions, list):
            for one in conditions:
                self.note(one)
        elif isinstance(conditions, dict):
            for key, value in conditions.items():
                if key in ("user", "manager", "group", "shift"):
                    self.note_names(key, _exact(value))
                else:
                    self.note(value)

    def note_names(self, kind: str, names: list[str]) -> None:
        """Users and managers, groups or shifts by name."""
        for name in names:
            if kind == "group":
                self._groups.setdefault(name, [])
            elif kind == "shift":
                self._shifts[name] = None
            elif _is_address(name):
                self._person(name)
            else:
                self._unclear[name] = None

    @property
    def shifts(self) -> list[str]:
        return list(self._shifts)

    @property
    def unclear(self) -> list[str]:
        """Named as users, and no e-mail addresses."""
        return list(self._unclear)

    def _person(self, address: str) -> str:
        """The address as it was written first."""
        if address.lower() not in self._people:
            login = self._logins.give(address.split("@", maxsplit=1)[0].lower())
            self._people[address.lower()] = (address, login)
        return self._people[address.lower()][0]

    @property
    def empty_groups(self) -> list[str]:
        """Groups of which no members are known."""
        return [name for name, members in self._groups.items() if not members]

    def entries(self) -> dict[str, list[Entry]]:
        """The lists of directory.yaml."""
        found = list(self._people.values()) or [(PLACEHOLDER, "replace-me")]
        lists = {"people": [_person_entry(address, login) for address, login in found]}
        if self._groups:
            lists["groups"] = [_group_entry(name, members) for name, members in self._groups.items()]
        return lists


def _person_entry(address: str, login: str) -> Entry:
    entry = Entry()
    entry.put("email", address)
    entry.put("login", login)
    entry.put("active", False)
    return entry


def _group_entry(name: str, members: list[str]) -> Entry:
    entry = Entry()
    entry.put("name", name)
    value: list[Any] = list(dict.fromkeys(members))
    if value:
        entry.put("members", value)
    return entry


def is_plain(text: object) -> bool:
    """Whether our settings take it as a text."""
    return isinstance(text, str) and text.isprintable() and 0 < len(text) <= LONGEST_NAME


def _is_address(text: str) -> bool:
    return len(text) <= LONGEST_EMAIL and bool(EMAIL.fullmatch(text))


def _exact(match: Any) -> list[str]:
    """The names that a comparison names whole."""
    values = (
        match if not isinstance(match, dict) else [*_listed(match.get("is")), *_listed(match.get("is_not"))]
    )
    return _listed(values)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
