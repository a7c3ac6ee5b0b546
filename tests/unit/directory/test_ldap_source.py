"""Which answer of an LDAP directory counts: how old it may be, and what a failure leaves."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.config.directory import Ldap
from daypass.directory import Directory
from daypass.directory.ldap_asking import Answer, Found, NoAnswer
from daypass.directory.ldap_source import GOOD, LOCK, TROUBLE, LdapDirectory
from daypass.directory.state_file import one_at_a_time
from daypass.domain.secrets import FromFile, Secret, SecretReference
from daypass.errors import ConfigurationError

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Server:
    """An LDAP directory whose people and moods a test says.

    Attributes:
        people: Logins, or why there is no answer.
        asked: For each question whether everything was asked for.
    """

    def __init__(self) -> None:
        self.people: list[str] | str = ["alice", "bob"]
        self.asked: list[bool] = []
        self.passwords: list[bytes] = []

    def ask(self, _settings: Ldap, password: Secret | None, known: Answer | None) -> Answer:
        self.asked.append(known is None)
        self.passwords.append(password.reveal() if password else b"")
        if isinstance(self.people, str):
            raise NoAnswer(self.people)
        entries = {
            f"uid={one},dc=x": {"uid": (one.encode(),), "mail": (f"{one}@example.com".encode(),)}
            for one in self.people
        }
        return Answer(Found(entries, dict.fromkeys(entries, "1")), Found({}, {}))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def read(tmp_path: Path, server: Server):
    """`read(minutes)`: the directory as a command sees it at that time."""

    def at(minutes: float, secret: bytes | None = None, **settings: Any) -> Directory:
        return source(minutes, secret, **settings).read()

    def source(
        minutes: float, secret: bytes | None = None, *, keeps: bool = True, **more: Any
    ) -> LdapDirectory:
        asks_with = {"bind_dn": "cn=d,dc=x", "password": {"file": "p"}} if secret is not None else {}
        ldap = Ldap.model_validate(
            {"urls": "ldaps://h", "people": {"base": "dc=x"}, **asks_with, **more},
            context={"folder": Path("/")},
        )

        def reveal(reference: SecretReference) -> Secret:
            assert reference == FromFile(Path("/p"))
            return Secret(secret or b"")

        now = START + timedelta(minutes=minutes)
        return LdapDirectory(ldap, tmp_path / "state", now, reveal, asking=server.ask, keeps=keeps)

    at.source = source
    return at


def test_asked_once_in_refresh_and_for_everything_once_in_full_refresh(read, server):
    """By all commands together."""
    for minutes in (0, 0.5, 1.5, 2, 30, 61):
        read(minutes)
    assert server.asked == [True, False, False, True]


def test_no_answer_leaves_the_last_one_and_nobody_waits_again_at_once(read, server):
    """The reason is told by commands that didn't ask, too."""
    read(0)
    server.people = "silence"
    for minutes in (2, 2.2):
        people = read(minutes)
        assert set(people.people) == {"alice", "bob"}
        assert (people.read_at, people.trouble) == (START, "silence")
    assert len(server.asked) == 2
    server.people = ["alice"]
    assert set(read(2.6).people) == {"alice"}


def test_nobody_waits_for_another_who_asks_while_the_last_answer_is_good(read, server, tmp_path):
    """A silent server holds up one command, not all of them."""
    read(0)
    with one_at_a_time(tmp_path / "state", LOCK):
        assert set(read(2).people) == {"alice", "bob"}
    assert len(server.asked) == 1
    read(2)
    assert len(server.asked) == 2


def test_without_any_good_answer_there_are_no_people(read, server):
    """And no sentence that everyone left."""
    server.people = "silence"
    with pytest.raises(ConfigurationError, match="silence") as caught:
        read(0)
    assert caught.value.code == "directory_unreadable"


def test_answer_that_is_too_old_opens_nothing_and_still_names_people(read, server):
    """For the words of notices about ends: those are never kept back."""
    read(0)
    server.people = "silence"
    assert read(240).trouble
    with pytest.raises(ConfigurationError, match="max_age"):
        read(241)
    asked = len(server.asked)
    assert set(read.source(300).at_hand().people) == {"alice", "bob"}
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-9], lambda text: text.replace(b"alice", b"mallo"), None]
)
def test_kept_answer_that_was_damaged_or_is_not_private_is_not_used(read, server, tmp_path, damage):
    """It is asked for anew, all of it."""
    read(0)
    file = tmp_path / "state" / GOOD
    assert file.stat().st_mode & 0o777 == 0o600
    if damage is None:
        file.chmod(0o644)
    else:
        file.write_bytes(damage(file.read_bytes()))
    assert set(read(0.1).people) == {"alice", "bob"}
    assert server.asked == [True, True]


def test_answer_from_a_clock_that_ran_ahead_is_not_used(read, server):
    """Nobody knows how old it is."""
    read(600)
    server.people = ["alice"]
    assert set(read(0).people) == {"alice"}


def test_other_questions_are_asked_anew(read, server):
    """A filter that was narrowed has its effect at once."""
    read(0)
    read(0.1, people={"base": "dc=x", "filter": "(uid=alice)"})
    assert server.asked == [True, True]


def test_refreshing_by_hand_asks_for_everything(read, server):
    """However fresh the last answer is."""
    read(0)
    source = read.source(0.1)
    source.read()
    source.ask_anew()
    source.read()
    assert server.asked == [True, True]


def test_password_without_its_line_end_and_never_an_empty_one(read, server):
    """An empty one would be anonymous to many servers, with success (RFC 4513, 5.1.2)."""
    read(0, b"secret\n")
    assert server.passwords == [b"secret"]
    with pytest.raises(ConfigurationError, match="empty"):
        read(0.1, b"\n", people={"base": "dc=y"})
    assert server.passwords == [b"secret"]


def test_commands_that_only_look_keep_nothing(read, server, tmp_path):
    """Another account's files would lock out the one that the folder belongs to."""
    assert read.source(0, keeps=False).read().people
    server.people = "silence"
    with pytest.raises(ConfigurationError):
        read.source(1, keeps=False).read()
    assert not (tmp_path / "state").exists()


def test_answer_that_cannot_be_kept_is_used_and_told(read, tmp_path, monkeypatch):
    """A full disk costs a question more, not access."""
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    people = read(0)
    assert set(people.people) == {"alice", "bob"}
    assert "No space left" in people.trouble
    assert not (tmp_path / "state" / TROUBLE).exists()
