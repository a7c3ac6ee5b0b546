"""Which people a condition means: a truth table for each kind and each operator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.config.conditions import Condition
from daypass.flows.conditions import people_meant, people_rule
from daypass.flows.looking_up import build_case
from tests.policies import NOW, ask, policy

EVERYONE = {"alice", "bob", "carol", "dave", "erin"}  # frank has left


def meant(condition: object, *servers: str, hours: int = 0, grantee: str = "alice") -> set[str]:
    """Everyone whom a condition means, in a request of alice's for these servers."""
    rules = policy()
    case = build_case(ask(grantee, *servers), rules, NOW + timedelta(hours=hours))
    return set(people_meant(people_rule(Condition.model_validate(condition), rules.directory), case))


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ({"user": "alice"}, {"alice"}),
        ({"user": "Alice@Example.com"}, {"alice"}),
        ({"user": ["alice", "bob"]}, {"alice", "bob"}),
        ({"user": "frank"}, set()),
        ({"user": "nobody"}, set()),
        ({"user": {"is": "bob"}}, {"bob"}),
        ({"user": {"is_not": "alice"}}, EVERYONE - {"alice"}),
        ({"user": {"is_not": ["alice", "bob@example.com"]}}, EVERYONE - {"alice", "bob"}),
        ({"user": {"is_not": "frank"}}, EVERYONE),
        ({"user": {"contains": "a"}}, EVERYONE),  # example.com
        ({"user": {"contains": "aro"}}, {"carol"}),
        ({"user": {"does_not_contain": "aro"}}, EVERYONE - {"carol"}),
        ({"user": {"starts_with": ["al", "bo"]}}, {"alice", "bob"}),
        ({"user": {"starts_with": "AL"}}, set()),
        ({"user": {"starts_with": "a", "is_not": "alice"}}, set()),
        ({"group": "platform"}, {"carol", "dave"}),
        ({"group": "Platform"}, set()),
        ({"group": ["ops", "dba"]}, {"alice", "dave", "erin"}),
        ({"group": {"is_not": "dba"}}, {"alice", "bob", "carol"}),
        ({"group": {"contains": "-"}}, {"alice"}),
        ({"group": {"does_not_contain": "ops"}}, EVERYONE - {"alice"}),
        ({"group": {"starts_with": "eu-"}}, {"alice"}),
        ({"manager": "bob"}, {"alice"}),
        ({"manager": "bob@example.com"}, {"alice"}),
        ({"manager": {"is_not": "bob"}}, EVERYONE - {"alice"}),
        ({"manager": {"contains": "o"}}, {"alice"}),
        ({"manager": {"starts_with": "c"}}, set()),
        ({"shift": "day"}, {"carol"}),
        ({"shift": "night"}, set()),
        ({"shift": {"is_not": "day"}}, EVERYONE - {"carol"}),
        ({"shift": {"starts_with": "d"}}, {"carol"}),
        ("everyone", EVERYONE),
        ("manager", {"bob"}),
        ({"who": "manager"}, {"bob"}),
        ({"group": "dba", "user": "erin"}, {"erin"}),
        ({"all": [{"group": "dba"}, {"group": "platform"}]}, {"dave"}),
        ({"any": [{"group": "leads"}, {"shift": "day"}]}, {"bob", "carol"}),
        ({"any": [{"all": [{"group": "dba"}, {"user": {"is_not": "dave"}}]}, "manager"]}, {"erin", "bob"}),
    ],
)
def test_condition_means_these_people(condition, people):
    """By day, in a request of alice's for web-1; who has left is never meant."""
    assert meant(condition) == people


@pytest.mark.parametrize(
    "condition",
    [
        {"user": {"is_not": "alcie"}},
        {"group": {"is_not": "opps"}},
        {"manager": {"is_not": "bbo"}},
        {"shift": {"is_not": "dya"}},
        {"group": {"is_not": ["dba", "opps"]}},
    ],
)
def test_excluding_a_name_that_means_nothing_means_nobody(condition):
    """A slip of the pen in `is_not` would otherwise mean everybody."""
    assert meant(condition) == set()


def test_shift_is_looked_at_for_the_moment():
    """Twelve hours later somebody else is on duty."""
    assert meant({"shift": ["day", "night"]}) == {"carol"}
    assert meant({"shift": ["day", "night"]}, hours=12) == {"erin"}


@pytest.mark.parametrize(
    ("servers", "owners"),
    [
        (("web-1",), {"carol", "dave"}),  # no tag: the integration's owners
        (("db-1",), {"dave", "erin"}),
        (("db-1", "web-1"), {"dave"}),  # who owns one of several says nothing about the others
        (("lab-1",), set()),
        (("lab-1", "web-1"), set()),
    ],
)
def test_owner_answers_for_every_server_of_the_request(servers, owners):
    """By the server's tag, else by the integration."""
    assert meant("owner", *servers) == owners


def test_manager_is_that_of_who_gets_access():
    """Whoever asks."""
    assert meant("manager", grantee="bob") == set()
