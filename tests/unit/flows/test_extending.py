"""A later end, by the flow as it is now: the truth table of every reason against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from daypass.domain.certificates import Constraints
from daypass.domain.windows import window_from
from daypass.flows.extending import Extension, Given, decide_extension
from tests.policies import NOW, PEOPLE, policy

MINUTE = timedelta(minutes=1)
HALF = timedelta(minutes=30)
HOUR = timedelta(hours=1)
FLOW = {"max_extensions": 2, "extension_duration": "30m"}
GIVEN = Given("f", "alice", "alice", ("web-1",), ("ops",), window_from(NOW - HOUR, 2 * HOUR))


def decided(
    flow: dict[str, Any] | None = None,
    *,
    given: Given = GIVEN,
    length: timedelta | None = None,
    now: datetime = NOW,
    **rest: Any,
) -> Extension:
    """The answer of the flow `f`, which holds what differs from two extensions of half an hour."""
    return decide_extension(given, policy({**FLOW, **(flow or {})}, **rest), now, length)


def codes(answer: Extension) -> list[str]:
    return [objection.code for objection in answer.objections]


def hours(start: str, end: str, days: str = "mon") -> dict[str, Any]:
    return {"timeframe": {"days": [days], "start": start, "end": end, "timezone": "UTC"}}


def test_extension_is_what_the_flow_gives_at_once():
    """Its length from the agreed end, not from now; the beginning stays."""
    answer = decided()
    assert answer.objections == ()
    assert answer.window == window_from(NOW - HOUR, 2 * HOUR + HALF)
    assert (answer.times_left, answer.each, answer.cut) == (2, HALF, False)


def test_shorter_may_be_asked_for():
    """Down to a minute."""
    answer = decided(length=MINUTE)
    assert answer.window == window_from(NOW - HOUR, 2 * HOUR + MINUTE)


def test_max_duration_is_of_one_grant_and_extensions_go_beyond_it():
    """What may be at most is the grant's length and every extension together."""
    answer = decided({"max_duration": "2h"})
    assert answer.objections == ()


# What differs from access that may be extended, and the one reason against it.
TRUTHS = {
    "flow renamed or taken out": ("flow_gone", {"flow": {"name": "other"}}),
    "flow switched off": ("flow_inactive", {"flow": {"active": False}}),
    "person in another group now": ("person_not_meant", {"flow": {"grantees": {"group": "dba"}}}),
    "shift of the person over": (
        "person_not_meant",
        {
            "flow": {"grantees": {"shift": "night"}},
            "given": replace(GIVEN, requester="erin", grantee="erin"),
        },
    ),
    "asking not allowed any more": (
        "requester_not_meant",
        {"flow": {"requesters": {"group": "dba"}, "grantees": "everyone"}},
    ),
    "only for others now": ("request_for_others", {"flow": {"request_for": "others"}}),
    "only for oneself now": ("request_for_others", {"given": replace(GIVEN, requester="bob")}),
    "server not covered": ("target_not_covered", {"flow": {"targets": {"servers": "web-2"}}}),
    "tag of the server changed": (
        "target_not_covered",
        {"flow": {"targets": {"tags": {"env": "test"}, "user_groups": "ops"}}},
    ),
    "group not covered": ("target_not_covered", {"flow": {"targets": {"integration": "prod"}}}),
    "one of two servers not covered": (
        "target_not_covered",
        {
            "flow": {"targets": {"servers": "web-1", "user_groups": "ops"}},
            "given": replace(GIVEN, servers=("web-1", "web-2")),
        },
    ),
    "server not in the lists": ("server_unknown", {"given": replace(GIVEN, servers=("web-1", "web-9"))}),
    "group not offered": ("group_not_offered", {"given": replace(GIVEN, groups=("logs",))}),
    "person left": ("person_left", {"given": replace(GIVEN, grantee="frank", requester="frank")}),
    "who asked left": (
        "person_left",
        {"flow": {"request_for": ["self", "others"]}, "given": replace(GIVEN, requester="frank")},
    ),
    "person not in the directory": ("person_unknown", {"people": [PEOPLE[2]]}),
    "certificates bound now": (
        "certificate_changed",
        {"flow": {"certificate": {"source_addresses": ["192.0.2.0/24"]}}},
    ),
    "certificates not bound any more": (
        "certificate_changed",
        {"given": replace(GIVEN, constraints=Constraints({"force-command": "id"}))},
    ),
    "certificates may do less now": (
        "certificate_changed",
        {
            "given": replace(
                GIVEN, constraints=Constraints(extensions=("permit-pty", "permit-agent-forwarding"))
            )
        },
    ),
    "no extensions": ("not_extendable", {"flow": {"max_extensions": 0, "extension_duration": None}}),
    "used up": ("no_extensions_left", {"given": replace(GIVEN, times_extended=2)}),
    "fewer than were used": (
        "no_extensions_left",
        {"flow": {"max_extensions": 1}, "given": replace(GIVEN, times_extended=2)},
    ),
    "longer than one extension": ("extension_length", {"length": HALF + MINUTE}),
    "no time at all": ("extension_length", {"length": timedelta(seconds=59)}),
    "less than nothing": ("extension_length", {"length": -HOUR}),
    "hours end with the access": ("outside_timeframe", {"flow": hours("08:00", "10:00")}),
    "hours end before the access": ("outside_timeframe", {"flow": hours("08:00", "09:30")}),
    "another day": ("outside_timeframe", {"flow": hours("08:00", "18:00", "tue")}),
}


@pytest.mark.parametrize("truth", TRUTHS)
def test_each_reason_against_it_is_named_by_itself(truth):
    """With a sentence, and what to do; nothing is given then."""
    code, case = TRUTHS[truth]
    answer = decided(**case)
    assert codes(answer) == [code]
    (objection,) = answer.objections
    assert objection.text
    assert "daypass request new" in objection.hint or "--for 30m" in objection.hint
    assert (answer.window, answer.cut) == (None, False)


def test_all_reasons_are_told_at_once():
    """Whoever mends one mustn't run into the next."""
    answer = decided(
        {"active": False, "grantees": {"group": "dba"}, **hours("08:00", "09:30")},
        given=replace(GIVEN, times_extended=2),
    )
    assert codes(answer) == ["flow_inactive", "person_not_meant", "no_extensions_left", "outside_timeframe"]


def test_the_flows_hours_cut_an_extension():
    """As they cut a request; the answer says so."""
    answer = decided(hours("08:00", "10:10"))
    assert (answer.window, answer.cut) == (window_from(NOW - HOUR, 2 * HOUR + 10 * MINUTE), True)
    assert not decided(hours("08:00", "10:30")).cut


def test_hours_that_go_on_on_the_next_day_are_one():
    """Monday's end is where Tuesday's begin."""
    late = replace(GIVEN, window=window_from(NOW + 14 * HOUR, HOUR))
    day_and_night = {
        "timeframe": {"days": ["mon", "tue"], "start": "00:00", "end": "24:00", "timezone": "UTC"}
    }
    answer = decided(day_and_night, given=late, now=NOW + 14 * HOUR)
    assert answer.window == window_from(NOW + 14 * HOUR, HOUR + HALF)


def test_access_that_begins_later_is_measured_by_the_hours_of_its_beginning():
    """Asked on a Sunday for Monday."""
    sunday = NOW - timedelta(days=1)
    later = replace(GIVEN, window=window_from(NOW, HOUR))
    assert decided(hours("08:00", "18:00"), given=later, now=sunday).objections == ()


def test_what_is_left_is_counted_from_the_flow_as_it_is_now():
    """A flow that allows more today gives more today; the used ones stay used."""
    assert decided({"max_extensions": 5}, given=replace(GIVEN, times_extended=2)).times_left == 3


@settings(max_examples=300, deadline=None)
@for_all(
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    days=st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=3),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
    now=st.datetimes(
        NOW.replace(month=3, day=20, tzinfo=None),
        NOW.replace(month=11, day=10, tzinfo=None),
        timezones=st.just(UTC),
    ),
    left=st.integers(1, 90),
    each=st.integers(1, 600),
    used=st.integers(0, 2),
)
def test_nothing_is_given_outside_the_hours_nor_more_than_the_flow_gives(
    start, end, days, zone, now, left, each, used
):
    """In any zone, over changes of the clock: from now to the new end, every minute is within."""
    assume(start != end)
    frame = {
        "days": sorted(days),
        "start": f"{start // 60:02}:{start % 60:02}",
        "end": f"{end // 60:02}:{end % 60:02}",
        "timezone": zone,
    }
    rules = policy({"max_extensions": 2, "extension_duration": f"{each}m", "timeframe": frame})
    moment = now.replace(microsecond=0)
    window = window_from(moment - MINUTE, MINUTE * (left + 1))
    answer = decide_extension(replace(GIVEN, window=window, times_extended=used), rules, moment)
    if answer.window is None:
        assert answer.objections
        return
    gained = answer.window.not_after - window.not_after
    assert MINUTE <= gained <= each * MINUTE
    assert used < 2
    weekly = rules.flows[0].hours
    assert weekly is not None
    at = moment
    while at < answer.window.not_after:
        assert weekly.holds(at), at
        at += MINUTE
    assert weekly.holds(answer.window.not_after - timedelta(seconds=1))
