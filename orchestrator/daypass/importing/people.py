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
from daypass.importing.source import Node

PLACEHOLDER = "replace-me@example.com"
FILE = "directory.yaml"


class People:
    """People, groups and shifts, as they come up."""

    def __init__(self) -> None:
        self._logins = login_names()
        self._people: dict[str, tuple[str, str]] = {}  # lower-case address -> address, login
        self._groups: dict[str, list[str]] = {}
        self._group_of_id: dict[str, str] = {}
        self._group_nodes: dict[str, Node] = {}
        self.shifts: list[str] = []
        self.unclear: list[str] = []  # named as users, and no e-mail address

    def add_group(self, node: Node) -> None:
        """A group that the source defines; flows may name it by one of its ids."""
        name = node.need("name").text()
        for key in ("id", "source_id"):
            if (found := node.get(key)) is not None:
                self._group_of_id[found.text()] = name
                found.set_aside(Kind.FACT, found="an id, which conditions may use")
        for key in ("source_integration_id", "source_integration_name"):
            if node.get(key) is not None:
                node.child(key).set_aside(Kind.NO_EQUAL)
        members = self._groups.setdefault(name, [])
        for member in node.listed("members"):
            if self._person(member.text()):
                members.append(self._people[member.text().lower()][0])
            else:
                member.set_aside(
                    Kind.LEFT_OUT, "add the person by hand", found="a member without a usable address"
                )

    def named(self, field: str, value: str, *, exact: bool) -> str:
        """The value as our conditions have it; people and groups that are named whole are noted."""
        if field == "group":
            name = self._group_of_id.get(value, value)
            if exact:
                self._groups.setdefault(name, [])
            return name
        if field == "shift" and exact and value not in self.shifts:
            self.shifts.append(value)
        if field in ("user", "manager") and exact and not self._person(value) and value not in self.unclear:
            self.unclear.append(value)
        return value

    def _person(self, address: str) -> bool:
        if len(address) > LONGEST_EMAIL or not EMAIL.fullmatch(address):
            return False
        if address.lower() not in self._people:
            login = self._logins.give(address.split("@", maxsplit=1)[0].lower())
            self._people[address.lower()] = (address, login)
        return True

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
