"""Every kind of change, killed before and after every single effect: then the next run comes.

On a host in memory, so that all of them are tried each time; `integration/faults/test_kills.py` does the same
with real tools.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.fields import show_moment
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import LEDGER_COPY_PATH, LEDGER_PATH
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from tests.memory_system import JANE, Killed, MemorySystem, Rights, in_memory
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
UIDS = {"alice": 70007, "bob": 70008, "carol": 70009, JANE: 1501}
ALL, ID = {"run_as": "root", "commands": "ALL"}, {"run_as": "root", "commands": ["/usr/bin/id"]}
SOON, LATER = NOW + 3600, NOW + 90000

Grant = tuple[str, list[str], list[dict[str, Any]], int]
WIDE: Grant = ("G1", ["ops", "web"], [ID, {**ID, "run_as": "olaf"}], LATER)
NARROW: Grant = ("G1", ["ops"], [ID], LATER)
OTHER: Grant = ("G2", ["web", "team"], [ALL], LATER)
# Groups that aren't there before; the document lets the host make them.
CREATED = {"fresh", "night"}
MADE: Grant = ("G3", ["fresh", "ops"], [ID], LATER)
BOTH: Grant = ("G4", ["fresh", "night"], [], LATER)

# What people have, and what the killed run is told; accounts that it leaves out are removed.
KINDS: dict[str, tuple[dict[str, list[Grant]], dict[str, list[Grant]]]] = {
    "first grant": ({}, {"alice": [WIDE]}),
    "second grant": ({"alice": [NARROW]}, {"alice": [NARROW, OTHER]}),
    "widened": ({"alice": [NARROW]}, {"alice": [WIDE]}),
    "narrowed": ({"alice": [WIDE]}, {"alice": [NARROW]}),
    "extended": ({"alice": [(*NARROW[:3], SOON)]}, {"alice": [NARROW]}),
    "shortened": ({"alice": [NARROW]}, {"alice": [(*NARROW[:3], SOON)]}),
    "one of two ends": ({"alice": [WIDE, OTHER]}, {"alice": [OTHER]}),
    "one in the place of another": ({"alice": [WIDE]}, {"alice": [OTHER]}),
    "all end": ({"alice": [WIDE, OTHER]}, {"alice": []}),
    "opened again": ({"alice": [], "bob": [NARROW]}, {"alice": [OTHER], "bob": [NARROW]}),
    "two change places": ({"alice": [WIDE], "bob": []}, {"alice": [], "bob": [WIDE]}),
    "three at once": ({"alice": [WIDE], "bob": [NARROW]}, {"alice": [NARROW], "bob": [], "carol": [OTHER]}),
    "joined": ({}, {JANE: [WIDE]}),
    "joined person gets more": ({JANE: [NARROW]}, {JANE: [WIDE, OTHER]}),
    "joined person's grant ends": ({JANE: [WIDE], "bob": [NARROW]}, {JANE: [], "bob": [NARROW]}),
    "group made": ({}, {"alice": [MADE]}),
    "groups made for a second grant": ({"alice": [NARROW]}, {"alice": [NARROW, BOTH]}),
    "groups made for two": ({}, {"alice": [MADE], "bob": [BOTH]}),
    "made group kept by another": ({"alice": [MADE], "bob": [BOTH]}, {"alice": [], "bob": [BOTH]}),
    "made groups go with the last": ({"alice": [MADE], "bob": [BOTH]}, {"alice": [], "bob": []}),
    "made group of one that goes": ({"alice": [BOTH]}, {"alice": [MADE]}),
    "made group changes hands": ({"alice": [MADE], "bob": []}, {"alice": [], "bob": [MADE]}),
    "made group of a joined person": ({}, {JANE: [MADE]}),
    "joined person leaves a made group": ({JANE: [BOTH]}, {JANE: []}),
    "removed with a made group": ({"alice": [MADE]}, {}),
    "removed": ({"alice": [], "bob": [NARROW]}, {"bob": [NARROW]}),
}
ONLY_TIME = ("extended", "shortened")


def opaque(sequence: int, wanted: dict[str, list[Grant]], removed: list[str]) -> str:
    """A document with these people's grants."""
    accounts = [
        {
            "name": login,
            "uid": UIDS[login],
            "existing": "join" if login == JANE else "refuse",
            "comment": f"{login}@example.com",
            "shell": "/bin/bash",
            "home_on_removal": "keep",
            "remove": login in removed,
            "grants": [
                {
                    "id": f"{key}{login}",
                    "principals": [f"daypass-{key}{login}-1"],
                    "groups": groups,
                    "create_groups": [name for name in groups if name in CREATED],
                    "sudo": rules,
                    "not_after": show_moment(until),
                }
                for key, groups, rules, until in grants
            ],
        }
        for login, grants in [*wanted.items(), *((login, []) for login in removed)]
    ]
    return full_document(sequence, accounts)


def run(system: MemorySystem, text: str) -> dict[str, Any]:
    """One run that nobody kills; it goes well."""
    system.die = None
    result = converge(system, text, now=NOW)
    assert not result["failed"], result["answer"]
    return result


def held(system: MemorySystem) -> dict[str, Rights]:
    """What each person has."""
    return {login: system.rights(login) for login in UIDS}


def traces(system: MemorySystem) -> tuple[Any, ...]:
    """Everything on the host that two equal ends have in common."""
    whole = {path: text for path, text in system.files.items() if "corrupt" not in path}
    files = {path: re.sub(rb'"since":[0-9]+', b"", text) for path, text in whole.items()}
    return (system.users, system.groups, system.homes, files)


def logged_in(system: MemorySystem) -> set[str]:
    """Who still has a session."""
    return {login for login, _uid, _rights in system.running.values()}


def prepared(start: dict[str, list[Grant]], broken: str | None) -> MemorySystem:
    """A host on which people have this; who has nothing had something before."""
    system = MemorySystem()
    system.have_jane()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        run(system, opaque(1, {login: grants or [NARROW] for login, grants in start.items()}, []))
        run(system, opaque(2, start, []))
    for login in start:
        system.log_in(login)
    if broken is not None:
        system.files[broken] = b""
    system.effects.clear()
    return system


@pytest.mark.parametrize("broken", [None, LEDGER_PATH, LEDGER_COPY_PATH], ids=["whole", "ledger", "copy"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_anywhere_nobody_has_more_and_the_next_run_ends_right(kind: str, broken: str | None):
    """At the kill nobody has more than before, or than is wanted; then all is as if it hadn't happened."""
    start, end = KINDS[kind]
    change = opaque(3, end, sorted(set(start) - set(end)))
    beginning = prepared(start, broken)
    unkilled = copy.deepcopy(beginning)
    with in_memory(unkilled):
        run(unkilled, change)
        effects = len(unkilled.effects)
        run(unkilled, change)
    assert effects > 4
    for number in range(effects):
        for when in ("before", "after"):
            system = copy.deepcopy(beginning)
            system.die = (number, when)
            with in_memory(system):
                with pytest.raises(Killed):
                    converge(system, change, now=NOW)
                check_kill(held(system), held(beginning), held(unkilled))
                run(system, change)
            assert traces(system) == traces(unkilled), (number, when)
            # Rights that came and went with the kill may be in a session: it ends, for safety.
            assert logged_in(system) <= logged_in(unkilled)
            assert kind not in ONLY_TIME or logged_in(system) == logged_in(unkilled)


def check_kill(found: dict[str, Rights], before: dict[str, Rights], wanted: dict[str, Rights]) -> None:
    """All have no more than before; once anything new is there, all have no more than is wanted."""
    assert within(found, before) or within(found, wanted), (found, before, wanted)


def within(found: dict[str, Rights], limit: dict[str, Rights]) -> bool:
    """Whether nobody has more than this."""
    return all(rights.within(limit[login]) for login, rights in found.items())
