"""Checked entries to a directory: groups opened, managers and shifts found by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from daypass.directory.calendar_sources import NO_CALENDARS, CalendarSources
from daypass.directory.calendars import CalendarRefused, CalendarShift, Names
from daypass.directory.checking import Known, shared_keys
from daypass.directory.directory import Directory
from daypass.directory.groups import open_groups
from daypass.directory.models import CalendarEntry, DirectoryFile, ShiftEntry, SlotEntry
from daypass.directory.shifts import JoinedShifts, Shift, WeeklyShift
from daypass.domain.people import Person
from daypass.domain.weekly import WeeklyHours


def build(
    entries: DirectoryFile,
    calendars: CalendarSources = NO_CALENDARS,
    members: Mapping[str, frozenset[str]] | None = None,
) -> Directory:
    """The directory of entries that have been checked together.

    Args:
        members: Group to everyone in it, where groups have been opened already.
    """
    known = Known(entries)
    if members is None:
        members = _members(entries, known)
    groups_of: dict[str, list[str]] = defaultdict(list)
    for name, logins in members.items():
        for login in logins:
            groups_of[login].append(name)
    shared = shared_keys(entries)
    people = {
        entry.login: Person(
            login=entry.login,
            email=entry.email,
            uid=entry.uid,
            groups=frozenset(groups_of[entry.login]),
            manager=known.login(entry.manager) if entry.manager else None,
            active=entry.active,
            public_keys=tuple(key for key in entry.public_keys if key not in shared),
        )
        for entry in entries.people
    }
    here = frozenset(login for login, person in people.items() if person.active)
    return Directory(
        people=people,
        logins={person.email.lower(): login for login, person in people.items()},
        members={name: logins & here for name, logins in members.items()},
        shifts={shift.name: _shift(shift, known, members, calendars) for shift in entries.shifts},
        shared_keys=shared,
    )


def _members(entries: DirectoryFile, known: Known) -> dict[str, frozenset[str]]:
    direct: dict[str, set[str]] = defaultdict(set)
    for person in entries.people:
        for group in person.groups:
            direct[group].add(person.login)
    for listed in entries.groups or ():
        direct[listed.name].update(filter(None, map(known.login, listed.members)))
    return open_groups(
        {name: frozenset(logins) for name, logins in direct.items()},
        {group.name: group.groups for group in entries.groups or ()},
    )


def _shift(
    entry: ShiftEntry, known: Known, members: Mapping[str, frozenset[str]], calendars: CalendarSources
) -> Shift:
    shifts: list[Shift] = []
    if entry.weekly is not None:
        shifts.append(WeeklyShift(tuple(_slot(slot, known, members) for slot in entry.weekly)))
    if entry.calendar is not None:
        shifts.append(_calendar(entry.calendar, known, calendars))
    return shifts[0] if len(shifts) == 1 else JoinedShifts(tuple(shifts))


def _slot(
    slot: SlotEntry, known: Known, members: Mapping[str, frozenset[str]]
) -> tuple[WeeklyHours, frozenset[str]]:
    people = frozenset(filter(None, map(known.login, slot.people)))
    return slot.weekly, people.union(*(members.get(group, frozenset()) for group in slot.groups))


def _calendar(entry: CalendarEntry, known: Known, calendars: CalendarSources) -> CalendarShift:
    by_name = {name: login for name, person in entry.names.items() if (login := known.login(person))}
    names = Names(known.login, by_name)

    def built(text: bytes) -> CalendarShift:
        return CalendarShift(text, names, entry.timezone)

    def usable(text: bytes) -> bool:
        try:
            built(text)
        except CalendarRefused:
            return False
        return True

    if entry.file is not None:
        found = calendars.file(entry.file)
    else:
        found = calendars.address(entry.url or "", entry.max_age, usable)
    if found.text is None:
        return CalendarShift(None, names, entry.timezone, found.trouble)
    try:
        return built(found.text)
    except CalendarRefused as error:
        return CalendarShift(None, names, entry.timezone, str(error))
