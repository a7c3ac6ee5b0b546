"""Calendars of on-call tools: who is on duty when, what is refused, and the last good copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daypass.config.conditions import Condition
from daypass.directory import FetchedCalendars, YamlDirectory
from daypass.directory.calendar_sources import fetch_https
from daypass.directory.calendars import CalendarRefused, CalendarShift, Names
from daypass.flows.conditions import people_rule
from daypass.flows.looking_up import build_case
from tests.policies import NOW, ask, directory, policy

PEOPLE = directory()
BERLIN = ZoneInfo("Europe/Berlin")
ALICE, BOB = "ATTENDEE:mailto:alice@example.com", "ATTENDEE:mailto:BOB@example.com"


def calendar(*events: str) -> bytes:
    """A calendar with these events, each as its lines without the frame."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, event in enumerate(events):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{number}",
            "DTSTAMP:20260101T000000Z",
            *event.split("\n"),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def shift(*events: str, names: dict[str, str] | None = None) -> CalendarShift:
    def login_of(name: str) -> str | None:
        person = PEOPLE.person(name)
        return person.login if person else None

    return CalendarShift(calendar(*events), Names(login_of, names or {}), BERLIN)


def on_duty(found: CalendarShift, moment: str) -> set[str]:
    """Who is on duty at a moment in UTC."""
    return set(found.people(datetime.fromisoformat(f"2026-{moment}+00:00")))


WEEKLY = "DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"
DAILY = "DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
NIGHT = "DTSTART;TZID=Europe/Berlin:20261024T220000\nDTEND;TZID=Europe/Berlin:20261025T060000"
DUTY = "DTSTART:20261123T080000Z\nDTEND:20261123T200000Z"


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        ("11-23 07:59", set()),
        ("11-23 08:00", {"alice"}),
        ("11-23 19:59", {"alice"}),
        ("11-23 20:00", set()),
    ],
)
def test_event_holds_from_its_start_to_its_end(moment, people):
    """The end itself is outside, so that a handover is without overlap."""
    assert on_duty(shift(f"{DUTY}\n{ALICE}"), moment) == people


def test_edges_are_where_events_begin_and_end():
    """Of all that are between two moments; cancelled ones have none."""
    found = shift(f"{DUTY}\n{ALICE}", f"{WEEKLY}\n{BOB}", f"{NIGHT}\nSTATUS:CANCELLED\n{BOB}")
    first, last = (datetime.fromisoformat(f"2026-11-{day}T08:00+00:00") for day in (22, 24))
    assert sorted({f"{edge:%d %H:%M}" for edge in found.edges(first, last)}) == [
        "23 08:00",
        "23 09:00",
        "23 20:00",
    ]


@pytest.mark.parametrize(
    ("lines", "people"),
    [
        (ALICE, {"alice"}),
        (f"{ALICE}\n{BOB}", {"alice", "bob"}),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.com", set()),
        ("ATTENDEE:mailto:stranger@example.com", set()),
        ("ATTENDEE:urn:uuid:1", set()),
        ("SUMMARY:On call: alice@example.com (primary)", {"alice"}),
        ("SUMMARY:On Call - Alice Doe - Schedule 1", {"alice"}),
        ("SUMMARY:On Call - Alice Doering", set()),
        (f"SUMMARY:On Call - Alice Doe\n{BOB}", {"bob"}),  # attendees say more than titles
        ("ORGANIZER:mailto:alice@example.com", set()),
        (f"STATUS:CANCELLED\n{ALICE}", set()),
        ("DESCRIPTION:alice@example.com", set()),
    ],
)
def test_people_come_from_attendees_or_the_title(lines, people):
    """Addresses of the directory, or names that the shift's settings give."""
    found = shift(f"{DUTY}\n{lines}", names={"Alice Doe": "alice"})
    assert on_duty(found, "11-23 12:00") == people


@pytest.mark.parametrize(
    ("event", "moment", "expected"),
    [
        # Each week, with a zone: 09:00 in Berlin is 07:00 UTC in summer, 08:00 in winter.
        (WEEKLY, "07-06 07:30", True),
        (
            WEEKLY,
            "07-06 08:30",
            False,
        ),
        (WEEKLY, "11-02 08:30", True),
        (
            f"{DAILY};UNTIL=20260110T000000Z",
            "01-09 09:30",
            True,
        ),
        (
            f"{DAILY};UNTIL=20260110T000000Z",
            "01-11 09:30",
            False,
        ),
        (
            f"{DAILY}\nEXDATE:20260107T090000Z",
            "01-07 09:30",
            False,
        ),
        # Over the night in which summer time ends, by its zone: 22:00 to 06:00 are nine hours.
        (
            NIGHT,
            "10-25 04:59",
            True,
        ),
        (
            NIGHT,
            "10-25 05:00",
            False,
        ),
        # Without a zone, and whole days: those of the shift's zone.
        ("DTSTART:20261123T090000\nDTEND:20261123T100000", "11-23 08:30", True),
        ("DTSTART:20261123T090000\nDTEND:20261123T100000", "11-23 09:30", False),
        ("DTSTART;VALUE=DATE:20261123\nDTEND;VALUE=DATE:20261130", "11-22 23:30", True),
        ("DTSTART;VALUE=DATE:20261123\nDTEND;VALUE=DATE:20261130", "11-29 22:59", True),
        ("DTSTART;VALUE=DATE:20261123\nDTEND;VALUE=DATE:20261130", "11-29 23:00", False),
        ("DTSTART;VALUE=DATE:20261123", "11-23 12:00", True),
    ],
)
def test_time_of_an_event_is_read_as_its_zone_says(event, moment, expected):
    """Repetitions, exceptions, changes of the clock, times without a zone, whole days."""
    assert on_duty(shift(f"{event}\n{ALICE}"), moment) == ({"alice"} if expected else set())


def test_changed_occurrence_of_a_series_counts_as_changed():
    """Somebody took over one night."""
    series = f"{DAILY}\n{ALICE}"
    text = calendar(series, f"RECURRENCE-ID:20260107T090000Z\nDTSTART:20260107T090000Z\nDURATION:PT1H\n{BOB}")
    text = text.replace(b"UID:1", b"UID:0")
    found = CalendarShift(text, Names(lambda name: name.split("@")[0].lower()), BERLIN)
    assert on_duty(found, "01-07 09:30") == {"bob"}
    assert on_duty(found, "01-08 09:30") == {"alice"}


@pytest.mark.parametrize(
    "events",
    [
        [f"{DUTY}\nRRULE:FREQ=SECONDLY"],
        [f"{DUTY}\nRRULE:FREQ=HOURLY"],
        [f"{DUTY}\nRRULE:FREQ=DAILY;BYSECOND=1,2,3"],
        ["DTSTART:18000101T000000Z\nRRULE:FREQ=DAILY"],
        [f"{DUTY}\nRRULE:FREQ=DAILY\nEXRULE:FREQ=DAILY"],
        [f"{DUTY}\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"],
        [f"{DUTY}\nRRULE:FREQ=DAILY"] * 101,
        [DUTY] * 10_001,
        ["SUMMARY:no start"],
        [f"{DUTY}\nRRULE:COUNT=3"],
    ],
)
def test_calendar_that_would_take_for_ever_or_is_broken_is_refused(events):
    """A few lines can stand for billions of repetitions."""
    with pytest.raises(CalendarRefused):
        shift(*events)


@pytest.mark.parametrize(
    "text", [b"", b"<html>Please log in</html>", b"BEGIN:VCALENDAR", b"\xff\xfe", b"x" * 6_000_000]
)
def test_what_is_no_calendar_is_refused(text):
    """A login page, half an answer, too much of it."""
    with pytest.raises(CalendarRefused):
        CalendarShift(text, Names(lambda _: None), BERLIN)


TEXT = """
people: [{login: alice, email: alice@example.com}]
shifts: [{name: on-call, calendar: {%s}}]
"""


@pytest.fixture
def sources(tmp_path: Path) -> Callable[..., FetchedCalendars]:
    """Calendars by way of a folder; what an address gives is the last argument, bytes or an error."""

    def build(at: datetime, answer: bytes | Exception) -> FetchedCalendars:
        def fetch(url: str) -> bytes:
            assert url == ADDRESS
            if isinstance(answer, Exception):
                raise answer
            return answer

        return FetchedCalendars(
            tmp_path / "calendars", at, lambda _: "https://calendar.example.com/token", fetch
        )

    return build


@pytest.fixture
def people_with(tmp_path: Path):
    """The directory whose shift `on-call` has this calendar."""

    def read(setting: str, found: FetchedCalendars):
        (tmp_path / "directory.yaml").write_text(TEXT % setting)
        return YamlDirectory(tmp_path / "directory.yaml").read(found)

    return read


ADDRESS = "https://calendar.example.com/token"
GOOD, URL = calendar(f"{DUTY}\n{ALICE}"), "url: https://calendar.example.com/token"


def test_calendar_file_is_read_beside_the_directory(tmp_path, sources, people_with):
    """One that is missing makes the shift doubtful, and nothing else."""
    found = people_with("file: on-call.ics", sources(NOW, OSError()))
    assert found.on_shift("on-call", NOW) == frozenset()
    assert "can't be read" in found.doubtful_shifts(NOW)["on-call"]
    (tmp_path / "on-call.ics").write_bytes(GOOD)
    found = people_with("file: on-call.ics", sources(NOW, OSError()))
    assert (found.on_shift("on-call", NOW), found.doubtful_shifts(NOW)) == ({"alice"}, {})


def test_last_good_copy_counts_until_it_is_too_old(sources, people_with):
    """One day by default; what isn't a calendar never replaces it."""
    assert people_with(URL, sources(NOW, GOOD)).on_shift("on-call", NOW) == {"alice"}
    for answer in (OSError("down"), b"<html>Please log in</html>"):
        for hours, people in ((1, {"alice"}), (24, {"alice"}), (25, set())):
            found = people_with(URL, sources(NOW + timedelta(hours=hours), answer))
            assert found.on_shift("on-call", NOW) == people
            assert bool(found.doubtful_shifts(NOW)) is not bool(people)


def test_young_copy_is_not_fetched_again(sources, people_with):
    """Not more often than every five minutes."""
    people_with(URL, sources(NOW, GOOD))
    other = calendar(f"{DUTY}\n{BOB}")
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=5)
    assert people_with(URL, sources(soon, other)).on_shift("on-call", NOW) == {"alice"}
    assert people_with(URL, sources(later, other)).on_shift("on-call", NOW) == frozenset()


def test_copy_from_the_future_is_fetched_again(sources, people_with):
    """A clock that jumped back keeps no old rota alive."""
    people_with(URL, sources(NOW + timedelta(hours=5), GOOD))
    assert people_with(URL, sources(NOW, OSError())).on_shift("on-call", NOW) == frozenset()


def test_address_may_be_a_secret_and_is_never_told(sources, people_with, tmp_path):
    """It holds a token; the copy's name is a digest, nobody else may enter its folder."""
    found = people_with("url: {env: ROTA}", sources(NOW, GOOD))
    assert found.on_shift("on-call", NOW) == {"alice"}
    [copy] = (tmp_path / "calendars").iterdir()
    assert "token" not in copy.name
    assert [(path.stat().st_mode & 0o777) for path in (copy, copy.parent)] == [0o600, 0o700]
    down = people_with("url: {env: ROTA}", sources(NOW + timedelta(days=2), OSError("no route")))
    assert "token" not in down.doubtful_shifts(NOW)["on-call"]


def test_negative_condition_on_shifts_fails_while_one_is_doubtful(sources, people_with):
    """Not on call can't be said of anybody when the rota is gone."""
    found = people_with(URL, sources(NOW, OSError()))
    rule = people_rule(Condition.model_validate({"shift": {"is_not": "on-call"}}), found)
    case = replace(build_case(ask(), policy(), NOW), directory=found)
    assert not rule.holds(found.people["alice"], case)


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("file: a.ics, url: 'https://x.example'", "shifts[0].calendar"),
        ("timezone: UTC", "shifts[0].calendar"),
        ("url: 'http://x.example'", "shifts[0].calendar.url"),
        ("url: 'file:///etc/passwd'", "shifts[0].calendar.url"),
        ("file: a.ics, max_age: 0s", "shifts[0].calendar.max_age"),
        ("file: a.ics, names: {Alice: alicce}", "shifts[0].calendar.names.Alice"),
    ],
)
def test_odd_calendar_settings_are_refused_at_their_place(problems_of, setting, place):
    """https alone, one place, people who are there."""
    [problem] = problems_of(TEXT % setting)
    assert problem.startswith(f"{place}: ")


def test_only_https_is_fetched():
    """Whatever the settings' own check says."""
    with pytest.raises(OSError, match="only https"):
        fetch_https("http://127.0.0.1/")
