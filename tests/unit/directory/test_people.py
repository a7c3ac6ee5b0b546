"""People and groups of directory.yaml: what is read, and each thing that is refused."""

from __future__ import annotations

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.directory import YamlDirectory
from daypass.domain.people import Person
from daypass.errors import ConfigurationError

KEY = public_line(load_ca_key(generate_ca_key("ed25519")))


def person(login: str, **more: object) -> dict[str, object]:
    """The entry of one person."""
    return {"login": login, "email": f"{login}@example.com", **more}


def test_every_setting_of_a_person_is_read(directory_of):
    """Names are resolved: the manager to a login, the key without its comment, the address in any case."""
    directory = directory_of(
        people=[
            person(
                "alice", uid=1001, groups=["ops"], manager="BOB@example.com", public_keys=[f"{KEY} laptop"]
            ),
            person("bob", active=False),
        ]
    )
    assert directory.person("alice@EXAMPLE.com") == Person(
        "alice", "alice@example.com", 1001, frozenset({"ops"}), "bob", True, (KEY,)
    )
    assert directory.person("bob") == Person("bob", "bob@example.com", active=False)


def test_only_who_is_named_and_active_is_here(directory_of):
    """Gone from the directory is gone; so is `active: false`, from groups too."""
    directory = directory_of(
        people=[person("alice", groups=["ops"]), person("bob", groups=["ops"], active=False)]
    )
    assert directory.active("alice")
    assert directory.active("bob") is None
    assert directory.left({"alice", "bob", "carol"}) == {"bob", "carol"}
    assert directory.members == {"ops": {"alice"}}


def test_groups_inside_groups_are_opened(directory_of):
    """Who is in an inner group is in the outer one, at any depth; by whichever side says so."""
    directory = directory_of(
        people=[person("alice", groups=["db"]), person("bob"), person("carol")],
        groups=[
            {"name": "all", "groups": ["ops"], "members": ["carol@example.com"]},
            {"name": "ops", "groups": ["db"], "members": ["bob"]},
            {"name": "db"},
        ],
    )
    assert directory.members == {
        "db": {"alice"},
        "ops": {"alice", "bob"},
        "all": {"alice", "bob", "carol"},
    }
    assert directory.people["alice"].groups == {"db", "ops", "all"}


def test_groups_without_a_list_are_those_that_people_name(directory_of):
    """A small directory needs no list."""
    assert directory_of(people=[person("alice", groups=["ops"])]).members == {"ops": {"alice"}}


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("email", "alice", 'found "alice"; allowed: an e-mail address'),
        ("email", "a:b@example.com", "allowed: an e-mail address"),
        ("email", "a" * 120 + "@example.com", "allowed: an e-mail address"),
        ("email", None, "found null"),
        ("login", "Alice", "found "),
        ("login", "root", "found "),
        ("login", 17, "allowed: a login as text"),
        ("uid", 999, "allowed: 1000 or more"),
        ("uid", "1001", "allowed: a whole number"),
        ("uid", 2**32 - 2, "or less"),
        ("groups", "ops", "allowed: a list"),
        ("groups", [""], "printable characters"),
        ("active", "no", "found "),
        ("public_keys", ["ssh-rsa AAAA"], "damaged"),
        ("public_keys", [None], "TYPE BASE64"),
        ("manger", "bob", "did you mean manager?"),
    ],
)
def test_odd_value_is_refused_at_its_place(problems_of, field, value, found):
    """One finding, with the path, what was found and what is allowed."""
    [problem] = problems_of(people=[{**person("alice"), field: value}])
    assert problem.startswith(f"people[0].{field}")
    assert found in problem


def test_private_key_in_the_directory_is_refused_without_showing_it(problems_of):
    """Somebody will paste the wrong file."""
    [problem] = problems_of(
        people=[person("alice", public_keys=["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn"])]
    )
    assert "private key" in problem
    assert "b3Blbn" not in problem


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"login": "alice", "email": "b@example.com"}, "people[1].login"),
        ({"login": "bob", "email": "ALICE@example.com"}, "people[1].email"),
        ({"login": "bob", "email": "b@example.com", "uid": 1001}, "people[1].uid"),
    ],
)
def test_what_is_one_persons_stands_at_one_person(problems_of, more, place):
    """A login, an address and a uid tell people apart."""
    [problem] = problems_of(people=[person("alice", uid=1001, public_keys=[KEY]), more])
    assert problem.startswith(place)


def test_key_twice_at_one_person_is_refused(problems_of):
    """It would count as two."""
    [problem] = problems_of(people=[person("alice", public_keys=[KEY, f"{KEY} again"])])
    assert problem.startswith("people[0].public_keys[1]: found the key of people[0].public_keys[0] again")


@pytest.mark.parametrize("active", [True, False])
def test_key_that_stands_at_two_people_counts_for_neither(directory_of, active):
    """Whoever holds it could be either; it holds up nobody else, and the directory tells it."""
    other, own = public_line(load_ca_key(generate_ca_key("ed25519"))), [KEY]
    read = directory_of(
        people=[
            person("alice", public_keys=[KEY, other]),
            person("bob", public_keys=own, active=active),
        ]
    )
    assert read.people["alice"].public_keys == (other,)
    assert read.people["bob"].public_keys == ()
    assert read.shared_keys == {KEY: ("alice", "bob")}


def test_names_of_nobody_are_found_with_the_likely_name(problems_of):
    """Managers, members and groups must be there; all findings come at once."""
    problems = problems_of(
        people=[person("alice", manager="bobb", groups=["opps"]), person("bob")],
        groups=[{"name": "ops", "members": ["alicce"], "groups": ["dbb"]}, {"name": "db"}],
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "people[0].manager",
        "people[0].groups[0]",
        "groups[0].members[0]",
        "groups[0].groups[0]",
    ]
    assert all("did you mean" in problem for problem in problems)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"people": [person("alice", manager="alice")]}, "alice -> alice"),
        (
            {"people": [person("alice", manager="bob"), person("bob", manager="alice")]},
            "alice -> bob -> alice",
        ),
        (
            {
                "people": [person("alice")],
                "groups": [{"name": "a", "groups": ["b"]}, {"name": "b", "groups": ["a"]}],
            },
            "a -> b -> a",
        ),
    ],
)
def test_circles_are_refused(problems_of, settings, found):
    """Nobody is their own manager, no group is inside itself."""
    [problem] = problems_of(**settings)
    assert f"a circle: {found}" in problem


def test_problems_of_entries_and_between_them_come_at_once(problems_of):
    """An entry that is wrong keeps its place and its names, so that nobody is missed for it."""
    problems = problems_of(
        people=[
            person("alice", uid="x", public_keys=[KEY]),
            person("bob", manager="alice", public_keys=[KEY]),
            person("carol", manager="alicce"),
            {"login": "bob", "email": 3},
            "dave",
        ],
        groups=[{"name": "ops", "members": ["alice", "bbo"]}, {"nam": "x"}, {"name": "ops"}],
        shifts=[{"name": "day"}],
    )
    assert sorted(problem.split(": found")[0] for problem in problems) == [
        "groups[0].members[1]",
        "groups[1].nam",
        "groups[1].name",
        "groups[2].name",
        "people[0].uid",
        "people[2].manager",
        "people[3].email",
        "people[3].login",
        "people[4]",
        "shifts[0]",
    ]


def test_group_twice_is_refused(problems_of):
    """Which of the two counted would depend on their order."""
    [problem] = problems_of(people=[person("alice")], groups=[{"name": "ops"}, {"name": "ops"}])
    assert problem.startswith("groups[1].name")


@pytest.mark.parametrize(
    "text", ["people: []", "people:", "[]", "", "a: [", "people: [{login: alice}]\npeople: []"]
)
def test_directory_without_people_is_refused(problems_of, text):
    """A cut-off file must not read as: everybody has left."""
    assert problems_of(text)


def test_directory_that_is_missing_is_told_by_its_path(directory_of, tmp_path):
    """With the setting that names it."""
    with pytest.raises(ConfigurationError, match=r"gone\.yaml") as caught:
        YamlDirectory(tmp_path / "gone.yaml").read()
    assert caught.value.code == "directory_missing"
