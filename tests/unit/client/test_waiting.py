"""Following a request: when it ends and how, how often anybody looks, what an interruption leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.client.answer import AnswerRefused
from daypass.client.followed import Followed, Verdict, read_followed
from daypass.client.via import GateError
from daypass.client.waiting import LONGEST_PAUSE, MOST_FAILURES, SHORTEST_PAUSE, TimeOver, follow, pause_after
from daypass.errors import NotFoundError

REQUEST, GRANT = "01JD8F3K9M2N4P6Q8R0S2T4V6W", "01JD8F3K9M2N4P6Q8R0S2T4V6X"
PENDING: dict[str, Any] = {
    "request": {"id": REQUEST, "state": "pending", "decision": ""},
    "approvals": {"waiting_for": "platform", "may_answer": ["bob"]},
    "access": None,
}


def answer(state: str = "approved", **servers: tuple[str, str | None]) -> dict[str, Any]:
    """A decided request, with state and outcome on each server."""
    access = {
        "grant": GRANT,
        "not_before": "2026-11-22T10:00:00Z",
        "not_after": "2026-11-22T12:00:00Z",
        "servers": {name: {"state": one, "outcome": outcome} for name, (one, outcome) in servers.items()},
    }
    return {"request": {"id": REQUEST, "state": state}, "access": access if servers else None}


class Time:
    """Passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def following(
    answers: Iterable[Any], limit: float | None = None
) -> tuple[Followed | None, list[Followed], Time]:
    """`follow` over these answers in turn; an exception among them is raised."""
    turn = iter(answers)
    time, told = Time(), []

    def look() -> Followed:
        found = next(turn)
        if isinstance(found, BaseException):
            raise found
        return read_followed(found)

    end: Followed | None = None
    try:
        end = follow(look, told.append, limit_seconds=limit, monotonic=lambda: time.now, sleep=time.sleep)
    except TimeOver:
        pass
    return end, told, time


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        (answer(a=("applied", "applied"), b=("applied", "applied")), Verdict.ACTIVE),
        (answer(a=("applied", "applied"), b=("pending", "unreachable")), Verdict.PARTLY),
        (answer(a=("pending", "refused")), Verdict.PARTLY),
        (answer("denied"), Verdict.REFUSED),
        (answer("cancelled"), Verdict.REFUSED),
        (answer("expired"), Verdict.REFUSED),
        (answer(a=("ended", "applied")), Verdict.REFUSED),
    ],
)
def test_waiting_ends_with_the_verdict(last, verdict):
    """On all servers; on some, when each was told; not at all."""
    end, told, time = following([PENDING, PENDING, answer(a=("pending", None)), last])
    assert end is not None
    assert end.verdict is verdict
    assert [one.verdict for one in told] == [None, None, None, verdict]
    assert len(time.pauses) == 3


def test_what_is_decided_already_is_told_without_a_pause():
    """One look, and that was it."""
    assert following([answer("denied")])[2].pauses == []


def test_approved_access_that_begins_later_is_waited_for():
    """No server knows of it yet."""
    end, _, _ = following([answer(a=("pending", None)), answer(a=("applied", "applied"))])
    assert end is not None
    assert end.verdict is Verdict.ACTIVE


@given(st.floats(0, 1e7))
def test_pauses_stay_within_their_limits(seconds):
    """Never busy, never asleep for long."""
    assert SHORTEST_PAUSE <= pause_after(seconds) <= LONGEST_PAUSE


def test_pauses_grow_and_begin_anew_when_something_happens():
    """A day of waiting is a look each half minute; the yes that came is followed closely."""
    _, _, time = following([*[PENDING] * 60, *[answer(a=("pending", None))] * 2, answer(a=("applied", None))])
    growing = time.pauses[:59]
    assert growing == sorted(growing)
    assert growing[0] == SHORTEST_PAUSE
    assert growing[-1] == LONGEST_PAUSE
    assert time.pauses[60:] == [SHORTEST_PAUSE] * 2


def test_time_limit_ends_the_waiting_to_the_second_with_a_last_look():
    """Nothing is taken back by it."""
    end, told, time = following([PENDING] * 100, limit=61)
    assert end is None
    assert time.now == 61
    assert len(told) == len(time.pauses) + 1


def test_gate_that_is_away_for_a_while_is_asked_again():
    """Some failures in a row are borne, and counted anew after an answer; then the error is told."""
    away = [GateError("away")] * MOST_FAILURES
    end, _, _ = following([PENDING, *away, PENDING, *away, answer("denied")])
    assert end is not None
    with pytest.raises(GateError):
        following([PENDING, *away, GateError("away")])
    with pytest.raises(GateError):
        following([GateError("never there")])


def test_what_the_gate_says_is_wrong_ends_the_waiting():
    """A request that is nobody's doesn't come into being by waiting."""
    with pytest.raises(NotFoundError):
        following([PENDING, NotFoundError("no such request")])


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"request": {"id": "-oProxyCommand=id", "state": "pending"}},
        {"request": {"id": f"{REQUEST}\n", "state": "pending"}},
        {"request": {"id": REQUEST, "state": "granted"}},
        answer(a=("open", None)),
        answer(a=("applied", None)) | {"access": {"grant": "x; id"}},
        {
            **answer(a=("applied", None)),
            "access": {**answer(a=("applied", None))["access"], "not_before": "soon"},
        },
    ],
)
def test_answer_that_is_none_is_refused(odd):
    """Names that would become words, states that nobody knows, times that aren't."""
    with pytest.raises(AnswerRefused):
        read_followed(odd)
