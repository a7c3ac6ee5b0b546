"""What only shows when all people and groups are seen together: what is there twice, nobody, circles."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from daypass.config.problems import SettingProblem, path_text
from daypass.directory.groups import find_cycle
from daypass.directory.models import DirectoryFile, GroupEntry, PersonEntry, ShiftEntry
from daypass.inventory.problems import shown


def check_together(entries: DirectoryFile, file: str) -> list[SettingProblem]:
    """Every problem between the entries of one file."""
    known = Known(entries)
    found = [
        *_twice(entries),
        *_managers(entries, known),
        *_groups_of_people(entries, known),
        *_groups(entries, known),
        *_shifts(entries, known),
    ]
    return [SettingProblem(file, place, what, allowed) for place, what, allowed in found]


def check_shifts(entries: DirectoryFile) -> list[str]:
    """What shifts say of people and groups that aren't there, where that holds up nobody."""
    return [f"{place}: {what}" for place, what, _ in _shifts(entries, Known(entries))]


Entry = TypeVar("Entry", PersonEntry, GroupEntry, ShiftEntry)
Problems = Iterator[tuple[str, str, str]]  # path, found, allowed


class Known:
    """The names that the file gives."""

    def __init__(self, entries: DirectoryFile) -> None:
        self.people = {person.login: person.login for person in entries.people}
        self.people |= {person.email.lower(): person.login for person in entries.people}
        listed = entries.groups
        self.groups = None if listed is None else {group.name for group in listed}

    def login(self, name: str) -> str | None:
        """The login of whom a login or e-mail address names."""
        return self.people.get(name.lower() if "@" in name else name)

    def nobody(self, place: str, name: str) -> Problems:
        """A finding when nobody is called so."""
        if self.login(name) is None:
            yield (
                place,
                f"{shown(name)}, which is nobody",
                near(name, self.people, "a login or e-mail address"),
            )

    def no_group(self, place: str, name: str) -> Problems:
        """A finding when groups are listed and this one isn't."""
        if self.groups is not None and name not in self.groups:
            yield place, f"{shown(name)}, which is no group", near(name, self.groups, "a name of groups")


def near(name: str, names: Iterable[str], allowed: str) -> str:
    """What is allowed, the likely name first."""
    likely = difflib.get_close_matches(name, list(names), 1)
    return (f"did you mean {shown(likely[0])}? " if likely else "") + allowed


def _twice(entries: DirectoryFile) -> Problems:
    """One login, address or uid is one person's."""
    one_value: dict[str, Callable[[PersonEntry], object]] = {
        "login": lambda person: person.login,
        "email": lambda person: person.email.lower(),
        "uid": lambda person: person.uid,
    }
    for field, value_of in one_value.items():
        first: dict[object, int] = {}
        for index, person in enumerate(entries.people):
            value = value_of(person)
            if value and (other := first.setdefault(value, index)) != index:
                found = f"{shown(getattr(person, field))}, which people[{other}] has too"
                yield f"people[{index}].{field}", found, f"each {field} at one person"
    yield from _keys_twice(entries)
    yield from _names_twice("groups", [group.name for group in entries.groups or ()])
    yield from _names_twice("shifts", [shift.name for shift in entries.shifts])


def _names_twice(kind: str, names: list[str]) -> Problems:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            yield f"{kind}[{index}].name", f"{shown(name)} again", "each name once"


def _keys_twice(entries: DirectoryFile) -> Problems:
    """At one person; a key that stands at two is nobody's, which holds up nobody else (`shared_keys`)."""
    for index, person in enumerate(entries.people):
        first: dict[str, str] = {}
        for number, key in enumerate(person.public_keys):
            place = f"people[{index}].public_keys[{number}]"
            if (other := first.setdefault(key, place)) != place:
                yield place, f"the key of {other} again", "each key once, at one person"


def shared_keys(entries: DirectoryFile) -> dict[str, tuple[str, ...]]:
    """Keys that stand at more than one person, whether here or gone, with the logins of all of them."""
    owners: dict[str, list[str]] = {}
    for person in entries.people:
        for key in person.public_keys:
            owners.setdefault(key, []).append(person.login)
    return {key: tuple(logins) for key, logins in owners.items() if len(logins) > 1}


def _managers(entries: DirectoryFile, known: Known) -> Problems:
    above: dict[str, tuple[str, ...]] = {}
    for index, person in enumerate(entries.people):
        if person.manager is None:
            continue
        yield from known.nobody(f"people[{index}].manager", person.manager)
        if manager := known.login(person.manager):
            above[person.login] = (manager,)
    if cycle := find_cycle(above):
        index = next(n for n, person in enumerate(entries.people) if person.login == cycle[0])
        yield f"people[{index}].manager", f"a circle: {' -> '.join(cycle)}", "nobody below themselves"


def _groups_of_people(entries: DirectoryFile, known: Known) -> Problems:
    for index, person in enumerate(entries.people):
        for number, group in enumerate(person.groups):
            yield from known.no_group(f"people[{index}].groups[{number}]", group)


def _groups(entries: DirectoryFile, known: Known) -> Problems:
    for index, group in enumerate(entries.groups or ()):
        for number, member in enumerate(group.members):
            yield from known.nobody(f"groups[{index}].members[{number}]", member)
        for number, inner in enumerate(group.groups):
            yield from known.no_group(f"groups[{index}].groups[{number}]", inner)
    if cycle := find_cycle({group.name: group.groups for group in entries.groups or ()}):
        yield "groups", f"a circle: {' -> '.join(cycle)}", "no group inside itself"


def _shifts(entries: DirectoryFile, known: Known) -> Problems:
    for index, shift in enumerate(entries.shifts):
        for name, person in shift.calendar.names.items() if shift.calendar else ():
            yield from known.nobody(path_text(("shifts", index, "calendar", "names", name)), person)
        for number, slot in enumerate(shift.weekly or ()):
            place = f"shifts[{index}].weekly[{number}]"
            for position, name in enumerate(slot.people):
                yield from known.nobody(f"{place}.people[{position}]", name)
            for position, group in enumerate(slot.groups):
                yield from known.no_group(f"{place}.groups[{position}]", group)


def sound(value: object) -> DirectoryFile:
    """What is right of a file that has problems, so that those between its entries are told with the others.

    An entry that is refused by itself is replaced by an empty one, which only keeps its place and its names.
    """
    lists = value if isinstance(value, dict) else {}
    return DirectoryFile.model_construct(
        people=tuple(_sound(PersonEntry, entry, "login", "email") for entry in _entries(lists, "people")),
        groups=tuple(_sound(GroupEntry, entry, "name") for entry in _entries(lists, "groups"))
        if lists.get("groups") is not None
        else None,
        shifts=tuple(_sound(ShiftEntry, entry, "name") for entry in _entries(lists, "shifts")),
    )


def _entries(lists: dict[Any, Any], name: str) -> list[Any]:
    found = lists.get(name)
    return found if isinstance(found, list) else []


def _sound(model: type[Entry], entry: Any, *names: str) -> Entry:
    try:
        return model.model_validate(entry, context={"folder": Path()})
    except ValidationError:
        given = entry if isinstance(entry, dict) else {}
        words: dict[str, Any] = {
            name: text if isinstance(text := given.get(name), str) else "" for name in names
        }
        return model.model_construct(**words)
