"""What an LDAP directory says, to people and groups: one odd entry holds up nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.config.directory import Ldap
from daypass.directory import Directory
from daypass.directory.calendar_sources import NO_CALENDARS
from daypass.directory.ldap_asking import Answer, Found
from daypass.directory.ldap_people import directory_of
from daypass.directory.models import ShiftEntry
from daypass.errors import ConfigurationError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY, OTHER = (public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(2))
SETTINGS: Mapping[str, Any] = {
    "urls": "ldaps://ldap.example.com",
    "people": {"base": "ou=p,dc=x", "uid": "uidNumber", "disabled": {"attribute": "locked"}},
    "groups": {"base": "ou=g,dc=x", "members": ["member", "memberUid"]},
}

Values = Mapping[str, str | bytes | list[str]]


def found(entries: Mapping[str, Values]) -> Found:
    """Entries as the process that asks gives them."""

    def values(given: str | bytes | list[str]) -> tuple[bytes, ...]:
        listed = given if isinstance(given, list) else [given]
        return tuple(one if isinstance(one, bytes) else one.encode() for one in listed)

    return Found(
        {dn: {name.lower(): values(given) for name, given in entry.items()} for dn, entry in entries.items()},
        dict.fromkeys(entries, ""),
    )


def person(login: str, **more: str | bytes | list[str]) -> dict[str, Values]:
    return {f"uid={login},ou=p,dc=x": {"uid": login, "mail": f"{login}@example.com", **more}}


def read(
    people: Mapping[str, Values],
    groups: Mapping[str, Values] | None = None,
    /,
    shifts: tuple[ShiftEntry, ...] = (),
    **more: Any,
) -> Directory:
    settings = Ldap.model_validate({**SETTINGS, **more}, context={})
    answer = Answer(found(people), found(groups or {}))
    return directory_of(answer, settings, shifts, NO_CALENDARS, read_at=NOW, trouble="")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"mail": "not an address"}, "e-mail"),
        ({"mail": ["a@example.com", "b@example.com"]}, "2 values"),
        ({"mail": b"\xff@example.com"}, "isn't text"),
        ({"mail": []}, "no values"),
        ({"uidNumber": "0"}, "1000"),
        ({"uidNumber": "1e9"}, "no uid"),
        ({"entryUUID": ["a", "b"]}, "2 values"),
    ],
)
def test_person_with_an_odd_value_is_doubtful_and_nobody_else_is(odd, why):
    """Nothing opens for that person, and nothing ends; others are as they were."""
    people = read(person("alice", **odd) | person("bob"))
    assert set(people.people) == {"bob"}
    assert why in people.doubtful["alice"]
    assert people.left(["alice", "bob", "carol"]) == {"carol"}
    assert len(people.oddities) == 1


@pytest.mark.parametrize("login", ["root", "Alice", "a b", "../x", "", "alice\n", "x" * 33])
def test_entry_without_a_login_that_hosts_take_is_nobody(login):
    """Refused, never repaired; what is told of it shows no control characters."""
    people = read({"uid=x,ou=p,dc=x": {"uid": login, "mail": "x@example.com"}} | person("bob"))
    assert set(people.people) == {"bob"}
    [told] = people.oddities
    assert told.isprintable()
    assert "login" in told


def test_who_is_marked_has_left_whatever_else_stands_there():
    """Nobody stays because of a value that can't be used; addresses of who left hold up nobody."""
    people = read(
        person("alice", locked="1", mail="broken")
        | person("bob", locked="1", mail="carol@example.com")
        | person("carol")
    )
    assert people.left(["alice", "bob", "carol"]) == {"alice", "bob"}
    assert people.person("carol@example.com").login == "carol"
    assert people.doubtful == {}


@pytest.mark.parametrize(
    ("mark", "value", "left"),
    [
        ({"values": ["TRUE"]}, "true", True),
        ({"values": ["TRUE"]}, "false", False),
        ({"bit": 2}, "514", True),
        ({"bit": 2}, "512", False),
        ({"bit": 2}, "x", True),
        ({}, "anything", True),
    ],
)
def test_marks_of_having_left(mark, value, left):
    """A value, a bit, or that there is a value; a number that can't be read keeps nobody here."""
    settings = {"base": "ou=p,dc=x", "disabled": {"attribute": "locked", **mark}}
    people = read(person("alice", locked=value) | person("bob"), people=settings)
    assert ("alice" in people.left(["alice"])) is left


def test_login_address_or_uid_of_several_is_nobodys():
    """All of them are doubtful: it can't be told whose it is."""
    double = {"uid=alice,ou=q,dc=x": {"uid": "alice", "mail": "other@example.com"}}
    people = read(person("alice") | double | person("zoe"))
    assert (set(people.people), set(people.doubtful)) == ({"zoe"}, {"alice"})
    people = read(person("alice", mail="X@example.com") | person("bob", mail="x@example.com") | person("zoe"))
    assert set(people.doubtful) == {"alice", "bob"}
    people = read(person("alice", uidNumber="2000") | person("bob", uidNumber="2000") | person("zoe"))
    assert set(people.doubtful) == {"alice", "bob"}


def test_keys_that_cannot_be_used_are_left_out_and_a_shared_one_is_nobodys():
    """A person has the others."""
    people = read(
        person("alice", sshPublicKey=[KEY + " home", "ssh-dss AAAA", OTHER])
        | person("bob", sshPublicKey=OTHER)
    )
    assert people.people["alice"].public_keys == (KEY,)
    assert people.people["bob"].public_keys == ()
    assert people.shared_keys == {OTHER: ("alice", "bob")}
    assert any("public key of alice is refused" in told for told in people.oddities)


def test_managers_that_are_nobody_oneself_or_in_a_circle_count_for_nothing():
    """A circle would let each say yes to the other without anybody above."""
    name = "uid={},ou=p,dc=x".format
    people = read(
        person("alice", manager=name("bob"))
        | person("bob", manager=name("carol"))
        | person("carol", manager=name("bob"))
        | person("dave", manager=name("dave"))
        | person("erin", manager="uid=nobody,dc=x")
        | person("frank", manager=[name("alice"), name("bob")])
    )
    managers = {login: one.manager for login, one in people.people.items()}
    assert managers == {"alice": "bob", "bob": None, "carol": None, "dave": None, "erin": None, "frank": None}


def test_groups_by_names_of_entries_and_by_logins_through_circles():
    """People are in every group around theirs; deep nesting needs no deep stack."""
    deep: dict[str, Values] = {
        f"cn=g{n},ou=g,dc=x": {"cn": f"g{n}", "member": f"cn=g{n + 1},ou=g,dc=x"} for n in range(1100)
    }
    last: dict[str, Values] = {
        "cn=g1100,ou=g,dc=x": {"cn": "g1100", "member": ["cn=g1099,ou=g,dc=x", "uid=alice,ou=p,dc=x"]},
        "cn=posix,ou=g,dc=x": {"cn": "posix", "memberUid": ["bob", "nobody"]},
    }
    people = read(person("alice") | person("bob"), deep | last)
    assert people.members["g0"] == people.members["g1099"] == {"alice"}
    assert people.members["posix"] == {"bob"}
    assert "posix" in people.people["bob"].groups


def test_group_whose_name_is_there_twice_counts_for_nobody():
    """Who may make groups somewhere must not get into another one by its name."""
    people = read(
        person("alice") | person("bob"),
        {
            "cn=ops,ou=g,dc=x": {"cn": "ops", "member": "uid=alice,ou=p,dc=x"},
            "cn=ops,ou=own,ou=g,dc=x": {"cn": "ops", "member": "uid=bob,ou=p,dc=x"},
            "cn=odd,ou=g,dc=x": {"cn": "a\nb", "member": "uid=bob,ou=p,dc=x"},
        },
    )
    assert people.members == {}
    assert len(people.oddities) == 2


def test_directory_in_which_nobody_can_be_used_is_no_directory():
    """Else a wrong attribute would read as everyone having left."""
    with pytest.raises(ConfigurationError, match="nobody of the 2 entries"):
        read(person("alice") | person("bob"), people={"base": "ou=p,dc=x", "login": "sAMAccountName"})


def test_shifts_beside_people_of_a_directory():
    """Names that are nobody's are told, and hold up nobody."""
    shift = ShiftEntry.model_validate(
        {
            "name": "day",
            "weekly": [{"people": ["alice", "gone"], "start": "08:00", "end": "20:00", "timezone": "UTC"}],
        },
        context={},
    )
    people = read(person("alice"), shifts=(shift,))
    assert people.on_shift("day", NOW) == {"alice"}
    assert "gone" in people.oddities[0]
