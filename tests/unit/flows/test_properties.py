"""What holds for any flow, any request, any votes, any zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from daypass.domain.weekly import DAY_NAMES, clock_text
from daypass.flows import Verdict, Vote, approvals, decide
from daypass.flows.approvals import VoteState
from tests.policies import NOW, SERVERS, ask, policy

LOGINS = ("alice", "bob", "carol", "dave", "erin", "frank")
ENTRIES = st.sampled_from(
    [
        {"group": "platform"},
        {"group": "dba"},
        {"group": {"is_not": "ops"}},
        {"user": ["bob", "erin"]},
        {"any": [{"group": "leads"}, {"shift": "day"}]},
        {"all": [{"group": "platform"}, {"group": "dba"}]},
        {"group": "ops"},  # alice is in it, who asks
        "manager",
        "owner",
    ]
)
LISTS = st.lists(ENTRIES, min_size=1, max_size=3)
STEPS = st.one_of(
    LISTS.map(lambda of: {"any_of": of}),
    LISTS.map(lambda of: {"all_of": of}),
    LISTS.flatmap(lambda of: st.integers(1, len(of)).map(lambda k: {"at_least": k, "of": of})),
)
VOTES = st.lists(
    st.builds(
        Vote,
        person=st.sampled_from(LOGINS + tuple(f"{login}@example.com" for login in LOGINS)),
        at=st.integers(0, 120).map(lambda minute: NOW + timedelta(minutes=minute)),
        yes=st.just(True),
    ),
    max_size=8,
)
MATCHES = st.sampled_from(
    ["prod", "web-1", ["web-1", "db-1"], {"starts_with": "web"}, {"contains": "-"}, {"is_not": "web-1"}]
)
TARGETS = st.fixed_dictionaries(
    {},
    optional={
        "servers": MATCHES,
        "integration": st.sampled_from(["prod", "lab", {"is_not": "lab"}]),
        "tags": st.dictionaries(
            st.sampled_from(["env", "tier"]), st.sampled_from(["prod", "web", {"is_not": "prod"}]), max_size=2
        ),
    },
)
EASE = {Verdict.DENIED: 0, Verdict.NEEDS_APPROVAL: 1, Verdict.GRANTED: 2}
END = NOW + timedelta(minutes=200)


def state(steps: list[dict[str, Any]], votes: list[Vote]) -> VoteState:
    """Where alice's request stands in the end; no steps = nobody is asked."""
    rules = policy({"approvers": {"steps": steps} if steps else "none"})
    return approvals(rules.flows[0], ask(), NOW, votes, rules, END).state


def verdict(steps: list[dict[str, Any]]) -> int:
    """How easy the request is at its beginning."""
    return EASE[decide(ask(), policy({"approvers": {"steps": steps} if steps else "none"}), NOW).verdict]


@given(steps=st.lists(STEPS, max_size=2), more=STEPS, place=st.integers(0, 2), people=st.permutations(LOGINS))
def test_another_step_never_makes_a_request_easier(steps, more, place, people):
    """Whatever is approved with it is approved without it, when each says yes once, in whatever order."""
    votes = [Vote(person, NOW + timedelta(minutes=n), yes=True) for n, person in enumerate(people)]
    longer = [*steps[:place], more, *steps[place:]]
    if state(longer, votes) is VoteState.APPROVED:
        assert state(steps, votes) is VoteState.APPROVED
    assert verdict(longer) <= verdict(steps)


@given(of=LISTS, more=ENTRIES, votes=VOTES)
def test_another_entry_of_all_never_makes_a_request_easier(of, more, votes):
    """`all_of` with one more."""
    if state([{"all_of": [*of, more]}], votes) is VoteState.APPROVED:
        assert state([{"all_of": of}], votes) is VoteState.APPROVED
    assert verdict([{"all_of": [*of, more]}]) <= verdict([{"all_of": of}])


@given(steps=st.lists(STEPS, min_size=1, max_size=3), person=st.sampled_from(LOGINS), times=st.integers(2, 5))
def test_no_sequence_of_one_persons_votes_counts_twice(steps, person, times):
    """Under login and address, over steps and entries: at most one counts."""
    rules = policy({"approvers": {"steps": steps}})
    names = [person, f"{person}@example.com", f"{person}@EXAMPLE.com"]
    votes = [Vote(names[n % 3], NOW + timedelta(minutes=n), yes=True) for n in range(times)]
    found = approvals(rules.flows[0], ask(), NOW, votes, rules, END)
    assert len(found.counted) <= 1
    once = approvals(rules.flows[0], ask(), NOW, votes[:1], rules, END)
    if once.counted:
        assert (found.state, found.may_vote, found.step) == (once.state, once.may_vote, once.step)


@given(steps=st.lists(STEPS, min_size=1, max_size=3), votes=VOTES)
def test_number_of_people_who_said_yes_is_never_below_what_is_needed(steps, votes):
    """Approved means: as many different people as the steps need together, none of them alice."""
    rules = policy({"approvers": {"steps": steps}})
    found = approvals(rules.flows[0], ask(), NOW, votes, rules, END)
    people = {rules.directory.person(vote.person).login for vote in found.counted}
    assert len(people) == len(found.counted)
    assert not people & {"alice", "frank"}
    if found.state is VoteState.APPROVED:
        assert len(people) >= sum(step.first.needed for step in rules.flows[0].steps)


@settings(max_examples=500)  # so that two tags of different servers meet
@given(
    target=TARGETS,
    narrower=TARGETS,
    excluded=st.sampled_from([None, {"servers": "web-1"}, {"tags": {"env": {"is_not": "prod"}}}]),
    group=st.sampled_from(["Default", "ops"]),
)
def test_narrowing_a_target_never_grants_more(target, narrower, excluded, group):
    """A selector, a tag or an exclusion more, a group less: nobody gets what wasn't given before."""
    tags = {**narrower.get("tags", {}), **target.get("tags", {})}
    narrow = {**narrower, **target, "tags": tags or None, "exclude": excluded}
    if not any(target.get(key) for key in ("servers", "integration", "tags")):
        return
    wide = policy({"targets": {**target, "user_groups": ["Default", "ops"]}})
    less = policy({"targets": {**narrow, "user_groups": ["Default"]}})
    for server in SERVERS:
        words = ask("alice", server.name, groups=(group,))
        if decide(words, less, NOW).verdict is Verdict.GRANTED:
            assert decide(words, wide, NOW).verdict is Verdict.GRANTED


@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
    days=st.sets(st.sampled_from(DAY_NAMES), min_size=1),
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    minute=st.integers(0, 364 * 24 * 60),
    hours=st.integers(1, 30),
)
def test_nothing_is_granted_outside_its_timeframe_in_any_zone(zone, days, start, end, minute, hours):
    """Each minute of a granted window shows a time within the frame on a wall clock of the zone."""
    if start == end:
        return
    frame = {"days": sorted(days), "start": clock_text(start), "end": clock_text(end), "timezone": zone}
    rules = policy({"timeframe": frame, "max_duration": "30h"})
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00") + timedelta(minutes=minute)
    decision = decide(ask(length=timedelta(hours=hours)), rules, now)
    if decision.window is None:
        return
    assert decision.window.length <= timedelta(hours=hours)
    moment = decision.window.not_before
    while moment < decision.window.not_after:
        local = moment.astimezone(ZoneInfo(zone))
        clock, today = local.hour * 60 + local.minute, local.weekday()
        named = {DAY_NAMES.index(day) for day in days}
        if start < end:
            assert today in named
            assert start <= clock < end
        else:
            assert (today in named and clock >= start) or ((today - 1) % 7 in named and clock < end)
        moment += timedelta(minutes=1)


@given(longest=st.integers(1, 48), wanted=st.one_of(st.none(), st.integers(1, 48 * 60)))
def test_nothing_is_granted_for_longer_than_the_flow_allows(longest, wanted):
    """`max_duration` is the end of it."""
    rules = policy({"max_duration": f"{longest}h"})
    decision = decide(ask(length=wanted and timedelta(minutes=wanted)), rules, NOW)
    if decision.window is not None:
        assert decision.window.length <= timedelta(hours=longest)
