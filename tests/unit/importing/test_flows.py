"""What becomes of an access flow: as much as it gave there, or less, or nothing; never more."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from daypass.importing.apono import Translation, translate
from daypass.importing.findings import Kind
from daypass.importing.settings import Wishes
from tests.importing_cases import condition, flow, policy, scope, ssh_integration, target

MAPPED = Wishes(mapped={"groups": "user_groups"})
GROUP_ID = {"id": "grp-1", "name": "platform", "source_id": "okta-1"}


@pytest.fixture
def imported(tmp_path):
    """Import definitions beside a small integration."""

    def run(*definitions: dict[str, Any], wishes: Wishes = MAPPED) -> Translation:
        file = tmp_path / "source.json"
        file.write_text(json.dumps([ssh_integration(), *definitions]), encoding="utf-8")
        return translate([file], wishes)

    return run


@pytest.fixture
def ours(imported):
    """Our flows for theirs."""

    def run(*definitions: dict[str, Any], wishes: Wishes = MAPPED) -> list[dict[str, Any]]:
        found = imported(*definitions, wishes=wishes)
        flows: list[dict[str, Any]] = yaml.safe_load(found.files["daypass.yaml"]).get("access_flows", [])
        return flows

    return run


def told(found: Translation, kind: Kind) -> list[str]:
    return [f"{one.inside}: {one.found}" for one in found.findings if one.kind is kind and one.of]


def test_flow_without_approvers_is_switched_off(ours, imported):
    """There it grants by itself; here somebody says so in so many words, by hand or by the option."""
    flows = ours(flow(approver_policy=None))
    assert (flows[0]["approvers"], flows[0]["active"]) == ("none", False)
    assert any("approver_policy" in one for one in told(imported(flow(approver_policy=None)), Kind.SAFER))


def test_flow_without_approvers_is_on_where_that_is_wanted(ours):
    """`--allow-unapproved`."""
    flows = ours(flow(approver_policy=None), wishes=Wishes(mapped=MAPPED.mapped, allow_unapproved=True))
    assert flows[0]["approvers"] == "none"
    assert "active" not in flows[0]


@pytest.mark.parametrize("length", [{}, {"grant_duration_in_min": None}, {"grant_duration_in_min": 600_000}])
def test_access_without_an_end_gets_one(ours, length):
    """An omitted length means for ever there; `--max-duration` says how long it is here."""
    theirs = flow()
    del theirs["grant_duration_in_min"]
    wishes = Wishes(max_duration=timedelta(hours=3), mapped=MAPPED.mapped)
    assert ours({**theirs, **length}, wishes=wishes)[0]["max_duration"] == "3h"


def test_access_for_no_time_is_not_made_longer(ours, imported):
    """Zero minutes can't be said here, and anything else would be more."""
    assert ours(flow(grant_duration_in_min=0)) == []
    assert told(imported(flow(grant_duration_in_min=0)), Kind.LEFT_OUT)


@pytest.mark.parametrize("settings", [{}, {"requestor_cannot_approve_himself": False}, None])
def test_own_yes_never_counts(ours, settings):
    """There whoever asks may say yes to it by default."""
    assert ours(flow(settings=settings))[0]["requester_may_approve"] is False


@pytest.mark.parametrize(
    "limit",
    [{"settings": {"require_mfa": True}}, {"requestor_identity_type": "AGENT"}],
)
def test_flow_with_a_limit_that_has_no_equal_is_switched_off(ours, limit):
    """Without the limit it would give more than there."""
    assert ours(flow(**limit))[0]["active"] is False


def test_flow_that_was_off_stays_off(ours):
    """Importing switches nothing on."""
    wishes = Wishes(mapped=MAPPED.mapped, allow_unapproved=True)
    assert ours(flow(active=False, approver_policy=None), wishes=wishes)[0]["active"] is False


def test_field_that_nobody_knows_keeps_the_flow_out(ours, imported):
    """It may be a limit of a newer version."""
    assert ours(flow(only_from="10.0.0.0/8")) == []
    found = imported(flow(only_from="10.0.0.0/8"))
    assert "only_from: a text of 10 characters" in told(found, Kind.UNKNOWN)
    assert "10.0.0.0" not in str(found.findings)


def test_unknown_field_is_left_out_on_somebodys_word(ours):
    """`--ignore` names it, and the finding says so."""
    wishes = Wishes(mapped=MAPPED.mapped, ignored=frozenset({"only_from"}))
    assert len(ours(flow(only_from="10.0.0.0/8"), wishes=wishes)) == 1


OPS, DAN, MANAGER = condition("group", "ops"), condition("user", "dan@example.com"), condition("manager")
NO_EQUAL = condition("okta_department", "Risk")


@pytest.mark.parametrize(
    ("theirs", "approvers"),
    [
        (policy("ANY_OF", ("OR", [MANAGER, DAN])), ["manager", {"user": "dan@example.com"}]),
        (policy("ANY_OF", ("OR", [MANAGER]), ("OR", [OPS])), ["manager", {"group": "ops"}]),
        (policy("ANY_OF", ("AND", [MANAGER, OPS])), {"all_of": ["manager", {"group": "ops"}]}),
        (
            policy("ALL_OF", ("OR", [MANAGER, DAN]), ("AND", [OPS])),
            {"all_of": [{"any": ["manager", {"user": "dan@example.com"}]}, {"group": "ops"}]},
        ),
        # One group of several, with one that needs two people: every yes is asked for.
        (
            policy("ANY_OF", ("AND", [MANAGER, OPS]), ("OR", [DAN])),
            {"all_of": ["manager", {"group": "ops"}, {"user": "dan@example.com"}]},
        ),
        # Without one of several who may say yes, fewer may.
        (policy("ANY_OF", ("OR", [MANAGER, NO_EQUAL])), ["manager"]),
        (policy("ANY_OF", ("OR", [condition("Owner")])), ["owner"]),
    ],
)
def test_approvers_are_never_fewer_than_there(ours, theirs, approvers):
    """Each group and operator as here, or stricter."""
    assert ours(flow(approver_policy=theirs))[0]["approvers"] == approvers


@pytest.mark.parametrize(
    "theirs",
    [
        policy("ALL_OF", ("OR", [MANAGER]), ("OR", [NO_EQUAL])),
        policy("ALL_OF", ("AND", [MANAGER, NO_EQUAL])),
        policy("ANY_OF", ("OR", [NO_EQUAL])),
        policy("ANY_OF"),
    ],
)
def test_approval_that_cant_be_said_keeps_the_flow_out(ours, theirs):
    """With a part of it, fewer people would have to say yes."""
    assert ours(flow(approver_policy=theirs)) == []


def test_escalation_that_cant_be_said_leaves_nobody_else_to_say_yes(ours):
    """Fewer people may say yes then."""
    theirs = {"interval_in_min": 5, "approver_groups": [{"logical_operator": "OR", "approvers": [NO_EQUAL]}]}
    assert ours(flow(escalation_policy=theirs))[0]["approvers"] == ["manager"]


def test_escalation_keeps_its_tiers_and_its_interval(ours):
    """Half an hour where it doesn't say."""
    tiers = [
        {"logical_operator": "OR", "approvers": [DAN]},
        {"logical_operator": "AND", "approvers": [DAN, OPS]},
    ]
    theirs = {"interval_in_min": None, "approver_groups": tiers}
    assert ours(flow(escalation_policy=theirs))[0]["approvers"]["escalation"] == {
        "interval": "30m",
        "tiers": [
            {"any_of": [{"user": "dan@example.com"}]},
            {"all_of": [{"user": "dan@example.com"}, {"group": "ops"}]},
        ],
    }


@pytest.mark.parametrize(
    ("operator", "conditions", "requesters"),
    [
        ("OR", [OPS, DAN], [{"group": "ops"}, {"user": "dan@example.com"}]),
        ("AND", [OPS, DAN], {"all": [{"group": "ops"}, {"user": "dan@example.com"}]}),
        ("OR", [OPS, NO_EQUAL], {"group": "ops"}),
        (
            "OR",
            [condition("group", "a", "b", operator="starts_with")],
            {"group": {"starts_with": ["a", "b"]}},
        ),
        ("OR", [condition("group", "okta-1")], {"group": "platform"}),
        ("OR", [condition("opsgenie_schedule", "Nights")], {"shift": "Nights"}),
        ("OR", [condition("manager", "dan@example.com")], {"manager": "dan@example.com"}),
    ],
)
def test_those_who_may_ask_are_the_same_or_fewer(ours, operator, conditions, requesters):
    """Conditions, operators and ids of groups."""
    theirs = {"logical_operator": operator, "conditions": conditions}
    assert ours(GROUP_ID, flow(requestors=theirs))[0]["requesters"] == requesters


@pytest.mark.parametrize("conditions", [[OPS, NO_EQUAL], [NO_EQUAL, OPS]])
def test_one_of_several_conditions_that_must_hold_is_never_left_out(ours, conditions):
    """With AND, leaving one out would mean more people."""
    assert ours(flow(requestors={"logical_operator": "AND", "conditions": conditions})) == []


@pytest.mark.parametrize(
    ("scopes", "targets"),
    [
        ([scope("include", "NAME", "web-1")], [{"servers": ["web-1"]}]),
        ([scope("exclude", "TAG", "prod", key="env")], [{"exclude": {"tags": {"env": ["prod"]}}}]),
        (
            [scope("exclude", "TAG", "prod", key="env"), scope("exclude", "NAME", "web-1")],
            [{"exclude": {"servers": ["web-1"], "tags": {"env": ["prod"]}}}],
        ),
        (
            [scope("include", "TAG", "prod", key="env"), scope("include", "TAG", "test", key="env")],
            [{"tags": {"env": ["prod", "test"]}}],
        ),
    ],
)
def test_filters_of_servers_become_targets(ours, scopes, targets):
    """Included and excluded by name and by tag."""
    base = {"integration": "linux", "user_groups": ["ops"]}
    found = ours(flow(access_targets=[target(*scopes)]))
    assert found[0]["targets"] == [{**base, **one} for one in targets]
    assert "active" not in found[0]


@pytest.mark.parametrize("mode", ["include", "exclude"])
def test_target_with_a_filter_that_has_no_equal_is_left_out_whole(ours, mode):
    """Without an exclusion it would be more servers; without everything the flow isn't written."""
    by_id = target(scope(mode, "APONO_ID", "res-1"))
    assert ours(flow(access_targets=[by_id])) == []
    assert len(ours(flow(access_targets=[by_id, target()]))[0]["targets"]) == 1


def test_several_kinds_of_inclusion_are_looked_at_by_somebody(ours):
    """Whether one of them is enough isn't documented for v2; the flow is off until somebody looked."""
    scopes = [scope("include", "NAME", "web-1"), scope("include", "TAG", "prod", key="env")]
    found = ours(flow(access_targets=[target(*scopes)]))
    assert found[0]["active"] is False


def test_group_that_the_integration_doesnt_offer_isnt_given(ours):
    """What stands in the integration's parameters counts."""
    found = ours(flow(access_targets=[target(permissions=["ops", "wheel"])]))
    assert found[0]["targets"] == [{"integration": "linux", "user_groups": ["ops"]}]


@pytest.mark.parametrize(
    "place",
    [
        {"integration_name": "elsewhere"},
        {"resource_type": "ssh-group"},
        {"permissions": ["READ ONLY"]},
    ],
)
def test_target_that_isnt_ours_gives_nothing(ours, place):
    """Another integration, another type of resource, no group."""
    assert ours(flow(access_targets=[target(**place)])) == []


def test_people_who_ask_for_others_get_a_flow_for_each_way(ours):
    """One of theirs may say all three; here each has requesters and grantees of its own."""
    grantees = {"logical_operator": "OR", "conditions": [condition("group", "interns")]}
    request_for = {"request_scopes": ["self", "others", "direct_reports"], "grantees": grantees}
    by_self, others, reports = ours(flow(request_for=request_for))
    assert "grantees" not in by_self
    assert (others["grantees"], others["request_for"]) == ({"group": "interns"}, "others")
    assert reports["requesters"] == {"all": [{"group": "ops"}, "manager"]}
    assert len({one["name"] for one in (by_self, others, reports)}) == 3


@pytest.mark.parametrize(
    ("start", "end", "ours_start", "ours_end"),
    [
        ("08:00", "17:30", "08:00", "17:30"),
        ("00:00:00", "23:59:59", "00:00", "24:00"),
        ("08:00:10", "17:30:50", "08:01", "17:30"),
        (28800, 63000, "08:00", "17:30"),
    ],
)
def test_hours_are_never_longer(ours, start, end, ours_start, ours_end):
    """Seconds are cut off; the last second of a day is its end."""
    names = ("start_time", "end_time") if isinstance(start, str) else ()
    names = names or ("start_of_day_time_in_seconds", "end_of_day_time_in_seconds")
    hours = dict(zip(names, (start, end), strict=True))
    theirs = {**hours, "days_of_week": ["FRIDAY", "MONDAY"], "time_zone": "Europe/Berlin"}
    found = ours(flow(timeframe=theirs))[0]["timeframe"]
    assert (found["start"], found["end"], found["days"]) == (ours_start, ours_end, ["monday", "friday"])


@pytest.mark.parametrize(
    "odd", [{"time_zone": "Mars/Olympus"}, {"end_time": "25:00"}, {"days_of_week": ["DOOMSDAY"]}]
)
def test_odd_hours_keep_the_flow_out(ours, odd):
    """Without its hours it would give more."""
    theirs = {"start_time": "08:00", "end_time": "17:00", "days_of_week": ["MONDAY"], "time_zone": "UTC"}
    assert ours(flow(timeframe={**theirs, **odd})) == []


def test_automatic_flow_with_hours_is_switched_off_though_it_is_wanted(ours):
    """Automatic access has no hours here."""
    hours = {"start_time": "08:00", "end_time": "17:00", "days_of_week": ["MONDAY"], "time_zone": "UTC"}
    theirs = flow(trigger="AUTOMATIC", approver_policy=None, timeframe=hours)
    wishes = Wishes(mapped=MAPPED.mapped, allow_unapproved=True)
    assert ours(theirs, wishes=wishes)[0]["active"] is False


def test_automatic_flow_with_approvers_isnt_written(ours):
    """Nobody asks, so nobody can say yes; without the approvers it would give more."""
    wishes = Wishes(mapped=MAPPED.mapped, allow_unapproved=True)
    assert ours(flow(trigger="AUTOMATIC"), wishes=wishes) == []


def test_name_and_id_that_mean_different_integrations_keep_the_flow_out(ours):
    """Nobody knows which of them was meant."""
    servers = json.dumps([{"name": "db-1", "host": "192.0.2.9"}])
    other = ssh_integration(
        id="int-2", name="other", integration_config={"servers": servers, "groups": "ops"}
    )
    assert len(ours(other, flow(access_targets=[target(integration_id="int-1")]))) == 1
    assert ours(other, flow(access_targets=[target(integration_id="int-2")])) == []


def test_automatic_flow_gives_to_those_who_would_ask(ours):
    """Its requestors are who has it by themselves."""
    wishes = Wishes(mapped=MAPPED.mapped, allow_unapproved=True)
    found = ours(flow(trigger="AUTOMATIC", approver_policy=None), wishes=wishes)[0]
    assert (found["trigger"], found["grantees"]) == ("automatic", {"group": "ops"})


def test_names_stay_apart(ours):
    """Names that are the same without odd characters get numbers, and the finding says both."""
    found = ours(flow(name="Prod: db"), flow(name="Prod, db"), flow(name="direct"))
    assert [one["name"] for one in found] == ["Prod-db", "Prod-db-2", "flow"]


def test_plan_with_values_that_arent_known_yet_keeps_the_definition_out(tmp_path):
    """A filter that is known after the apply is missing in a plan: without it every server would be meant."""
    values = {**flow(), "id": None}
    resource = {
        "address": "apono_access_flow_v2.x",
        "mode": "managed",
        "type": "apono_access_flow_v2",
        "values": values,
    }
    unknown = {"id": True, "access_targets": [{"integration": {"resources_scopes": True}}]}
    plan: dict[str, Any] = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource]}},
        "resource_changes": [{"address": "apono_access_flow_v2.x", "change": {"after_unknown": unknown}}],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    found = translate([tmp_path / "plan.json"], MAPPED)
    assert not found.written["access flow"]
    assert any("doesn't know yet" in one.found for one in found.findings)


def test_page_of_several_is_noticed(tmp_path: Path):
    """Half a listing is not the whole."""
    page = {"items": [ssh_integration()], "pagination": {"next_page_token": "more"}}
    (tmp_path / "page.json").write_text(json.dumps(page), encoding="utf-8")
    found = translate([tmp_path / "page.json"], MAPPED)
    assert any(one.path == "pagination" and one.kind is Kind.FILL_IN for one in found.findings)
