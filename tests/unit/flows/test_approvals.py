"""Votes: who may, what counts, when it is enough; and what never counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from daypass.flows import Approvals, Vote, approvals
from daypass.flows.approvals import VoteState
from tests.policies import NOW, PEOPLE, ask, policy

MINUTE = timedelta(minutes=1)


def later(minutes: int) -> datetime:
    return NOW + minutes * MINUTE


def yes(person: str, minutes: int = 1, **more: Any) -> Vote:
    return Vote(person, later(minutes), yes=True, **more)


def no(person: str, minutes: int = 1) -> Vote:
    return Vote(person, later(minutes), yes=False, reason="not now")


def standing(
    approvers: object, *votes: Vote, at: int = 600, words: dict[str, Any] | None = None, **flow: Any
) -> Approvals:
    """Where alice's request for web-1 stands after these votes."""
    rules = policy({"approvers": approvers, **flow})
    return approvals(rules.flows[0], ask(**(words or {})), NOW, votes, rules, later(at))


PLATFORM, DBA, LEADS = {"group": "platform"}, {"group": "dba"}, {"group": "leads"}
WAITING, APPROVED, DENIED = VoteState.WAITING, VoteState.APPROVED, VoteState.DENIED


@pytest.mark.parametrize(
    ("approvers", "voters", "state"),
    [
        ([PLATFORM], (), WAITING),
        ([PLATFORM], ("carol",), APPROVED),
        ([PLATFORM, LEADS], ("bob",), APPROVED),
        ([PLATFORM], ("bob",), WAITING),
        ({"any_of": ["manager", "owner"]}, ("bob",), APPROVED),
        ({"any_of": ["manager", "owner"]}, ("dave",), APPROVED),
        ({"all_of": [PLATFORM, LEADS]}, ("carol",), WAITING),
        ({"all_of": [PLATFORM, LEADS]}, ("carol", "bob"), APPROVED),
        ({"all_of": [PLATFORM, LEADS]}, ("carol", "dave"), WAITING),
        # dave is in both groups and counts for the one that helps; carol can only be platform.
        ({"all_of": [PLATFORM, DBA]}, ("dave",), WAITING),
        ({"all_of": [PLATFORM, DBA]}, ("dave", "carol"), APPROVED),
        ({"all_of": [PLATFORM, DBA]}, ("dave", "erin"), APPROVED),
        ({"all_of": [PLATFORM, DBA]}, ("carol", "dave"), APPROVED),
        ({"all_of": [PLATFORM, PLATFORM]}, ("carol",), WAITING),
        ({"all_of": [PLATFORM, PLATFORM]}, ("carol", "dave"), APPROVED),
        ({"at_least": 2, "of": [PLATFORM, DBA, LEADS]}, ("bob",), WAITING),
        ({"at_least": 2, "of": [PLATFORM, DBA, LEADS]}, ("bob", "erin"), APPROVED),
        ({"at_least": 2, "of": [PLATFORM, DBA, LEADS]}, ("dave",), WAITING),
        ({"at_least": 1, "of": [PLATFORM, DBA]}, ("erin",), APPROVED),
        ([{"all": [PLATFORM, DBA]}], ("carol",), WAITING),
        ([{"all": [PLATFORM, DBA]}], ("dave",), APPROVED),
        ([{"any": [PLATFORM, LEADS]}], ("bob",), APPROVED),
        ({"steps": [[LEADS], [PLATFORM]]}, ("bob",), WAITING),
        ({"steps": [[LEADS], [PLATFORM]]}, ("bob", "carol"), APPROVED),
        ({"steps": [[LEADS], [PLATFORM]]}, ("carol", "bob"), WAITING),  # one after the other
        ({"steps": [[PLATFORM], [PLATFORM]]}, ("carol",), WAITING),
        ({"steps": [[PLATFORM], [PLATFORM]]}, ("carol", "dave"), APPROVED),
    ],
)
def test_yes_of_these_people_in_this_order(approvers, voters, state):
    """Enough or not; each voter a minute after the one before."""
    votes = [yes(person, n) for n, person in enumerate(voters, start=1)]
    assert standing(approvers, *votes).state is state


@pytest.mark.parametrize(
    ("approvers", "votes", "may"),
    [
        ([PLATFORM], (), {"carol", "dave"}),
        (["manager"], (), {"bob"}),
        (["owner"], (), {"carol", "dave"}),
        ([{"user": ["alice", "bob"]}], (), {"bob"}),  # alice asks
        ([PLATFORM], (yes("carol"),), set()),  # done
        ({"all_of": [PLATFORM, LEADS]}, (yes("carol"),), {"bob"}),  # dave's yes would change nothing
        ({"all_of": [PLATFORM, DBA]}, (yes("dave"),), {"carol", "erin"}),
        ({"steps": [[LEADS], [PLATFORM]]}, (), {"bob"}),
        ({"steps": [[LEADS], [PLATFORM]]}, (yes("bob"),), {"carol", "dave"}),
        ([PLATFORM], (no("carol"),), set()),
    ],
)
def test_who_may_vote_now(approvers, votes, may):
    """Those whose yes would help, and nobody else."""
    assert standing(approvers, *votes).may_vote == may


@pytest.mark.parametrize(
    ("vote", "flow", "why"),
    [
        (yes("alice"), {"approvers": [{"group": "ops"}, PLATFORM]}, "one's own"),
        (yes("erin"), {}, "isn't an approver"),
        (yes("frank"), {"approvers": [{"group": "ops"}, PLATFORM]}, "has left"),
        (yes("nobody"), {}, "isn't in the directory"),
        (yes("carol", reason="x" * 125), {}, "124 are allowed"),
        (yes("carol"), {"require_approver_reason": True}, "a reason is required"),
        (yes("carol", reason=" "), {"require_approver_reason": True}, "a reason is required"),
        (yes("carol", -1), {}, "older than the request"),
        (yes("carol", length=timedelta(hours=9)), {}, "never widen"),
        (yes("carol", length=timedelta()), {}, "never widen"),
    ],
)
def test_vote_that_does_not_count_says_why(vote, flow, why):
    """It changes nothing."""
    settings = {"approvers": [PLATFORM], **flow}
    found = standing(settings.pop("approvers"), vote, **settings)
    assert (found.state, found.counted) == (WAITING, ())
    [(refused, reason)] = found.refused
    assert refused == vote
    assert why in reason


def test_reason_of_124_characters_is_short_enough():
    """The limit itself is allowed."""
    vote = yes("carol", reason="x" * 124)
    assert standing([PLATFORM], vote, require_approver_reason=True).state is APPROVED


def test_nobody_approves_what_one_gets_even_when_somebody_else_asked():
    """Counted by person: neither who asks nor who gets it, under whatever name."""
    words = {"grantee": "dave", "requester": "carol"}
    for person in ("carol", "CAROL@example.com", "dave", "dave@example.com"):
        assert standing([PLATFORM], yes(person), words=words, request_for="others").state is WAITING
    assert standing([PLATFORM], yes("carol"), words={"grantee": "carol"}).state is WAITING


def test_requester_may_approve_where_the_flow_says_so():
    """In so many words."""
    found = standing([PLATFORM], yes("carol"), words={"grantee": "carol"}, requester_may_approve=True)
    assert found.state is APPROVED


def test_one_no_ends_it():
    """Whatever comes after; a no of somebody who isn't asked ends nothing."""
    both = {"all_of": [PLATFORM, LEADS]}
    assert standing(both, yes("bob"), no("carol", 2), yes("dave", 3)).state is DENIED
    assert standing(both, no("erin"), yes("bob", 2), yes("dave", 3)).state is APPROVED


def test_vote_after_the_decision_changes_nothing():
    """First come."""
    found = standing([PLATFORM], yes("carol"), no("dave", 2))
    assert found.state is APPROVED
    assert found.refused[0][1] == "the request was decided already"


def test_vote_from_the_future_is_not_looked_at():
    """A clock that ran ahead decides nothing yet."""
    assert standing([PLATFORM], yes("carol", 5), at=4).state is WAITING


def test_approver_may_shorten_and_the_shortest_counts():
    """Never the other way: the second can't give back what the first took."""
    both = {"all_of": [PLATFORM, LEADS]}
    hours = timedelta(hours=1)
    found = standing(both, yes("bob", length=2 * hours), yes("carol", 2, length=hours))
    assert (found.state, found.length) == (APPROVED, hours)
    wider = standing(both, yes("bob", length=hours), yes("carol", 2, length=2 * hours))
    assert (wider.state, wider.length) == (WAITING, hours)
    assert standing(both, yes("bob"), yes("carol", 2)).length == 8 * hours


def test_approver_keeps_the_vote_when_the_shift_ends():
    """Shifts count at the time of the vote."""
    evening = 11 * 60 - 1  # 19:59; the night begins at 20:00
    both = {"all_of": [{"shift": ["day", "night"]}, LEADS]}
    assert standing(both, yes("carol", evening), yes("bob", evening + 5), at=900).state is APPROVED
    assert standing([{"shift": "day"}], yes("carol", evening + 1), at=900).state is WAITING


def test_approver_who_left_loses_the_vote():
    """It isn't known whether it was hers any more."""
    rules = policy(
        {"approvers": {"all_of": [PLATFORM, LEADS]}},
        people=[{**person, "active": person["login"] != "carol"} for person in PEOPLE],
    )
    found = approvals(rules.flows[0], ask(), NOW, [yes("carol"), yes("bob", 2)], rules, later(3))
    assert found.state is WAITING
    assert found.may_vote == {"dave"}


TIERS = {"any_of": [LEADS], "escalation": {"tiers": [[PLATFORM], [DBA]]}}


@pytest.mark.parametrize(
    ("minute", "may", "following"),
    [
        (0, {"bob"}, 30),
        (29, {"bob"}, 30),
        (30, {"bob", "carol", "dave"}, 60),
        (60, {"bob", "carol", "dave", "erin"}, None),
        (6000, {"bob", "carol", "dave", "erin"}, None),
    ],
)
def test_escalation_adds_people_with_time_and_never_says_yes(minute, may, following):
    """Thirty minutes by default; who was asked before still may."""
    found = standing(TIERS, at=minute)
    assert (found.state, found.may_vote) == (WAITING, may)
    assert found.next_escalation == (None if following is None else later(following))


@pytest.mark.parametrize(("minute", "state"), [(29, WAITING), (30, APPROVED)])
def test_vote_of_a_tier_counts_from_its_time_on(minute, state):
    """Earlier, carol isn't asked."""
    assert standing(TIERS, yes("carol", minute)).state is state


def test_earlier_vote_counts_for_a_later_tier_but_time_alone_decides_nothing():
    """bob's yes would do for the tier; until somebody votes again, it waits."""
    tiers = {"all_of": [LEADS, PLATFORM], "escalation": {"interval": "10m", "tiers": [[LEADS], [DBA]]}}
    assert standing(tiers, yes("bob"), at=600).state is WAITING
    assert standing(tiers, yes("bob"), yes("erin", 25), at=600).state is APPROVED


def test_escalation_of_a_later_step_counts_from_the_end_of_the_step_before():
    """Each step has its own clock."""
    steps = {"steps": [[LEADS], {"any_of": [DBA], "escalation": {"interval": "10m", "tiers": [[PLATFORM]]}}]}
    found = standing(steps, yes("bob", 100), at=105)
    assert (found.may_vote, found.next_escalation) == ({"dave", "erin"}, later(110))
    assert standing(steps, yes("bob", 100), yes("carol", 110)).state is APPROVED
    assert standing(steps, yes("bob", 100), yes("carol", 109)).state is WAITING


def test_flow_without_approvers_is_approved_without_a_vote():
    """`approvers: none`."""
    found = standing("none")
    assert (found.state, found.may_vote, found.waiting_for) == (APPROVED, frozenset(), "")
