"""Answering requests: yes, no, taken back, or nobody in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.domain.people import Person
from daypass.domain.requests import Request, RequestState, Vote
from daypass.errors import ConfigurationError, DaypassError, DeniedError
from daypass.flows import Policy, approvals
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.giving import put_into_effect
from daypass.workflow.noticing import note_decided
from daypass.workflow.requests.asking import RequestAnswer
from daypass.workflow.requests.deciding import (
    Settled,
    as_asked,
    cancel_pending,
    check_pending,
    expire,
    find_request,
    settle,
)
from daypass.workflow.revoking import check_reason
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress


def answer(
    seams: Seams,
    request_id: str,
    person: Person,
    now: datetime,
    *,
    yes: bool,
    reason: str = "",
    length: timedelta | None = None,
    progress: Progress | None = None,
) -> RequestAnswer:
    """Say yes or no to a request; with the last yes that is needed, access is given.

    Args:
        person: Who answers.
        length: Give less time than was asked for, None = as asked.

    Raises:
        NotFoundError: There is no such request.
        UsageError: `request_decided`: somebody else was first.
        DeniedError: This person's answer doesn't count, with the reason; that it was tried is recorded.
    """
    check_reason(reason)
    policy = seams.policy()
    vote = Vote(person.login, now, yes, reason, length, seams.actor)
    with seams.write(now) as work:
        request = find_request(work, request_id)
        check_pending(request)
        why_not = _take(work, request, vote, policy, now)
        settled = None if why_not else settle(seams, work, request, policy, now)
    if settled is None:
        raise DeniedError(
            f"the answer of {person.login} to {request.id} doesn't count: {why_not}",
            hint=f"who may answer: daypass request show {request.id}",
            code="answer_not_counted",
        )
    granted = put_into_effect(seams, settled.grant, now, progress) if settled.grant else None
    return RequestAnswer(settled.request, settled.decision, settled.approvals, granted)


def _take(work: WriteWork, request: Request, vote: Vote, policy: Policy, now: datetime) -> str:
    """Record a vote that counts, or the event of one that doesn't; why it doesn't, empty where it does."""
    why_not = _why_not(work, request, vote, policy, now)
    if not why_not:
        work.add_vote(request.id, vote)
    details = {
        "person": vote.person,
        "yes": vote.yes,
        "reason": vote.reason,
        "length_seconds": int(vote.length.total_seconds()) if vote.length else None,
        "counted": not why_not,
        "why_not": why_not,
    }
    work.append_event("request.vote", request.id, details)
    return why_not


def _why_not(view: ReadView, request: Request, vote: Vote, policy: Policy, now: datetime) -> str:
    """Why a vote doesn't count. One for a request that is over for other reasons counts: it is told that."""
    flow = policy.flow(request.flow)
    if flow is None or request.expires_at <= now:
        return ""
    if not flow.steps:
        return f"{flow.name} asks nobody any more; access comes with the next daypass reconcile"
    try:
        counted = approvals(
            flow, as_asked(request, now), request.created_at, [*view.votes(request.id), vote], policy, now
        )
    except DeniedError:
        return ""
    return next((why for refused, why in counted.refused if refused is vote), "")


def cancel(
    seams: Seams, request_id: str, person: Person | None, now: datetime, *, reason: str = ""
) -> Request:
    """Take a pending request back.

    Args:
        person: Who asked for it or was to get the access; None = an operator.

    Raises:
        NotFoundError: There is no such request.
        UsageError: `request_decided`.
        DeniedError: `not_yours`.
    """
    check_reason(reason)
    with seams.write(now) as work:
        request = find_request(work, request_id)
        if person is not None and person.login not in (request.requester, request.grantee):
            raise DeniedError(
                f"the request {request.id} isn't one of {person.login}'s",
                hint="daypass request list",
                code="not_yours",
            )
        check_pending(request)
        return cancel_pending(work, request, reason, now)


@dataclass(frozen=True)
class Looked:
    """What one look at all pending requests did.

    Attributes:
        decided: Requests that aren't pending any more.
        problems: What kept requests from being decided, by request id; empty id: all of them.
    """

    decided: tuple[Request, ...] = ()
    problems: tuple[tuple[str, DaypassError], ...] = ()


def settle_pending(seams: Seams, now: datetime) -> Looked:
    """Decide what time or a changed configuration has decided; servers are told with the same pass.

    A directory that can't be read decides nothing but what has run out.
    """
    with seams.store.read() as view:
        pending = view.requests(states=[RequestState.PENDING])
    if not pending:
        return Looked()
    try:
        policy = seams.policy()
    except ConfigurationError as error:
        return Looked(_expire_past(seams, now), (("", error),))
    decided: list[Request] = []
    problems: list[tuple[str, DaypassError]] = []
    doubtful = policy.directory.doubtful.keys()
    if any({one.requester, one.grantee} & doubtful for one in pending):
        decided.extend(_expire_past(seams, now))
    for one in reversed(pending):
        if {one.requester, one.grantee} & doubtful:
            continue
        try:
            settled = _settle_one(seams, one.id, policy, now)
        except DaypassError as error:
            problems.append((one.id, error))
            continue
        if settled and settled.request.state is not RequestState.PENDING:
            decided.append(settled.request)
    return Looked(tuple(decided), tuple(problems))


def _settle_one(seams: Seams, request_id: str, policy: Policy, now: datetime) -> Settled | None:
    """One unit of work each: what can't be recorded of one request is nobody else's matter."""
    with seams.write(now) as work:
        request = find_request(work, request_id)
        if request.state is not RequestState.PENDING:
            return None
        return settle(seams, work, request, policy, now)


def _expire_past(seams: Seams, now: datetime) -> tuple[Request, ...]:
    with seams.write(now) as work:
        expired = tuple(expire(work, request, now) for request in work.requests_past(now))
        for request in expired:
            note_decided(seams, work, request, now)
        return expired
