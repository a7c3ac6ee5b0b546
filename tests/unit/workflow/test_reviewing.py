"""Reviews of break-glass access: open until somebody who may closes them, once, with a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from daypass.domain.grants import Grant, Trigger
from daypass.domain.requests import Request
from daypass.domain.windows import window_from
from daypass.errors import DaypassError, DeniedError, NotFoundError, UsageError
from daypass.workflow.reviewing import close_review, find_review, open_review
from tests.fakes import START
from tests.policies import policy

FLOW = {"name": "glass", "break_glass": True, "notify": [{"group": "platform"}, {"user": "alice"}]}
LATER = START + timedelta(hours=2)


@pytest.fixture
def seams(world):
    """alice had break-glass access for which erin asked; carol, dave and alice herself were told."""
    seams = replace(world.seams, policy=lambda: policy(FLOW))
    grant = Grant(
        "01G", "alice", "", "glass", "", "x", window_from(START, timedelta(hours=1)), START,
        request_id="R1", trigger=Trigger.BREAK_GLASS,
    )  # fmt: skip
    request = Request(
        id="R1", requester="erin", grantee="alice", actor="x", servers=("web-1",), groups=(), start=None,
        length=None, justification="", ticket="", fields={}, public_key="", flow="glass", flow_settings={},
        created_at=START, expires_at=LATER, grant_id="01G",
    )  # fmt: skip
    with seams.store.write("x", START) as work:
        work.add_grant(grant, [])
        work.add_request(request)
        open_review(work, grant, ["dave", "carol", "alice"], START)
    return seams


def close(seams, login: str, reason: str = "as INC-7 says", grant_id: str = "01g"):
    """`login` closes the review, two hours after it was opened."""
    person = seams.policy().directory.people[login]
    return close_review(seams, grant_id, person, reason, LATER)


def events(seams) -> list[tuple[str, dict]]:
    with seams.store.read() as view:
        return [(event.kind, dict(event.details)) for event in view.events()]


def test_opened_review_is_recorded_with_those_who_were_told(seams):
    """In the unit of work of its grant, with an event."""
    details = {"login": "alice", "flow": "glass", "notify": ["alice", "carol", "dave"]}
    assert events(seams) == [("review.opened", details)]
    with seams.store.read() as view:
        assert [one.grant_id for one in view.reviews(open_only=True)] == ["01G"]


def test_who_was_told_closes_it_with_a_reason(seams):
    """It is off the list then, and the record says who, when and why."""
    closed = close(seams, "carol")
    assert (closed.closed_by, closed.closed_at, closed.reason) == ("carol", LATER, "as INC-7 says")
    assert events(seams)[-1] == ("review.closed", {"person": "carol", "reason": "as INC-7 says"})
    with seams.store.read() as view:
        assert view.reviews(open_only=True) == []
        assert find_review(view, "01g") == closed


@pytest.mark.parametrize(
    ("login", "code"), [("alice", "own_review"), ("erin", "own_review"), ("bob", "not_a_reviewer")]
)
def test_parties_and_others_do_not_close_it(seams, login, code):
    """Who had the access or asked for it never does, told or not; others only where they are named."""
    with pytest.raises(DeniedError) as caught:
        close(seams, login)
    assert caught.value.code == code


@pytest.mark.parametrize(("reason", "code"), [("", "reason_missing"), (" ", "reason_missing")])
def test_review_is_not_closed_without_a_reason(seams, reason, code):
    """That is what the review is for."""
    with pytest.raises(UsageError) as caught:
        close(seams, "carol", reason)
    assert caught.value.code == code


@pytest.mark.parametrize("reason", ["x" * 401, "a\nb"])
def test_odd_reason_is_refused(seams, reason):
    """As every reason: bounded, on one line."""
    with pytest.raises(UsageError):
        close(seams, "carol", reason)


def test_closed_review_is_not_closed_again(seams):
    """The first reason stands, and the answer says whose it is."""
    close(seams, "carol")
    with pytest.raises(UsageError, match="was closed by carol") as caught:
        close(seams, "dave")
    assert caught.value.code == "review_closed"


def test_where_the_flow_is_gone_anybody_but_the_parties_closes_it(seams):
    """A review that nobody could close would stand for ever."""
    gone = replace(seams, policy=policy)
    with pytest.raises(DeniedError):
        close(gone, "erin")
    assert close(gone, "bob").closed_by == "bob"


def test_who_was_told_then_or_would_be_now_closes_it(seams):
    """A shift that was on duty that night may be over when its review is due."""
    changed = replace(seams, policy=lambda: policy({**FLOW, "notify": {"user": "bob"}}))
    with pytest.raises(NotFoundError):
        close(changed, "bob", grant_id="01H")
    assert close(changed, "bob").closed_by == "bob"


def test_who_was_told_then_closes_it_though_another_would_be_told_now(seams):
    """As above, the other half."""
    changed = replace(seams, policy=lambda: policy({**FLOW, "notify": {"user": "bob"}}))
    assert close(changed, "dave").closed_by == "dave"


def test_of_two_at_the_same_moment_exactly_one_closes_it(seams):
    """The look and the record are one unit of work."""
    barrier = Barrier(2)

    def both(login: str) -> str:
        barrier.wait()
        try:
            return close(seams, login).closed_by
        except DaypassError as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(both, ["carol", "dave"]))
    assert answers[1] == "review_closed"
    assert [kind for kind, _ in events(seams)].count("review.closed") == 1
