"""`flows check`: what can't be meant is found, and nothing is found where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daypass.flows.checking import check_policy
from tests.policies import NOW, PEOPLE, Doubtful, policy


def found(*flows: dict[str, Any], **world: Any) -> list[tuple[str, str]]:
    """Codes with texts."""
    return [(finding.code, finding.text) for finding in check_policy(policy(*flows, **world), NOW)]


def test_flow_that_is_right_has_no_findings():
    """With every kind of approver."""
    approvers = {
        "steps": [[{"group": "platform"}, "owner"], {"any_of": [{"user": "bob"}, {"shift": "night"}]}]
    }
    assert found({"approvers": approvers}) == []


@pytest.mark.parametrize(
    ("flow", "code", "words"),
    [
        ({"requesters": {"group": "opss"}}, "unknown_group", "did you mean 'ops'?"),
        ({"requesters": {"group": {"is_not": "opss"}}}, "unknown_group", "did you mean 'ops'?"),
        ({"requesters": {"any": ["everyone", {"user": "alcie"}]}}, "unknown_person", "did you mean 'alice'?"),
        ({"grantees": {"any": ["everyone", {"manager": "bbo"}]}}, "unknown_person", "did you mean 'bob'?"),
        ({"requesters": {"any": ["everyone", {"shift": "dya"}]}}, "unknown_shift", "did you mean 'day'?"),
        ({"approvers": [{"user": "frank"}]}, "approver_nobody", "nobody is frank"),
        ({"approvers": [{"all": [{"group": "ops"}, {"group": "dba"}]}]}, "approver_nobody", "ops"),
        (
            {"approvers": {"any_of": ["owner"], "escalation": {"tiers": [[{"user": "frank"}]]}}},
            "approver_nobody",
            "frank",
        ),
        ({"approvers": ["manager"]}, "no_manager", "bob, carol, dave, erin"),
        ({"requesters": {"group": "ops"}, "approvers": ["manager"]}, "", ""),
        ({"requesters": {"user": "frank"}}, "nobody_fits", "can never fit"),
        ({"targets": {"servers": ["web-1", "wbe-2"]}}, "unknown_server", "did you mean 'web-2'?"),
        ({"targets": {"tags": {"environment": "prod"}}}, "unknown_tag", "environment"),
        ({"targets": {"tags": {"env": ["prod", "prd"]}}}, "unknown_tag", "did you mean 'prod'?"),
        ({"targets": {"tags": {"env": "test", "owner": "dba"}}}, "no_server", "can never fit"),
        ({"targets": {"integration": "prod", "user_groups": "opps"}}, "group_not_offered", "'ops'"),
        ({"targets": {"servers": "lab-1"}, "approvers": ["owner"]}, "no_owner", "lab-1"),
        ({"break_glass": True, "notify": {"user": "frank"}}, "approver_nobody", "notify"),
    ],
)
def test_what_can_not_be_meant_is_found(flow, code, words):
    """With the flow's name, and the likely name where there is one."""
    findings = found(flow)
    assert code in {name for name, _ in findings} or (code, findings) == ("", [])
    assert any(words in text for name, text in findings if name == code) or not code


@pytest.mark.parametrize(
    ("first", "second", "shadowed"),
    [
        ({}, {}, True),
        ({}, {"requesters": {"group": "ops"}}, True),
        ({"requesters": {"group": "ops"}}, {}, False),
        ({}, {"targets": {"servers": "web-1"}}, True),
        ({"targets": {"servers": "web-1"}}, {}, False),
        ({}, {"targets": {"servers": "web-1", "user_groups": "dba"}}, False),
        ({}, {"max_duration": "9h"}, False),
        ({"active": False}, {}, False),
        ({}, {"active": False}, False),
        ({"timeframe": {"timezone": "UTC", "end": "12:00"}}, {}, False),
        ({}, {"timeframe": {"timezone": "UTC", "end": "12:00"}}, True),
        ({}, {"request_for": "others"}, False),
        ({"request_for": ["self", "others"]}, {}, True),
        ({"requesters": {"shift": "day"}}, {"requesters": {"shift": "day"}}, True),
        ({"requesters": {"shift": "day"}}, {"requesters": {"user": "carol"}}, False),
        ({"trigger": "automatic", "requesters": None, "grantees": "everyone"}, {}, False),
    ],
)
def test_flow_that_never_decides_is_found(first, second, shadowed):
    """One before it fits whenever it would; only what is certain is told."""
    findings = found({"name": "a", **first}, {"name": "b", **second})
    assert [code for code, _ in findings] == (["shadowed"] if shadowed else [])


def test_directory_in_which_nobody_is_active_is_told():
    """No flow can fit."""
    people = [{**person, "active": False} for person in PEOPLE]
    assert ("nobody", "nobody in the directory is active") in found({}, people=people)


def test_shift_that_can_not_be_told_now_is_told():
    """A calendar that can't be read: whoever it names gets nothing by it until it can be."""
    made = policy({})
    shifts = {**made.directory.shifts, "night": Doubtful()}
    made = replace(made, directory=replace(made.directory, shifts=shifts))
    assert [(one.where, one.code) for one in check_policy(made, NOW)] == [("night", "shift_unknown_now")]
