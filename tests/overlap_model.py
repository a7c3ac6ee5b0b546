"""What a host should give after any sequence of documents: a model that knows nothing of ledgers and plans.

A `State` is what the host was told so far. `follow` gives the next one. Where a run was killed or failed,
several states are possible; whoever tests keeps them all until the host shows which one it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from tests.memory_system import JANE, JANES_GROUPS, MARKS, Rights

DAY = 86400
FOREVER = 366 * DAY  # how long a grant stays ended that the host never knew

PTY = frozenset({"pty"})  # what a grant that says nothing permits


@dataclass(frozen=True)
class Grant:
    """One grant as somebody wants it."""

    id: str
    principals: frozenset[str]
    groups: frozenset[str]
    sudo: frozenset[tuple[str, str]]  # (run as, command)
    until: int
    permits: frozenset[str] = PTY  # beside a login, as key lines say it


Grants = Mapping[str, Mapping[str, Grant]]  # login -> id -> grant


@dataclass(frozen=True)
class Document:
    """What is sent: the grants of each login that is listed, and the ids that end. No sequence: a merge."""

    sequence: int | None
    grants: Grants
    absent: Mapping[str, frozenset[str]]
    remove: frozenset[str] = frozenset()
    exclusive: bool = True


@dataclass(frozen=True)
class State:
    """What the host was told.

    Attributes:
        blocked: Grants of an account that lost our group, with the end until which they can't come back.
        ended: Grants that ended before their time; a document without a sequence can't bring them back.
    """

    sequence: int = 0
    seen: int = 0
    grants: Grants = field(default_factory=dict)
    blocked: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    def rights(self, login: str) -> Rights:
        """Exactly the union of all grants; of somebody who was there before, beside what is her own."""
        grants = self.grants.get(login, {}).values()
        sudo: dict[tuple[str, str], int] = {}
        for grant in grants:
            for rule in grant.sudo:
                sudo[rule] = max(sudo.get(rule, 0), grant.until)
        return Rights(
            frozenset(
                (name, permit, _text(grant.until))
                for grant in grants
                for name in grant.principals
                for permit in ("", *grant.permits)
            ),
            frozenset(group for grant in grants for group in grant.groups) | _own_groups(login),
            frozenset((*rule, _text(until)) for rule, until in sudo.items()),
            1 if login in MARKS else max((grant.until // DAY + 1 for grant in grants), default=1),
        )


def _own_groups(login: str) -> frozenset[str]:
    return JANES_GROUPS if login == JANE else frozenset()


def _text(until: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(until))


def follow(state: State, document: Document, clock: int, unmarked: frozenset[str] = frozenset()) -> State:
    """The state after a run that went well at this clock; `unmarked` logins were taken out of our group."""
    now = max(clock, state.seen)
    blocked = {key: until for key, until in state.blocked.items() if until > now}
    ended = {key: until for key, until in state.ended.items() if until > now}
    late = document.sequence is not None and document.sequence < state.sequence
    held = {login: _running(grants, now) for login, grants in state.grants.items()}
    wanted = {}
    for login in {*held, *document.grants}:
        wanted[login] = _wanted(
            document, login, held.get(login, {}), frozenset({*blocked, *ended}), late, now
        )
    for login in unmarked:
        before = state.grants.get(login, {})
        if before:
            for key, grant in {**before, **wanted[login]}.items():
                blocked[key] = max(grant.until, before[key].until if key in before else 0)
            wanted[login] = {}
    for login, grants in held.items():
        for key in set(grants) - set(wanted[login]):
            ended.setdefault(key, grants[key].until)
    if document.sequence is None:
        for key in frozenset().union(*document.absent.values()):
            ended.setdefault(key, now + FOREVER)
    else:
        ended = {}  # sequences order everything
    sequence = state.sequence if document.sequence is None else max(state.sequence, document.sequence)
    return State(sequence, now, {login: g for login, g in wanted.items() if g}, blocked, ended)


def _wanted(
    document: Document, login: str, held: dict[str, Grant], barred: frozenset[str], late: bool, now: int
) -> dict[str, Grant]:
    absent = document.absent.get(login, frozenset())
    stay = {key: grant for key, grant in held.items() if key not in absent}
    if late:
        return stay
    if login not in document.grants:
        return {} if document.exclusive else stay
    listed = document.grants[login]
    fresh = {key: grant for key, grant in _running(listed, now).items() if key not in barred}
    if document.sequence is not None:
        return fresh
    return {**{key: grant for key, grant in stay.items() if key not in listed}, **fresh}


def _running(grants: Mapping[str, Grant], now: int) -> dict[str, Grant]:
    return {key: grant for key, grant in grants.items() if grant.until > now}


def common(old: Mapping[str, Grant], new: Mapping[str, Grant]) -> dict[str, Grant]:
    """What both give, grant by grant."""
    return {
        key: Grant(
            key,
            old[key].principals & new[key].principals,
            old[key].groups & new[key].groups,
            old[key].sudo & new[key].sudo,
            min(old[key].until, new[key].until),
            old[key].permits & new[key].permits,
        )
        for key in old
        if key in new
    }


def mixed(old: State, new: State, base: State) -> Iterator[State]:
    """`base` with, for each login by itself, what the new state gives or what both have in common."""
    logins = sorted({*old.grants, *new.grants})
    choices = []
    for login in logins:
        before, after = old.grants.get(login, {}), new.grants.get(login, {})
        choices.append((after, common(before, after)))
    for chosen in product(*choices):
        yield replace(base, grants={login: g for login, g in zip(logins, chosen, strict=True) if g})


def after_death(
    states: Iterable[State], document: Document, clock: int, unmarked: frozenset[str]
) -> list[State]:
    """All that may be when a run was killed: it never was, it was recorded, or half of it was."""
    found = []
    for state in states:
        done = follow(state, document, clock, unmarked)
        found += [state, done, *mixed(state, done, done)]
    return unique(found)


def after_failure(
    states: Iterable[State], document: Document, clock: int, unmarked: frozenset[str]
) -> list[State]:
    """All that may be when a run failed for some: each has what was asked for, or what it kept of before."""
    found = []
    for state in states:
        done = follow(state, document, clock, unmarked)
        found += mixed(state, done, done)
    return unique(found)


def after_no_record(
    states: Iterable[State], document: Document, clock: int, unmarked: frozenset[str]
) -> list[State]:
    """All that may be when nothing could be written down but the document's number and the time."""
    found = []
    for state in states:
        done = follow(state, document, clock, unmarked)
        known = replace(state, sequence=done.sequence, seen=done.seen)
        found += [known, *mixed(state, done, known)]
    return unique(found)


def is_late(states: Iterable[State], document: Document) -> bool:
    """Whether the document is older than what the host may have followed: it gives nothing back then."""
    return document.sequence is not None and any(document.sequence < state.sequence for state in states)


def fitting(done: Iterable[State], found: Mapping[str, Rights], *, exact: bool) -> list[State]:
    """Those of the possible states that the host shows; without `exact` it may give less than they do.

    A run that was cut off may have taken things away that its record still names; until something newer comes
    nothing puts them back.
    """
    return unique(
        state
        for state in done
        if all(
            found[login] == state.rights(login) or (not exact and found[login].within(state.rights(login)))
            for login in found
        )
    )


def unique(states: Iterable[State]) -> list[State]:
    """Each state once."""
    found: list[State] = []
    for state in states:
        if state not in found:
            found.append(state)
    return found
