"""What an LDAP directory says, to people and groups: every value is checked as one of directory.yaml is.

One entry that can't be used holds up nobody else. Where it is known whose it is, that person is doubtful:
nothing opens, and nothing ends. A person who is marked as having left has left, whatever else stands there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from daypass.ca.public_keys import PublicKeyRefused, check_public_key
from daypass.config.directory import DisabledMark, Ldap, LdapPeople
from daypass.config.model_problems import as_problems
from daypass.directory import models
from daypass.directory.building import build
from daypass.directory.calendar_sources import CalendarSources
from daypass.directory.checking import check_shifts
from daypass.directory.directory import Directory
from daypass.directory.groups import find_cycle
from daypass.directory.ldap_asking import Answer, Entry, Found
from daypass.directory.ldap_groups import read_groups
from daypass.directory.models import DirectoryFile, GroupEntry, PersonEntry, ShiftEntry
from daypass.domain.people import Person
from daypass.errors import ConfigurationError
from daypass.inventory.problems import shown

MOST_ODDITIES = 50  # are told one by one


@dataclass
class People:
    """People of an answer, while they are sorted out.

    Attributes:
        here: By distinguished name.
        gone: As `here`, those who are marked as having left and whose values can be used.
        logins: Distinguished name to login, of everybody who has one.
        left: Logins of everybody who is marked.
        doubtful: Login to why it can't be used.
        managers: Login to the distinguished name of the manager.
        ids: Login to what stays when a login is given to somebody else.
    """

    here: dict[str, PersonEntry] = field(default_factory=dict)
    gone: dict[str, PersonEntry] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    doubtful: dict[str, str] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)


def directory_of(
    answer: Answer,
    settings: Ldap,
    shifts: tuple[ShiftEntry, ...],
    calendars: CalendarSources,
    *,
    read_at: datetime,
    trouble: str,
) -> Directory:
    """The directory that an answer describes.

    Raises:
        ConfigurationError: Nobody in it can be used.
    """
    people = _read_people(answer.people, settings.people)
    groups = read_groups(answer.groups, settings.groups, people.logins) if settings.groups else None
    entries = DirectoryFile.model_construct(
        people=_with_managers(people),
        groups=tuple(GroupEntry.model_construct(name=name) for name in groups.members) if groups else (),
        shifts=shifts,
    )
    if not people.here:
        raise ConfigurationError(
            f"nobody of the {len(answer.people.entries)} entries below {settings.people.base} can be used",
            hint="; ".join(people.oddities[:3]),
            code="directory_unreadable",
        )
    oddities = [*people.oddities, *(groups.oddities if groups else ()), *check_shifts(entries)]
    built = build(entries, calendars, groups.members if groups else {})
    marked = people.left - built.people.keys() - people.doubtful.keys()
    return replace(
        built,
        people={**built.people, **{login: Person(login, "", active=False) for login in sorted(marked)}},
        ids={login: known for login, known in people.ids.items() if login in built.people},
        doubtful=people.doubtful,
        read_at=read_at,
        trouble=trouble,
        oddities=_some(oddities),
    )


def _some(oddities: list[str]) -> tuple[str, ...]:
    more = len(oddities) - MOST_ODDITIES
    return (*oddities[:MOST_ODDITIES], *([f"and {more} more"] if more > 0 else []))


def _read_people(found: Found, settings: LdapPeople) -> People:
    people = People()
    for name, entry in found.entries.items():
        _read_person(people, name, entry, settings)
    _sort_out_twice(people)
    return people


def _read_person(people: People, name: str, entry: Entry, settings: LdapPeople) -> None:
    try:
        login = models.login(_one(entry, settings.login))
    except ValueError as error:
        people.oddities.append(f"{shown(name)} is nobody: {settings.login}: {_why(error)}")
        return
    people.logins[name] = login
    if settings.disabled and _is_disabled(entry, settings.disabled):
        people.left.add(login)
    manager = entry.get(settings.manager.lower(), ()) if settings.manager else ()
    if len(manager) == 1:
        people.managers[login] = manager[0].decode("utf-8", "replace")
    elif manager:
        people.oddities.append(f"{login} has {len(manager)} managers: none of them counts")
    try:
        if known := _id(entry, settings):
            people.ids[login] = known
        person = _person(people, login, entry, settings)
    except ValueError as error:
        if login not in people.left:
            people.doubtful[login] = _why(error)
            people.oddities.append(f"{login} can't be used: {_why(error)}")
        return
    (people.gone if login in people.left else people.here)[name] = person


def _person(people: People, login: str, entry: Entry, settings: LdapPeople) -> PersonEntry:
    """Raises: ValueError: A value is refused; pydantic's error is one."""
    left = login in people.left
    uid = _one(entry, settings.uid) if settings.uid and settings.uid.lower() in entry and not left else None
    keys = entry.get(settings.public_keys.lower(), ()) if settings.public_keys else ()
    return PersonEntry.model_validate(
        {
            "login": login,
            "email": _one(entry, settings.email),
            "uid": None if uid is None else _number(uid),
            "active": not left,
            "public_keys": _keys(people, login, keys),
        },
        context={},
    )


def _keys(people: People, login: str, values: Iterable[bytes]) -> list[str]:
    """Keys that can be used, each once; the others are told."""
    keys: dict[str, None] = {}
    for value in values:
        try:
            keys[check_public_key(value.decode("utf-8").strip()).line] = None
        except UnicodeDecodeError:
            people.oddities.append(f"a public key of {login} isn't text")
        except PublicKeyRefused as error:
            people.oddities.append(f"a public key of {login} is refused: {error.sentence}")
    return sorted(keys)


def _one(entry: Entry, attribute: str) -> str:
    """The one value of an attribute, as text.

    Raises:
        ValueError: There is none, there are several, or it isn't text.
    """
    values = entry.get(attribute.lower(), ())
    if len(values) != 1:
        raise ValueError(f"{attribute} has {len(values) or 'no'} values, one is expected")
    try:
        return values[0].decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{attribute} isn't text") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise ValueError(f"{shown(text)} is no uid")
    return int(text)


def _id(entry: Entry, settings: LdapPeople) -> str:
    """As text, or as digits where it is binary (Active Directory's objectGUID); empty where there is none."""
    values = entry.get(settings.id.lower(), ()) if settings.id else ()
    if len(values) > 1:
        raise ValueError(f"{settings.id} has {len(values)} values, one is expected")
    if not values:
        return ""
    return values[0].decode("ascii") if values[0].isascii() and values[0].isalnum() else values[0].hex()


def _is_disabled(entry: Entry, mark: DisabledMark) -> bool:
    """A number that isn't one counts as marked: what can't be told must not keep anybody here."""
    values = entry.get(mark.attribute.lower(), ())
    texts = [value.decode("utf-8", "replace") for value in values]
    if mark.bit is not None:
        return any(not _is_number(text) or int(text) & mark.bit for text in texts)
    if mark.values is not None:
        return bool({text.casefold() for text in texts} & {value.casefold() for value in mark.values})
    return bool(texts)


def _is_number(text: str) -> bool:
    return text.isascii() and text.lstrip("-").isdigit() and len(text) <= 20


def _sort_out_twice(people: People) -> None:
    """One login, address or uid is one person's: where it stands at several, it is nobody's."""
    several = [login for login, count in Counter(people.logins.values()).items() if count > 1]
    for login in several:
        if {name for name, one in people.logins.items() if one == login} <= people.gone.keys():
            continue
        _doubt(people, [login], f"several entries have the login {login}")
    fields: dict[str, Callable[[PersonEntry], object]] = {
        "address": lambda person: person.email.lower(),
        "uid": lambda person: person.uid,
    }
    for what, value_of in fields.items():
        owners: dict[object, list[str]] = defaultdict(list)
        for person in people.here.values():
            if value_of(person) is not None:
                owners[value_of(person)].append(person.login)
        for value, logins in owners.items():
            if len(logins) > 1:
                _doubt(
                    people, logins, f"{', '.join(sorted(logins))} have the same {what} {shown(str(value))}"
                )
    taken = {person.email.lower() for person in people.here.values()}
    for name, person in list(people.gone.items()):
        if person.email.lower() in taken or person.login in people.doubtful:
            del people.gone[name]  # what it says beside having left is somebody else's
        taken.add(person.email.lower())


def _doubt(people: People, logins: Iterable[str], why: str) -> None:
    people.oddities.append(why)
    for login in logins:
        people.doubtful[login] = why
    for name in [name for name, person in people.here.items() if person.login in people.doubtful]:
        del people.here[name]


def _with_managers(people: People) -> tuple[PersonEntry, ...]:
    """Everyone with the login of the manager, where that is somebody; a circle of managers is none."""
    everyone = [*people.here.values(), *people.gone.values()]
    usable = {person.login for person in everyone}
    above = {
        login: (manager,)
        for login, name in people.managers.items()
        if login in usable and (manager := people.logins.get(name, "")) in usable and manager != login
    }
    while cycle := find_cycle(above):
        people.oddities.append(f"managers in a circle: {' -> '.join(cycle)}; none of them counts")
        for login in cycle:
            above.pop(login, None)
    return tuple(
        person.model_copy(update={"manager": above[person.login][0]}) if person.login in above else person
        for person in everyone
    )


def _why(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        problems = as_problems(error, "", PersonEntry)
        return "; ".join(f"{one.path}: {one.found}; allowed: {one.allowed}" for one in problems)
    if isinstance(error, PydanticCustomError) and error.context:
        return str(error.context["found"] or error.context["allowed"])
    return str(error)
