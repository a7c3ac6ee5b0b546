"""One request, decided by its flow as it is now: when it is made, with each answer, and by reconcile.

All of it happens in the caller's unit of work, in which the request was read: of two processes that decide
at the same moment, the second finds what the first decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.config.part import SHORTEST
from daypass.domain.certificates import Constraints
from daypass.domain.durations import length_text
from daypass.domain.grants import Grant, Trigger
from daypass.domain.requests import Request, RequestState, Vote
from daypass.domain.windows import Window
from daypass.errors import DeniedError, NotFoundError, UsageError
from daypass.flows import Approvals, Ask, Decision, Policy, Verdict, approvals, decide_by
from daypass.flows.approvals import VoteState
from daypass.flows.policy import Flow
from daypass.flows.rules import wanted_length
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.giving import NewGrant, record_grant
from daypass.workflow.noticing import note_decided, note_waiting
from daypass.workflow.overlapping import open_access
from daypass.workflow.readiness import check_ready
from daypass.workflow.reviewing import open_review
from daypass.workflow.seams import Seams

MOST_REASONS = 20  # flows whose reasons go into one event; a thousand flows would make a megabyte of it
# What may be different later: the request waits for it, or for its own end.
WAITING = ("outside_timeframe", "no_approver")


@dataclass(frozen=True)
class Settled:
    """A request after one look at it.

    Attributes:
        approvals: Where the answers stand; None where the flow can't be asked about it.
        grant: What was recorded, if this look was the one that granted it.
    """

    request: Request
    decision: Decision
    approvals: Approvals | None = None
    grant: Grant | None = None


def find_request(view: ReadView, request_id: str) -> Request:
    """The request of that id, whatever the case it was typed in.

    Raises:
        NotFoundError: There is none.
    """
    request = view.request(request_id.upper()) or view.request(request_id)
    if request is None:
        raise NotFoundError(f"no request {request_id!r}", hint="see: daypass request list")
    return request


def check_pending(request: Request) -> None:
    """Refuse to decide twice.

    Raises:
        UsageError: `request_decided`, with what was decided and when.
    """
    if request.state is not RequestState.PENDING:
        when = f" at {request.decided_at:%Y-%m-%d %H:%M:%S} UTC" if request.decided_at else ""
        raise UsageError(
            f"the request {request.id} isn't open any more: {request.state}{when}: {request.decision}",
            hint=f"see: daypass request show {request.id}",
            code="request_decided",
        )


def settle(seams: Seams, work: WriteWork, request: Request, policy: Policy, now: datetime) -> Settled:
    """Decide a pending request as far as it can be decided at `now`, and record what comes of it.

    1. Its own clock. 2. Its flow as it is now, which may fit no more. 3. The answers so far. 4. The grant.
    5. Who is to be told.

    Raises:
        UsageError, ConfigurationError: It would be granted, and can't be recorded as a grant; nothing of this
            unit of work happens.
    """
    settled = _settle(seams, work, request, policy, now)
    if settled.request.state is not RequestState.PENDING:
        grant, notify = settled.grant, settled.decision.notify
        note_decided(seams, work, settled.request, now, grant=grant, notify=notify)
    elif settled.approvals is not None:
        note_waiting(seams, work, settled.request, settled.approvals, now)
    return settled


def _settle(seams: Seams, work: WriteWork, request: Request, policy: Policy, now: datetime) -> Settled:
    votes = work.votes(request.id)
    looked = look(work, request, votes, policy, now)
    if request.expires_at <= now:
        return replace(looked, request=expire(work, request, now))
    request = _note_changes(work, request, policy.flow(request.flow))
    looked = replace(looked, request=request)
    decision, standing = looked.decision, looked.approvals
    if standing is not None and standing.state is VoteState.DENIED:
        return replace(looked, request=_refuse(work, request, standing, now))
    if decision.verdict is Verdict.DENIED and decision.code not in WAITING:
        return replace(looked, request=deny(work, request, decision, now))
    if decision.verdict is Verdict.DENIED or standing is None or standing.state is VoteState.WAITING:
        return looked
    return _grant(seams, work, looked, standing, policy, now)


def look(view: ReadView, request: Request, votes: Sequence[Vote], policy: Policy, now: datetime) -> Settled:
    """What the flow says of a request now; nothing is recorded."""
    ask = ask_again(view, request, policy, now)
    if ask is None:
        sentence = "the time that was asked for has passed"
        return Settled(request, Decision(Verdict.DENIED, "time_passed", sentence, request.flow))
    decision = decide_by(request.flow, ask, policy, now)
    flow = policy.flow(request.flow)
    if flow is None or (decision.verdict is Verdict.DENIED and decision.code not in WAITING):
        return Settled(request, decision)
    standing = approvals(flow, as_asked(request, now), request.created_at, votes, policy, now)
    return Settled(request, decision, standing)


def ask_again(view: ReadView, request: Request, policy: Policy, now: datetime) -> Ask | None:
    """The request as it would be asked at `now`; None when the time that it was for is over.

    A request that named its beginning keeps its end: whoever answers late gives what is left.
    """
    ask = replace(as_asked(request, now), open_access=open_access(view, request.grantee, request.servers))
    flow = policy.flow(request.flow)
    if request.start is None or request.start > now or flow is None:
        return ask
    left = request.start + wanted_length(flow, ask) - now
    return replace(ask, length=left) if left >= SHORTEST else None


def as_asked(request: Request, now: datetime) -> Ask:
    """The request's own words, for their whole length."""
    return Ask(
        requester=request.requester,
        grantee=request.grantee,
        servers=request.servers,
        groups=request.groups,
        start=request.start if request.start and request.start > now else None,
        length=request.length,
        justification=request.justification,
    )


def expire(work: WriteWork, request: Request, now: datetime) -> Request:
    """Record that a request's own clock has run out."""
    return _decided(work, request, RequestState.EXPIRED, "nobody decided in time", now, {})


def deny(work: WriteWork, request: Request, decision: Decision, now: datetime) -> Request:
    """Record that policy says no."""
    details = {"code": decision.code, "sentence": decision.sentence, "reasons": reasons_of(decision)}
    return _decided(work, request, RequestState.DENIED, decision.sentence, now, details)


def _refuse(work: WriteWork, request: Request, standing: Approvals, now: datetime) -> Request:
    vote = standing.counted[-1]
    sentence = f"{vote.person} said no{': ' if vote.reason else ''}{vote.reason}"
    details = {"code": "approver_said_no", "sentence": sentence, "person": vote.person}
    return _decided(work, request, RequestState.DENIED, sentence, now, details)


def cancel_pending(work: WriteWork, request: Request, reason: str, now: datetime) -> Request:
    """Record that it was taken back by whoever made it, or an operator."""
    return _decided(work, request, RequestState.CANCELLED, reason or "cancelled", now, {"reason": reason})


def _decided(
    work: WriteWork,
    request: Request,
    state: RequestState,
    sentence: str,
    now: datetime,
    details: Mapping[str, object],
    grant_id: str | None = None,
) -> Request:
    decided = replace(request, state=state, decided_at=now, decision=sentence, grant_id=grant_id)
    work.set_request(decided)
    work.append_event(f"request.{state}", request.id, {"flow": request.flow, **details})
    return decided


def _note_changes(work: WriteWork, request: Request, flow: Flow | None) -> Request:
    """Record what has changed in the flow since the request was made, or since it was last looked at."""
    if flow is None:
        return request
    before, after = request.flow_settings, settings_of(flow)
    if before == after:
        return request
    changed = {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
    request = replace(request, flow_settings=after)
    work.set_request(request)
    work.append_event("request.flow_changed", request.id, {"flow": request.flow, "changed": changed})
    return request


def settings_of(flow: Flow) -> dict[str, object]:
    """A flow's settings as JSON values, those that aren't the default."""
    plain: dict[str, object] = json.loads(
        json.dumps(flow.settings.model_dump(exclude_defaults=True), default=_plain)
    )
    return plain


def _plain(value: object) -> str:
    return length_text(value) if isinstance(value, timedelta) else str(value)


def _grant(
    seams: Seams, work: WriteWork, looked: Settled, standing: Approvals, policy: Policy, now: datetime
) -> Settled:
    """The approved request as a grant, for as long as its approvers allow."""
    request = looked.request
    window = looked.decision.window
    ask = ask_again(work, request, policy, now)
    if ask is not None and window is not None:
        ask = replace(ask, length=min(window.length, standing.length))
    decision = decide_by(request.flow, ask, policy, now) if ask else looked.decision
    if ask is None or decision.window is None:
        return replace(looked, request=deny(work, request, decision, now))
    check_ready(seams, request.grantee, request.servers, request.groups)
    grant = record_grant(seams, work, _new_grant(request, decision, policy, decision.window), now)
    if decision.review:
        open_review(work, grant, tuple(sorted(decision.notify)), now)
    sentence = _approved_by(standing)
    details = {
        "grant": grant.id,
        "not_before": grant.window.not_before.isoformat(),
        "not_after": grant.window.not_after.isoformat(),
        "approvers": [_vote_details(vote) for vote in standing.counted],
        "reasons": reasons_of(decision),
    }
    approved = _decided(work, request, RequestState.APPROVED, sentence, now, details, grant.id)
    return Settled(approved, decision, standing, grant)


def _approved_by(standing: Approvals) -> str:
    people = ", ".join(vote.person for vote in standing.counted)
    return f"approved by {people}" if people else "nobody has to be asked"


def _vote_details(vote: Vote) -> dict[str, object]:
    return {"person": vote.person, "at": vote.at.isoformat(), "reason": vote.reason}


def _new_grant(request: Request, decision: Decision, policy: Policy, window: Window) -> NewGrant:
    person = policy.directory.active(request.grantee)
    if person is None or decision.flow is None:  # denied before it comes here
        raise DeniedError(f"{request.grantee} isn't here", code="person_left")
    return NewGrant(
        login=person.login,
        comment=person.email,
        flow=decision.flow,
        reason=request.justification,
        window=window,
        servers=request.servers,
        groups=request.groups,
        public_keys=keys_for(request.public_key, person.public_keys),
        constraints=Constraints(decision.critical_options, decision.extensions),
        request_id=request.id,
        trigger=Trigger.BREAK_GLASS if decision.review else Trigger.SELF_SERVE,
    )


def keys_for(sent: str, known: tuple[str, ...]) -> tuple[PublicKey, ...]:
    """The key that came with the request, or else every key that the directory has for the person.

    Raises:
        UsageError: A key can't be used.
    """
    return tuple(check_public_key(line) for line in ((sent,) if sent else known))


def reasons_of(decision: Decision) -> list[dict[str, object]]:
    """Every flow that was looked at with what stands in its way, as an event holds it."""
    found: list[dict[str, object]] = []
    for judged in decision.judged[:MOST_REASONS]:
        chosen = judged.flow == decision.flow
        told = judged.reasons + (decision.demands if chosen else ())
        rules = [{"rule": one.rule, "ok": one.ok, "text": one.text} for one in told if chosen or not one.ok]
        found.append({"flow": judged.flow, "rules": rules})
    if len(decision.judged) > MOST_REASONS:
        found.append({"flow": "…", "more": len(decision.judged) - MOST_REASONS})
    return found
