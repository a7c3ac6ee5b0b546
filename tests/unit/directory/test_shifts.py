"""Shifts of directory.yaml: who is on duty at a moment."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.policies import NOW, directory


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("moment", "day", "night"),
    [
        ("2026-11-23 09:00", {"carol"}, set()),
        ("2026-11-23 19:59", {"carol"}, set()),
        ("2026-11-23 20:00", set(), {"erin"}),
        ("2026-11-24 07:59", set(), {"erin"}),
    ],
)
def test_shift_has_the_people_of_the_hour(moment, day, night):
    """The end of one is the beginning of the next."""
    people = directory()
    assert people.on_shift("day", at(moment)) == day
    assert people.on_shift("night", at(moment)) == night
    assert people.shifts_of("carol", at(moment)) == ({"day"} if day else set())


def test_edges_of_all_shifts_are_found_in_order():
    """Each once, between two moments; the first and the last are outside."""
    found = directory().shift_edges(at("2026-11-23 08:00"), at("2026-11-24 20:00"))
    assert found == [at("2026-11-23 20:00"), at("2026-11-24 08:00")]


def test_shift_may_name_groups_and_leaves_out_who_left():
    """A group's members of today; frank has left."""
    slot = {"people": ["frank", "bob"], "groups": ["dba"], "timezone": "UTC"}
    assert directory(shifts=[{"name": "all", "weekly": [slot]}]).on_shift("all", NOW) == {
        "bob",
        "dave",
        "erin",
    }


def test_shift_that_is_not_known_has_nobody():
    """A slip of the pen gives nothing."""
    assert directory().on_shift("dya", NOW) == frozenset()


def test_problems_of_shifts_are_found_at_their_places(problems_of):
    """Names of nobody, hours without anybody, odd times, a name twice."""
    people = [{"login": "alice", "email": "alice@example.com"}]
    odd = [
        ({"people": ["alicce"], "timezone": "UTC"}, "shifts[0].weekly[0].people[0]"),
        ({"timezone": "UTC"}, "shifts[0].weekly[0]"),
        ({"people": ["alice"], "timezone": "Berlin"}, "shifts[0].weekly[0].timezone"),
        ({"people": ["alice"]}, "shifts[0].weekly[0].timezone"),
        ({"people": ["alice"], "timezone": "UTC", "days": ["mo"]}, "shifts[0].weekly[0].days[0]"),
        ({"people": ["alice"], "timezone": "UTC", "start": "25:00"}, "shifts[0].weekly[0].start"),
        ({"people": ["alice"], "timezone": "UTC", "start": "9:00", "end": "9:00"}, "shifts[0].weekly[0]"),
    ]
    for slot, place in odd:
        [problem] = problems_of(people=people, shifts=[{"name": "s", "weekly": [slot]}])
        assert problem.startswith(f"{place}: "), problem
    slot = {"people": ["alice"], "timezone": "UTC"}
    [problem] = problems_of(people=people, shifts=[{"name": "s", "weekly": [slot]}] * 2)
    assert problem.startswith("shifts[1].name")


def test_time_without_quotes_is_read_as_it_looks(directory_of):
    """YAML makes 22:00 a number; 09:00 stays text."""
    text = """
people: [{login: alice, email: alice@example.com}]
shifts: [{name: s, weekly: [{people: alice, start: 22:00, end: 09:00, timezone: UTC}]}]
""".replace("people: alice", "people: [alice]")
    people = directory_of(text)
    assert [hour for hour in range(24) if people.on_shift("s", at(f"2026-11-23 {hour:02}:00"))] == [
        *range(9),
        22,
        23,
    ]
