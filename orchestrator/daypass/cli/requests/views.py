"""Requests as tables for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from daypass.cli.access.notes import show_notes
from daypass.cli.grants.giving import share_json, show_shares
from daypass.cli.render import NOTHING, Screen, time_text
from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP, Grant, Share
from daypass.domain.people import Person
from daypass.domain.requests import Request, RequestState, Vote

if TYPE_CHECKING:
    from daypass.flows import Approvals, Decision
    from daypass.workflow.giving import GrantAnswer
    from daypass.workflow.requests.asking import RequestAnswer
    from daypass.workflow.requests.listing import Listing, Shown
    from daypass.workflow.seams import Seams

MOST_NAMES = 10  # of those who may answer; a list is for reading
STYLES = {RequestState.APPROVED: "bold green", RequestState.PENDING: "bold yellow"}


def request_json(request: Request) -> dict[str, Any]:
    """A request for programs."""
    return {
        "id": request.id,
        "state": str(request.state),
        "requester": request.requester,
        "grantee": request.grantee,
        "servers": list(request.servers),
        "groups": list(request.groups) or [DEFAULT_GROUP],
        "start": request.start,
        "length_seconds": int(request.length.total_seconds()) if request.length else None,
        "justification": request.justification,
        "ticket": request.ticket,
        "fields": dict(request.fields),
        "flow": request.flow or None,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "decided_at": request.decided_at,
        "decision": request.decision,
        "grant": request.grant_id,
    }


def standing_json(standing: Approvals | None) -> dict[str, Any] | None:
    """Where the answers stand, for programs."""
    if standing is None:
        return None
    return {
        "state": str(standing.state),
        "may_answer": sorted(standing.may_vote),
        "waiting_for": standing.waiting_for,
        "step": standing.step,
        "steps": standing.steps,
        "next_escalation": standing.next_escalation,
        "possible": standing.possible,
    }


def vote_json(vote: Vote) -> dict[str, Any]:
    """An answer for programs."""
    return {
        "person": vote.person,
        "at": vote.at,
        "yes": vote.yes,
        "reason": vote.reason,
        "length_seconds": int(vote.length.total_seconds()) if vote.length else None,
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """What the flows say, for programs."""
    return {
        "verdict": str(decision.verdict),
        "code": decision.code,
        "sentence": decision.sentence,
        "flow": decision.flow,
        "not_before": decision.window.not_before if decision.window else None,
        "not_after": decision.window.not_after if decision.window else None,
    }


def answer_json(answer: RequestAnswer, check: bool = False) -> dict[str, Any]:
    """A request after something was done with it, for programs; of a check it has no id."""
    from daypass.workflow.requests.deciding import reasons_of

    granted = answer.granted
    return {
        "request": request_json(answer.request) | ({"id": None} if check else {}),
        "check": check,
        "decision": decision_json(answer.decision) | {"reasons": reasons_of(answer.decision)},
        "approvals": standing_json(answer.approvals),
        "grant": granted
        and {
            "id": granted.grant.id,
            "login": granted.grant.login,
            "state": str(granted.grant.state),
            "not_before": granted.grant.window.not_before,
            "not_after": granted.grant.window.not_after,
            "servers": {share.server: str(share.state) for share in granted.shares},
        },
    }


def show_answer(
    screen: Screen, seams: Seams, answer: RequestAnswer, now: datetime, check: bool = False
) -> None:
    """A request after something was done with it: what it is now, and what to type next."""
    from daypass.flows import Verdict

    request, decision = answer.request, answer.decision
    if check:
        word = {Verdict.GRANTED: "yes", Verdict.NEEDS_APPROVAL: "yes, but"}.get(decision.verdict, "no")
        screen.line(f"{word}: {decision.sentence.removeprefix('yes, ')}")
        show_reasons(screen, decision)
        return
    flow = f" (flow {request.flow})" if request.flow else ""
    screen.line(
        f"request {request.id} is {request.state}{flow}: {request.decision or decision.sentence}",
        style=STYLES.get(request.state, "bold red"),
    )
    if request.state is RequestState.PENDING:
        _show_waiting(screen, request, answer.approvals, now)
    if request.state is RequestState.DENIED or screen.verbose:
        show_reasons(screen, decision)
    if answer.granted:
        _show_granted(screen, seams, answer.granted, now)


def _show_waiting(screen: Screen, request: Request, standing: Approvals | None, now: datetime) -> None:
    if standing is not None:
        screen.line(f"  waits for {standing.waiting_for or 'its time'}")
        screen.line(f"  who may answer: {names(standing.may_vote)}")
        if standing.next_escalation:
            screen.line(f"  others may, too, from {time_text(standing.next_escalation, now)}")
        if not standing.possible:
            screen.note("  as things are, nobody is left who could say the yes that it needs", style="yellow")
    screen.line(f"  ends by itself {time_text(request.expires_at, now)}")
    who = min(standing.may_vote, default="LOGIN") if standing else "LOGIN"
    screen.note(f"to say yes: daypass request approve {request.id} --as {who}")


def _show_granted(screen: Screen, seams: Seams, granted: GrantAnswer, now: datetime) -> None:
    from daypass.workflow.access import access_notes

    grant = granted.grant
    screen.line(f"grant {grant.id} for {grant.login}, until {time_text(grant.window.not_after, now)}")
    if grant.window.not_before > now:
        screen.line(f"  begins {time_text(grant.window.not_before, now)}")
    show_shares(screen, granted.shares, now)
    show_notes(screen, access_notes(seams, (share.integration for share in granted.shares)))
    screen.note(f"the certificate: daypass certificate show {grant.id} --save ~/.ssh/KEY-cert.pub")


def names(logins: frozenset[str]) -> str:
    """Some names, and how many more."""
    listed = sorted(logins)
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return (", ".join(listed[:MOST_NAMES]) or "nobody at this time") + more


def show_reasons(screen: Screen, decision: Decision) -> None:
    """What stands in the way, flow by flow, or each rule of the flow that decided."""
    chosen = [one for one in decision.judged if one.flow == decision.flow]
    for one in chosen:
        rules = [(r.rule, "yes" if r.ok else "no", r.text) for r in (*one.reasons, *decision.demands)]
        screen.table(["rule", "answer", "why"], rows=rules, title=f"flow {one.flow}")
    if not chosen and decision.judged:
        nearest = sorted(decision.judged, key=lambda one: sum(not reason.ok for reason in one.reasons))
        rows = [
            (one.flow, "; ".join(r.text for r in one.reasons if not r.ok)) for one in nearest[:MOST_NAMES]
        ]
        screen.table(["flow", "why not"], rows)


def listing_json(found: Listing, person: Person | None) -> dict[str, Any]:
    """Requests for programs."""
    return {
        "requests": [
            request_json(one.request)
            | {
                "may_answer": sorted(one.may_answer),
                "waits_for_you": person is not None and person.login in one.may_answer,
            }
            for one in found.requests
        ],
        "problem": found.problem.sentence if found.problem else None,
    }


def show_listing(screen: Screen, found: Listing, person: Person | None, now: datetime) -> None:
    """Requests as a table; those that wait for this person's answer say so."""
    if not found.requests:
        screen.line("no requests")
    else:
        rows = [_row(one, person, now) for one in found.requests]
        screen.table(
            ["request", "state", "who", "servers", "groups", "for", "why", "flow", "waits for", "until"], rows
        )
    mine = [one for one in found.requests if person and person.login in one.may_answer]
    for one in mine:
        screen.note(
            f"waits for your answer: daypass request approve {one.request.id} --as {person and person.login}"
        )
    if found.problem:
        screen.note(f"who may answer isn't known: {found.problem.sentence}", style="yellow")


def _row(one: Shown, person: Person | None, now: datetime) -> tuple[object, ...]:
    request = one.request
    who = request.grantee if request.for_oneself else f"{request.grantee} (asked by {request.requester})"
    pending = request.state is RequestState.PENDING
    you = person is not None and person.login in one.may_answer
    return (
        request.id,
        request.state,
        who,
        ", ".join(request.servers),
        ", ".join(request.groups) or DEFAULT_GROUP,
        length_text(request.length) if request.length else NOTHING,
        request.justification or NOTHING,
        request.flow or NOTHING,
        ("you" if you else names(one.may_answer)) if pending else NOTHING,
        time_text(request.expires_at if pending else request.decided_at, now),
    )


def shown_json(shown: Shown) -> dict[str, Any]:
    """One request with everything that is known of it, for programs."""
    looked = shown.looked
    return {
        "request": request_json(shown.request),
        "votes": [vote_json(vote) for vote in shown.votes],
        "decision": decision_json(looked.decision) if looked else None,
        "approvals": standing_json(looked.approvals) if looked else None,
        "access": _access_json(shown.grant, shown.shares) if shown.grant else None,
    }


def _access_json(grant: Grant, shares: Iterable[Share]) -> dict[str, Any]:
    return {
        "grant": grant.id,
        "login": grant.login,
        "state": str(grant.state),
        "not_before": grant.window.not_before,
        "not_after": grant.window.not_after,
        "servers": {share.server: share_json(share) for share in shares},
    }


def show_one(screen: Screen, shown: Shown, now: datetime) -> None:
    """One request for people."""
    from daypass.flows import Verdict

    request = shown.request
    screen.line(
        f"request {request.id} is {request.state}{': ' if request.decision else ''}{request.decision}",
        style=STYLES.get(request.state, "bold red"),
    )
    words = [
        ("asked by", f"{request.requester}, {time_text(request.created_at, now)}"),
        ("for", request.grantee),
        ("servers", ", ".join(request.servers)),
        ("groups", ", ".join(request.groups) or DEFAULT_GROUP),
        ("begins", time_text(request.start, now) if request.start else "with the approval"),
        ("how long", length_text(request.length) if request.length else "the flow's default"),
        ("why", request.justification or NOTHING),
        ("ticket", request.ticket or NOTHING),
        *((name, value) for name, value in sorted(request.fields.items())),
        ("flow", request.flow or NOTHING),
        ("typed by", request.actor),
        ("decided", time_text(request.decided_at, now) if request.decided_at else NOTHING),
        ("grant", request.grant_id or NOTHING),
    ]
    screen.table(["", ""], [word for word in words if word[1] != NOTHING])
    if shown.votes:
        screen.line()
        screen.table(
            ["answer", "who", "when", "at most", "why"], [_vote_row(vote, now) for vote in shown.votes]
        )
    if shown.shares:
        screen.line()
        show_shares(screen, shown.shares, now)
    if request.state is RequestState.PENDING and shown.looked:
        screen.line()
        if shown.looked.decision.verdict is Verdict.DENIED:
            screen.line(f"  now: {shown.looked.decision.sentence}")
        _show_waiting(screen, request, shown.looked.approvals, now)


def _vote_row(vote: Vote, now: datetime) -> tuple[object, ...]:
    length = length_text(vote.length) if vote.length else NOTHING
    return ("yes" if vote.yes else "no", vote.person, time_text(vote.at, now), length, vote.reason or NOTHING)
