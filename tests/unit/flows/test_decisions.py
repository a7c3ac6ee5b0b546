"""What is decided: each rule's yes and no, each denial, the order of flows, the window."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daypass.domain.windows import Window
from daypass.flows import Decision, OpenAccess, Verdict, decide
from daypass.flows.looking_up import MOST_SERVERS
from tests.policies import NOW, SERVERS, ask, policy

HOURS = {"days": ["mon"], "start": "08:00", "end": "18:00", "timezone": "UTC"}


def failing(decision: Decision, flow: str = "f") -> set[str]:
    """Rules that say no for one flow."""
    [judged] = [one for one in decision.judged if one.flow == flow]
    return {reason.rule for reason in judged.reasons if not reason.ok}


def test_request_that_fits_a_flow_without_approvers_is_granted():
    """With the flow's own length where none is asked for."""
    decision = decide(ask(), policy({}), NOW)
    assert (decision.verdict, decision.code, decision.flow) == (Verdict.GRANTED, "granted", "f")
    assert decision.window == Window(NOW, NOW + timedelta(hours=8))
    assert decision.approvals is None
    assert (dict(decision.critical_options), decision.extensions) == ({}, ("permit-pty",))


RULES: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    # the flow's settings, the request's words, the rules that say no
    ({"active": True}, {}, set()),
    ({"active": False}, {}, {"active"}),
    ({"requesters": {"group": "ops"}}, {}, set()),
    ({"requesters": {"group": "dba"}}, {}, {"requesters", "grantees"}),
    ({"requesters": {"group": "dba"}, "grantees": {"group": "ops"}}, {}, {"requesters"}),
    ({"requesters": {"group": "ops"}, "grantees": {"group": "dba"}}, {}, {"grantees"}),
    ({}, {"requester": "bob"}, {"request_for"}),
    ({"request_for": "others"}, {}, {"request_for"}),
    ({"request_for": "others"}, {"requester": "bob"}, set()),
    ({"request_for": ["self", "others"]}, {"requester": "bob"}, set()),
    ({"request_for": ["self", "others"]}, {}, set()),
    ({"requesters": "manager", "grantees": "everyone", "request_for": "others"}, {"requester": "bob"}, set()),
    (
        {"requesters": "manager", "grantees": "everyone", "request_for": "others"},
        {"requester": "carol"},
        {"requesters"},
    ),
    ({"targets": {"servers": "web-1"}}, {}, set()),
    ({"targets": {"servers": "web-2"}}, {}, {"targets"}),
    ({"targets": {"servers": "web-1"}}, {"groups": ("ops",)}, {"targets"}),
    ({"targets": {"servers": "web-1", "user_groups": "ops"}}, {}, {"targets"}),
    (
        {"targets": [{"servers": "web-1"}, {"servers": "web-1", "user_groups": "ops"}]},
        {"groups": ("ops", "Default")},
        set(),
    ),
    ({"max_duration": "1h"}, {"length": timedelta(hours=1)}, set()),
    ({"max_duration": "1h"}, {"length": timedelta(hours=1, seconds=1)}, {"max_duration"}),
    ({}, {"length": timedelta(seconds=59)}, {"max_duration"}),
    ({"timeframe": HOURS}, {}, set()),
    ({"timeframe": {**HOURS, "days": "tue"}}, {}, {"timeframe"}),
    ({"timeframe": {**HOURS, "start": "09:01"}}, {}, {"timeframe"}),
    ({"timeframe": {**HOURS, "end": "09:00"}}, {}, {"timeframe"}),
    ({"trigger": "automatic", "requesters": None, "grantees": "everyone"}, {}, {"trigger"}),
]


@pytest.mark.parametrize(("settings", "words", "rules"), RULES)
def test_each_rule_says_yes_or_no(settings, words, rules):
    """Alice asks for web-1 on Monday at 09:00 UTC; every rule that says no is told, with its reason."""
    decision = decide(ask(**words), policy(settings), NOW)
    assert failing(decision) == rules
    assert decision.verdict is (Verdict.DENIED if rules else Verdict.GRANTED)
    if rules:
        assert (decision.code, decision.flow, decision.window) == ("no_flow", None, None)
    assert all(reason.text for one in decision.judged for reason in one.reasons)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"grantee": "frank"}, "person_left"),
        ({"grantee": "nobody"}, "person_unknown"),
        ({"requester": "frank"}, "person_left"),
        ({"requester": "nobody"}, "person_unknown"),
        ({"servers": ("gone-1",)}, "server_unknown"),
        ({"servers": ("web-1", "gone-1")}, "server_unknown"),
        ({"servers": tuple(f"web-{n}" for n in range(MOST_SERVERS + 1))}, "servers_number"),
        ({"servers": ("lab-1",), "groups": ("ops",)}, "group_not_offered"),
        ({"groups": ("opps",)}, "group_not_offered"),
        ({"start": NOW - timedelta(minutes=2)}, "start_not_allowed"),
        ({"start": NOW + timedelta(days=91)}, "start_not_allowed"),
        ({"justification": "x" * 401}, "justification_odd"),
        ({"justification": "a\x1b[2J"}, "justification_odd"),
        ({"justification": ""}, "justification_lacking"),
        ({"justification": "  "}, "justification_lacking"),
    ],
)
def test_words_that_mean_nothing_are_denied_with_their_code(words, code):
    """Before any flow is looked at, or by what the chosen one demands."""
    servers = words.pop("servers", ("web-1",))
    decision = decide(ask(words.pop("grantee", "alice"), *servers, **words), policy({}), NOW)
    assert (decision.verdict, decision.code) == (Verdict.DENIED, code)
    assert decision.window is None


def test_every_problem_of_the_words_is_told_at_once():
    """Nobody corrects one name after another."""
    decision = decide(ask("frank", "gone-1", "gone-2"), policy({}), NOW)
    assert [word in decision.sentence for word in ("frank", "gone-1", "gone-2")] == [True] * 3


def test_without_any_flow_everything_is_denied():
    """An empty list allows nothing."""
    assert decide(ask(), policy(), NOW).code == "no_flow"


def test_of_several_flows_that_fit_the_first_in_the_file_decides():
    """And the decision says which."""
    strict = {"name": "strict", "approvers": [{"group": "platform"}]}
    easy = {"name": "easy"}
    first = decide(ask(), policy(strict, easy), NOW)
    assert (first.flow, first.verdict) == ("strict", Verdict.NEEDS_APPROVAL)
    assert decide(ask(), policy(easy, strict), NOW).flow == "easy"


def test_flow_that_does_not_fit_leaves_the_next_one_to_decide():
    """A short time for oneself, a long one with a yes."""
    short = {"name": "short", "max_duration": "1h"}
    long = {"name": "long", "max_duration": "8h", "approvers": ["manager"]}
    rules = policy(short, long)
    assert decide(ask(length=timedelta(hours=1)), rules, NOW).flow == "short"
    assert decide(ask(length=timedelta(hours=2)), rules, NOW).flow == "long"


def test_demand_of_the_chosen_flow_sends_nobody_to_the_next():
    """A request without its reason is denied, not decided by a flow that asks for none."""
    rules = policy({"name": "a"}, {"name": "b", "justification_required": False})
    decision = decide(ask(justification=""), rules, NOW)
    assert (decision.flow, decision.code) == ("a", "justification_lacking")
    assert decide(ask(justification=""), policy({"justification_required": False}), NOW).code == "granted"


def test_every_flow_is_judged_with_every_rule():
    """All reasons, of the flows that don't decide, too."""
    decision = decide(ask(), policy({"name": "a"}, {"name": "b"}, {"name": "c", "active": False}), NOW)
    assert [one.flow for one in decision.judged] == ["a", "b", "c"]
    assert {len(one.reasons) for one in decision.judged} == {8}


@pytest.mark.parametrize(
    ("settings", "length", "hours"),
    [
        ({}, None, 8),
        ({"default_duration": "2h"}, None, 2),
        ({"default_duration": "2h"}, timedelta(hours=3), 3),
    ],
)
def test_length_is_what_is_asked_or_the_default_or_the_longest(settings, length, hours):
    """`default_duration`, else `max_duration`."""
    window = decide(ask(length=length), policy(settings), NOW).window
    assert window.length == timedelta(hours=hours)


def test_access_ends_when_the_timeframe_closes():
    """Eight hours are asked for at 12:00, the timeframe closes at 18:00."""
    noon = NOW + timedelta(hours=3)
    assert decide(ask(), policy({"timeframe": HOURS}), noon).window == Window(noon, noon + timedelta(hours=6))


def test_start_in_the_future_is_judged_for_that_time():
    """The timeframe is that of the access, not of the question."""
    start = NOW + timedelta(hours=5)
    decision = decide(ask(start=start, length=timedelta(hours=1)), policy({"timeframe": HOURS}), NOW)
    assert decision.window == Window(start, start + timedelta(hours=1))
    late = decide(ask(start=NOW + timedelta(hours=10)), policy({"timeframe": HOURS}), NOW)
    assert failing(late) == {"timeframe"}


def test_automatic_access_is_decided_where_nobody_asks():
    """Whoever is among the grantees has it, without a reason; others don't."""
    flow = {"trigger": "automatic", "requesters": None, "grantees": {"group": "ops"}}
    rules = policy(flow, {"name": "asked"})
    assert decide(ask(requester=None, justification=""), rules, NOW).flow == "f"
    assert decide(ask("bob", requester=None, justification=""), rules, NOW).code == "no_flow"


def test_break_glass_grants_at_once_and_tells_everyone_named():
    """A review is due afterwards."""
    decision = decide(ask(), policy({"break_glass": True, "notify": [{"group": "platform"}, "manager"]}), NOW)
    assert decision.verdict is Verdict.GRANTED
    assert (decision.review, decision.notify) == (True, {"bob", "carol", "dave"})


CONSTRAINED = {
    "certificate": {"source_addresses": ["192.0.2.0/24", "2001:db8::/32"], "force_command": "uptime"}
}
OPTIONS = {"source-address": "192.0.2.0/24,2001:db8::/32", "force-command": "uptime"}


def test_certificate_constraints_come_from_the_flow():
    """And from nowhere else."""
    flow = {
        "certificate": {**CONSTRAINED["certificate"], "extensions": ["permit-pty", "permit-port-forwarding"]}
    }
    decision = decide(ask(), policy(flow), NOW)
    assert dict(decision.critical_options) == OPTIONS
    assert decision.extensions == ("permit-pty", "permit-port-forwarding")


@pytest.mark.parametrize(
    ("flow", "options", "server", "begins", "allowed"),
    [
        (CONSTRAINED, OPTIONS, "web-1", 0, True),  # the same bounds
        (CONSTRAINED, {}, "web-1", 0, False),  # none before, some now
        ({}, OPTIONS, "web-1", 0, False),  # some before, none now
        ({}, {}, "web-1", 0, True),
        ({}, {"force-command": "id"}, "web-1", 0, False),
        ({}, OPTIONS, "web-2", 0, True),  # on another server
        ({}, OPTIONS, "web-1", 8, True),  # begins when this one ends
        ({}, OPTIONS, "web-1", 7, False),
    ],
)
def test_constraints_that_differ_do_not_overlap(flow, options, server, begins, allowed):
    """A certificate without bounds would undo one with them."""
    start = NOW + timedelta(hours=begins)
    other = OpenAccess("01J", server, Window(start, start + timedelta(hours=1)), options)
    decision = decide(ask(open_access=(other,)), policy(flow), NOW)
    assert decision.code == ("granted" if allowed else "certificate_lacking")


@pytest.mark.parametrize(
    ("approvers", "people"),
    [
        ([{"user": "frank"}], {}),  # has left
        ([{"group": "opps"}], {}),
        ([{"user": "alice"}], {}),  # only who asks
        (["manager"], {"grantee": "bob"}),  # has none
        (["owner"], {"servers": ("lab-1",)}),  # has none
        ({"all_of": [{"user": "bob"}, {"user": "frank"}]}, {}),
        ({"all_of": [{"user": "bob"}, {"user": "bob"}]}, {}),  # one person counts once
        ({"steps": [[{"user": "bob"}], ["manager"]]}, {}),  # the same one, in another step
    ],
)
def test_request_that_nobody_could_approve_is_denied_at_once(approvers, people):
    """It would wait for nothing."""
    words = {"grantee": "alice", "servers": (), **people}
    flow = {"approvers": approvers, "targets": {"servers": {"contains": "-"}}}
    decision = decide(ask(words["grantee"], *words["servers"]), policy(flow), NOW)
    assert (decision.verdict, decision.code, decision.flow) == (Verdict.DENIED, "no_approver", "f")


def test_request_waits_for_a_shift_that_has_nobody_now():
    """Somebody will be on duty later."""
    flow = {"approvers": {"all_of": [{"shift": "night"}]}}
    decision = decide(ask(), policy(flow), NOW)
    assert decision.verdict is Verdict.NEEDS_APPROVAL
    assert decision.approvals.may_vote == frozenset()


def test_tags_of_the_moment_decide():
    """A server that lost its tag is out: the policy is built from the list of today."""
    flow = {"targets": {"tags": {"env": "prod"}}}
    assert decide(ask(), policy(flow), NOW).code == "granted"
    changed = [replace(server, tags={"env": "test"}) for server in SERVERS]
    assert decide(ask(), policy(flow, servers=changed), NOW).code == "no_flow"


def test_moment_may_be_in_any_zone():
    """The same moment, written otherwise."""
    moment = datetime.fromisoformat("2026-11-23T14:45:00+05:45")
    assert decide(ask(), policy({"timeframe": HOURS}), moment).window.not_before == NOW
