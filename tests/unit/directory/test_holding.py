"""Too many people who vanish at once have not left until somebody says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.directory import Directory
from daypass.directory.holding import FILE, HeldDirectory
from daypass.directory.state_file import read_state, write_state
from daypass.domain.people import Person
from daypass.errors import ConfigurationError

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
EVERYONE = [f"p{number}" for number in range(20)]


class Source:
    """A source whose people a test says."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.ids: dict[str, str] = {}
        self.are(*EVERYONE)

    def are(self, *logins: str, left: tuple[str, ...] = ()) -> None:
        everyone = [*logins, *left]
        self.people = {one: Person(one, f"{one}@example.com", active=one not in left) for one in everyone}

    def read(self, calendars: object = None) -> Directory:
        return Directory(
            self.people,
            {person.email: login for login, person in self.people.items()},
            {"all": frozenset(self.people)},
            ids=self.ids,
        )


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def look(tmp_path: Path, source: Source):
    """`look(hours)`: the directory as a command sees it at that time."""

    def at(hours: float = 0, percent: int = 20, *, keeps: bool = True) -> Directory:
        now = START + timedelta(hours=hours)
        return HeldDirectory(source, tmp_path / "state", percent, now, keeps=keeps).read()

    return at


def test_few_who_vanish_have_left(look, source):
    """A fifth, by default; what is kept is private."""
    look()
    source.are(*EVERYONE[4:])
    assert look().left(EVERYONE) == set(EVERYONE[:4])


def test_many_who_vanish_at_once_are_held_and_everyone_is_as_before_when_they_are_back(look, source):
    """They have not left, and nothing opens for them."""
    look()
    source.are(*EVERYONE[5:])
    people = look()
    assert people.left(EVERYONE) == frozenset()
    assert people.held == set(EVERYONE[:5])
    assert people.active("p0") is None
    assert "gone_at_once" in people.doubtful["p0"]
    source.are(*EVERYONE)
    assert look().held == frozenset()
    assert look().active("p0")


def test_many_who_vanish_bit_by_bit_within_a_day_are_held_too(look, source):
    """A directory that crumbles is as wrong as one that breaks; a day later few may vanish again."""
    look()
    source.are(*EVERYONE[3:])
    assert look().left(EVERYONE) == set(EVERYONE[:3])
    source.are(*EVERYONE[6:])
    assert look(1).left(EVERYONE) == set(EVERYONE[:3])
    assert look(1).held == set(EVERYONE[3:6])
    assert look(25).left(EVERYONE) == set(EVERYONE[:6])


def test_who_is_marked_as_having_left_counts_at_once_however_many(look, source):
    """The source says it of each of them."""
    look()
    source.are("p0", left=tuple(EVERYONE[1:]))
    people = look()
    assert people.held == frozenset()
    assert people.left(EVERYONE) == set(EVERYONE[1:])


def test_login_that_is_another_entrys_now_is_held(look, source):
    """What its former owner had isn't the new one's; an id that appears, or is missing, says nothing."""
    look()
    source.ids = {"p1": "a"}
    look()
    source.ids = {"p1": "b"}
    people = look()
    assert people.held == {"p1"}
    assert people.active("p1") is None
    assert "p1" not in people.members["all"]
    assert people.person("p1@example.com") is None
    source.ids = {}
    assert look().held == frozenset()


def test_hold_begins_anew_when_more_are_held_and_not_when_some_come_back(look, source):
    """Whoever is told of it is told again only when there is more to tell."""
    look()
    source.are(*EVERYONE[5:])
    begun = look(1).held_since
    assert begun == START + timedelta(hours=1)
    assert look(2).held_since == begun
    source.are(*EVERYONE[6:])
    assert look(3).held_since == START + timedelta(hours=3)
    source.are(*EVERYONE[5:])
    assert look(4).held_since == begun
    source.are(*EVERYONE)
    assert look(5).held_since is None
    source.are(*EVERYONE[5:])
    assert look(6).held_since == START + timedelta(hours=6)


def test_file_of_before_holds_had_a_beginning_is_read(look, source, tmp_path):
    """An upgrade in the middle of a hold: it begins now."""
    look()
    source.are(*EVERYONE[5:])
    look()
    file = tmp_path / "state" / "people.json"
    kept = read_state(file)
    del kept["held"]
    write_state(file, kept)
    assert look(7).held_since == START + timedelta(hours=7)


def test_confirmed_by_an_operator_they_have_left(look, source, tmp_path):
    """And the count begins anew."""
    look()
    source.ids = {"p19": "a"}
    look()
    source.are(*EVERYONE[10:])
    source.ids = {"p19": "b"}
    assert len(look().held) == 11
    HeldDirectory(source, tmp_path / "state", 20, START).accept()
    people = look()
    assert people.held == frozenset()
    assert people.left(EVERYONE) == set(EVERYONE[:10])


@pytest.mark.parametrize(("percent", "gone", "held"), [(0, 2, 0), (0, 3, 3), (100, 20, 0)])
def test_limits_of_the_limit(look, source, percent, gone, held):
    """Two may always vanish; with 100 percent all may."""
    look(percent=percent)
    source.are(*EVERYONE[gone:])
    assert len(look(percent=percent).held) == held


def test_who_was_here_before_cannot_be_told_and_nobody_counts_as_gone(look, source, tmp_path):
    """The file was damaged, or isn't private: an operator has to say a word."""
    look()
    file = tmp_path / "state" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"p19", b"p18"))
    with pytest.raises(ConfigurationError) as caught:
        look()
    assert caught.value.code == "people_unknown"
    file.write_bytes(kept)
    file.chmod(0o640)
    with pytest.raises(ConfigurationError):
        look()
    HeldDirectory(source, tmp_path / "state", 20, START).accept()
    assert look().held == frozenset()


def test_commands_that_only_look_note_nothing(look, tmp_path):
    """They may run before there is a state folder, or without the right to write there."""
    assert look(keeps=False).people
    assert not (tmp_path / "state").exists()
