"""An operator acts for a person: only for one who is here, and the record says both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.cli.acting import acting, acting_person
from daypass.directory import Directory
from daypass.domain.people import Person
from daypass.errors import ConfigurationError, DeniedError, UsageError
from daypass.workflow.acting import acting_for
from daypass.workflow.granting import give

PEOPLE = Directory(
    {
        "alice": Person("alice", "alice@example.com"),
        "frank": Person("frank", "frank@example.com", active=False),
    },
    {"alice@example.com": "alice", "frank@example.com": "frank"},
)


@pytest.fixture
def seams(world):
    """With a directory of alice, who is here, and frank, who isn't any more."""
    return replace(world.seams, actor="operator:root", directory=lambda: PEOPLE)


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "Alice@Example.COM"])
def test_who_is_acted_for_is_the_actor_by_whatever_name(seams, name):
    """A person is known by the login; who was at the keyboard is never left out."""
    acted, person = acting_for(seams, name)
    assert (acted.actor, person.login) == ("person:alice via operator:root", "alice")


def test_the_record_says_who_acted_for_whom(seams, world, request_for):
    """Every event of what is done then."""
    acted, _ = acting_for(seams, "alice")
    grant = give(acted, request_for("alice", "web-1"), world.clock()).grant
    with seams.store.read() as view:
        actors = {event.actor for event in view.events() if event.subject == grant.id}
    assert (grant.actor, actors) == ("person:alice via operator:root", {"person:alice via operator:root"})


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("alcie", "person_unknown", "did you mean 'alice'?"),
        ("alise@example.com", "person_unknown", "did you mean 'alice@example.com'?"),
        ("", "person_unknown", "add the person to the directory"),
        ("frank", "person_left", "correct the directory"),
        ("frank@example.com", "person_left", "correct the directory"),
    ],
)
def test_nobody_acts_for_who_is_not_here(seams, name, code, hint):
    """With the likely name, and what to do."""
    with pytest.raises(DeniedError) as caught:
        acting_for(seams, name)
    assert caught.value.code == code
    assert hint in caught.value.hint


def test_without_a_directory_there_is_nobody_to_act_for(world):
    """Logins alone aren't people."""
    with pytest.raises(ConfigurationError) as caught:
        acting_for(world.seams, "alice")
    assert (caught.value.code, "directory.yaml" in caught.value.hint) == ("directory_missing", True)


def test_without_a_directory_there_is_no_policy(world):
    """The same answer as for people."""
    with pytest.raises(ConfigurationError) as caught:
        world.seams.policy()
    assert caught.value.code == "directory_missing"


def test_an_operator_acts_for_oneself_only_where_the_command_allows_it(seams):
    """`--as` is asked for where a person answers for what is done."""
    assert acting(seams, None) == (seams, None)
    assert acting(seams, "alice") == acting_for(seams, "alice") == acting_person(seams, "alice")
    with pytest.raises(UsageError) as caught:
        acting_person(seams, None)
    assert (caught.value.code, "--as" in caught.value.hint) == ("person_needed", True)
