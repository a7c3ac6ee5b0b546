"""Settings of access flows: defaults, limits, and what is refused with its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

FLOW: dict[str, Any] = {
    "name": "f",
    "requesters": "everyone",
    "targets": {"integration": "prod"},
    "max_duration": "8h",
    "approvers": "none",
}


@pytest.fixture
def flow_of(settings_of, tmp_path):
    """The one flow of a configuration that has these settings in it."""
    (tmp_path / "directory.yaml").write_text("people: []")

    def read(**more: Any):
        return settings_of(access_flows=[{**FLOW, **more}], directory="directory.yaml").access_flows[0]

    return read


@pytest.fixture
def flow_problems(problems_of):
    """The problems of such a configuration; a setting of None is left out."""

    def problems(**more: Any) -> list[str]:
        flow = {key: value for key, value in {**FLOW, **more}.items() if value is not ...}
        return problems_of(access_flows=[flow], directory="directory.yaml")

    return problems


def test_defaults_are_those_of_the_manual(flow_of):
    """Each is the careful one."""
    flow = flow_of()
    assert (flow.active, flow.trigger, flow.request_for) == (True, "self_serve", ("self",))
    assert (flow.requester_may_approve, flow.require_approver_reason, flow.break_glass) == (False,) * 3
    assert (flow.justification_is_required, flow.max_extensions, flow.extension_duration) == (True, 0, None)
    assert (flow.grantees, flow.default_duration, flow.timeframe, flow.notify) == (None,) * 4
    assert flow.certificate.extensions == ("permit-pty",)
    assert (flow.certificate.critical_options, flow.labels) == ({}, {})
    assert flow.targets[0].user_groups == ("Default",)
    assert flow.approvers.in_order == ()


def test_escalation_is_after_thirty_minutes_by_default(flow_of):
    """And a list alone means any of it."""
    flow = flow_of(approvers={"any_of": ["manager"], "escalation": {"tiers": [["owner"]]}})
    [step] = flow.approvers.in_order
    assert step.escalation.interval == timedelta(minutes=30)
    assert (step.escalation.tiers[0].any_of[0].who, step.needed) == ("owner", 1)


def test_automatic_flow_asks_for_no_justification(flow_of):
    """Nobody asks."""
    flow = flow_of(trigger="automatic", requesters=None, grantees={"group": "ops"})
    assert not flow.justification_is_required


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("max_duration", ..., "access_flows[0].max_duration: found nothing"),
        ("max_duration", "0h", "access_flows[0].max_duration: found"),
        ("max_duration", 8, "access_flows[0].max_duration: found 8"),
        ("max_duration", "367d", "from 1m to 366d"),
        ("default_duration", "9h", "within max_duration"),
        ("approvers", ..., "access_flows[0].approvers: found nothing"),
        ("approvers", None, "or `none` in so many words"),
        ("approvers", [], "or `none` in so many words"),
        ("approvers", {}, "or `none` in so many words"),
        ("approvers", "nobody", "access_flows[0].approvers: found"),
        ("approvers", {"steps": []}, "at least one"),
        ("approvers", {"any_of": []}, "access_flows[0].approvers.any_of: found an empty list"),
        ("approvers", {"any_of": ["owner"], "all_of": ["owner"]}, "one of these three"),
        ("approvers", {"at_least": 2}, "one of these three"),
        ("approvers", {"of": ["owner"]}, "one of these three"),
        ("approvers", {"at_least": 2, "of": ["owner"]}, "at most 1"),
        ("approvers", {"at_least": 0, "of": ["owner"]}, "1 or more"),
        ("approvers", ["everyone"], "everyone as approver"),
        ("approvers", [{"any": [{"all": ["everyone"]}]}], "everyone as approver"),
        ("approvers", {"any_of": ["owner"], "escalation": {"tiers": []}}, "tiers: found an empty list"),
        ("approvers", {"any_of": ["owner"], "escalation": {"tiers": [["owner"]] * 6}}, "at most 5"),
        (
            "approvers",
            {"any_of": ["owner"], "escalation": {"interval": "30s", "tiers": [["owner"]]}},
            "escalation.interval: found",
        ),
        ("approvers", {"any_of": [{"grop": "x"}]}, "approvers.any_of[0].grop: found an unknown field"),
        ("requesters", ..., "requesters, who may ask"),
        ("requesters", [], "access_flows[0].requesters: found an empty list"),
        ("requesters", {}, "found an empty object"),
        ("requesters", "everybody", "everyone, owner, manager"),
        ("requesters", {"group": {}}, "a list of texts"),
        ("requesters", {"group": {"is": []}}, "found an empty list"),
        ("requesters", {"group": {"contains": ""}}, "1 to 256 printable characters"),
        ("requesters", {"group": {"equals": "x"}}, "requesters[0].group.equals: found an unknown field"),
        ("requesters", {"any": [{"shift": 3}]}, "requesters[0].any[0].shift: found 3"),
        ("targets", ..., "access_flows[0].targets: found nothing"),
        ("targets", [], "access_flows[0].targets: found an empty list"),
        ("targets", {"user_groups": "ops"}, "a target without servers"),
        ("targets", {"tags": {}}, "a target without servers"),
        ("targets", {"bundle": "x", "servers": "web-1"}, "a bundle by itself"),
        ("targets", {"bundle": "webb"}, "access_flows[0].targets[0].bundle: found"),
        ("targets", {"integration": "prood"}, "did you mean prod?"),
        ("targets", {"servers": "web-1", "exclude": {"integration": "prood"}}, "exclude.integration: found"),
        ("targets", {"servers": "web-1", "user_groups": ["root"]}, "targets[0].user_groups[0]: found"),
        ("targets", {"servers": "web-1", "user_groups": []}, "found an empty list"),
        ("name", "with space", "no space"),
        ("name", "direct", "not direct"),
        ("request_for", [], "found an empty list"),
        ("request_for", "all", "one of 'self' or 'others'"),
        ("timeframe", {"days": []}, "access_flows[0].timeframe.days: found an empty list"),
        ("timeframe", {"days": ["mon"]}, "access_flows[0].timeframe.timezone: found nothing"),
        ("timeframe", {"timezone": "Mars/Base"}, "IANA"),
        ("timeframe", {"timezone": "../../etc/passwd"}, "IANA"),
        ("timeframe", {"timezone": "UTC", "start": "8 am"}, "timeframe.start: found"),
        ("timeframe", {"timezone": "UTC", "start": "08:00", "end": "08:00"}, "a whole day is"),
        ("max_extensions", 1, "together"),
        ("extension_duration", "1h", "together"),
        ("max_extensions", -1, "0 or more"),
        ("certificate", {"source_addresses": ["10.0.0.1/8"]}, "source_addresses[0]: found"),
        ("certificate", {"source_addresses": ["office"]}, "source_addresses[0]: found"),
        ("certificate", {"force_command": ""}, "force_command: found"),
        ("certificate", {"force_command": "a\nb"}, "force_command: found"),
        ("certificate", {"extensions": ["permit-user-rc"]}, "certificate.extensions[0]: found"),
        ("break_glass", True, "notify for those who are told"),
        ("trigger", "automatic", "no grantees"),
        ("actve", True, "did you mean active?"),
        ("labels", {"team": 3}, "access_flows[0].labels.team: found 3"),
    ],
)
def test_odd_setting_is_refused_with_its_place(flow_problems, setting, value, problem):
    """What was found and what is allowed."""
    problems = flow_problems(**{setting: value})
    assert any(problem in found for found in problems), problems


def test_every_problem_of_every_flow_is_told_at_once(problems_of):
    """Nobody corrects one after another."""
    flows = [{**FLOW, "name": "a b", "max_duration": 3}, {**FLOW, "approvers": None, "activ": 1}]
    assert len(problems_of(access_flows=flows, directory="d.yaml")) == 4


def test_names_that_stand_twice_are_refused(problems_of):
    """Which of them would decide?"""
    bundle = {"name": "b", "targets": {"servers": "web-1"}}
    problems = problems_of(access_flows=[FLOW, FLOW], bundles=[bundle, bundle], directory="d.yaml")
    assert [problem.split(":")[0] for problem in problems] == ["access_flows[1].name", "bundles[1].name"]


def test_flows_without_a_directory_are_refused(problems_of):
    """There is nobody that they could be about."""
    [problem] = problems_of(access_flows=[FLOW])
    assert problem.startswith("directory: found none")


def test_bundle_in_a_bundle_is_refused(problems_of):
    """One level is enough to be understood."""
    bundle = {"name": "b", "targets": {"bundle": "c"}}
    [problem] = problems_of(bundles=[bundle])
    assert "a bundle inside a bundle" in problem


@pytest.mark.parametrize(
    "extra",
    [
        {"requesters": "everyone"},
        {"approvers": ["owner"]},
        {"request_for": "others"},
        {"timeframe": {"timezone": "UTC"}},
        {"justification_required": True},
        {"require_approver_reason": True},
        {"requester_may_approve": True},
        {"max_extensions": 1, "extension_duration": "1h"},
        {"break_glass": True, "notify": "everyone"},
    ],
)
def test_what_only_a_request_has_is_refused_for_automatic_access(flow_problems, extra):
    """Nobody asks, nobody answers."""
    automatic = {"trigger": "automatic", "requesters": ..., "grantees": {"group": "ops"}}
    assert flow_problems(**automatic) == []
    assert "with trigger" in flow_problems(**{**automatic, **extra})[0]


def test_break_glass_access_is_not_extended_in_silence(flow_problems):
    """Whoever needs it for longer asks again: everyone is told again, and there is another review."""
    glass = {"break_glass": True, "notify": "everyone", "approvers": "none"}
    assert flow_problems(**glass) == []
    (problem,) = flow_problems(**glass, max_extensions=1, extension_duration="1h")
    assert "break_glass with max_extensions" in problem
