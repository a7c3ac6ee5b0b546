"""Asking for access: decided at once, or after somebody's yes. Recorded either way, with every reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from daypass.ca.public_keys import check_public_key
from daypass.domain.people import Person
from daypass.domain.requests import (
    LONGEST_FIELD,
    LONGEST_TICKET,
    MOST_FIELDS,
    Request,
    RequestState,
)
from daypass.errors import DeniedError, UsageError
from daypass.flows import Approvals, Ask, Decision, Policy, Verdict, decide
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.denials import denials_recorded
from daypass.workflow.giving import GrantAnswer, put_into_effect
from daypass.workflow.leaving import person_here
from daypass.workflow.overlapping import open_access
from daypass.workflow.readiness import servers_meant
from daypass.workflow.requests.deciding import Settled, deny, keys_for, reasons_of, settings_of, settle
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress

MOST_PENDING = 50  # of one person; approvers' lists are for reading
FIELD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class RequestWords:
    """What a person asks for, as typed.

    Attributes:
        grantee: Login or e-mail address; empty = oneself.
        servers: Names.
        tags: `(key, value)`; every server with all of them is meant too.
        start: Aware; None = with the approval.
        length: None = the flow's default.
        public_key: The text of the person's public key file; empty = the keys in the directory.
    """

    servers: tuple[str, ...]
    groups: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    grantee: str = ""
    start: datetime | None = None
    length: timedelta | None = None
    justification: str = ""
    ticket: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    public_key: str = ""


@dataclass(frozen=True)
class RequestAnswer:
    """A request as it stands after something was done with it.

    Attributes:
        approvals: Who has answered and who may; None where that can't be told any more.
        granted: The grant with what each server said, if access was given now.
    """

    request: Request
    decision: Decision
    approvals: Approvals | None = None
    granted: GrantAnswer | None = None


def ask_for(
    seams: Seams,
    requester: Person,
    words: RequestWords,
    now: datetime,
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> RequestAnswer:
    """Make a request: granted at once, waiting for somebody, or denied.

    Args:
        check: Say what would come of it; record and send nothing.

    Raises:
        UsageError, NotFoundError: Something in the words is wrong; nothing was recorded.
        DeniedError: As far as that: words that no flow can be asked about, or too many open requests.
    """
    policy = seams.policy()
    asked = {"servers": list(words.servers), "groups": list(words.groups), "grantee": words.grantee}
    with denials_recorded(seams, "request.refused", requester.login, asked, now, check=check):
        ask, request = _understood(seams, policy, requester, words, now)
        with seams.store.read() as view:
            ask = replace(ask, open_access=open_access(view, request.grantee, request.servers))
            decision = decide(ask, policy, now)
            if not decision.judged:  # no flow was looked at: the words themselves are wrong
                raise DeniedError(decision.sentence, code=decision.code)
            _check_room(view, request)
    request = _under(request, decision, policy)
    if check:
        return RequestAnswer(request, decision, decision.approvals)
    with seams.write(now) as work:
        _check_room(work, request)
        settled = _record(seams, work, request, decision, policy, now)
    granted = put_into_effect(seams, settled.grant, now, progress) if settled.grant else None
    return RequestAnswer(settled.request, settled.decision, settled.approvals, granted)


def _understood(
    seams: Seams, policy: Policy, requester: Person, words: RequestWords, now: datetime
) -> tuple[Ask, Request]:
    grantee = person_here(policy.directory, words.grantee) if words.grantee else requester
    servers = servers_meant(seams, words.servers, words.tags)
    _check_texts(words)
    ask = Ask(
        requester=requester.login,
        grantee=grantee.login,
        servers=servers,
        groups=tuple(dict.fromkeys(words.groups)),
        start=words.start.astimezone(UTC).replace(microsecond=0) if words.start else None,
        length=words.length,
        justification=words.justification,
    )
    request = Request(
        id=seams.new_id(),
        requester=requester.login,
        grantee=grantee.login,
        actor=seams.actor,
        servers=servers,
        groups=ask.groups,
        start=ask.start,
        length=words.length,
        justification=words.justification,
        ticket=words.ticket,
        fields=dict(words.fields),
        public_key=_key_sent(requester, grantee, words.public_key),
        flow="",
        flow_settings={},
        created_at=now,
        expires_at=now + seams.settings.request_expires_after,
    )
    return ask, request


def _key_sent(requester: Person, grantee: Person, text: str) -> str:
    """A key opens the grantee's account: only the grantee's own word counts for it, or the directory's."""
    if text and requester.login != grantee.login:
        raise DeniedError(
            f"a public key for {grantee.login} can't come from {requester.login}",
            hint="leave --public-key out: the keys in the directory are taken",
            code="key_not_yours",
        )
    if not text and not grantee.public_keys:
        raise UsageError(
            f"there is no public key of {grantee.login}",
            hint="add --public-key ~/.ssh/id_ed25519.pub, or public_keys in the directory",
            code="public_key_missing",
        )
    sent = check_public_key(text).line if text else ""
    keys_for(sent, grantee.public_keys)
    return sent


def _check_texts(words: RequestWords) -> None:
    """What no flow looks at; the justification is a flow's matter."""
    if len(words.ticket) > LONGEST_TICKET or not words.ticket.isprintable():
        raise UsageError(f"a ticket has at most {LONGEST_TICKET} printable characters", code="ticket_odd")
    if len(words.fields) > MOST_FIELDS:
        raise UsageError(
            f"{len(words.fields)} custom fields, {MOST_FIELDS} are allowed", code="fields_number"
        )
    for name, value in words.fields.items():
        if not FIELD_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} isn't the name of a custom field",
                hint="lower case letters, digits, _ and -, a letter first, at most 32",
                code="field_odd",
            )
        if len(value) > LONGEST_FIELD or not value.isprintable():
            raise UsageError(
                f"the field {name!r} may hold at most {LONGEST_FIELD} printable characters", code="field_odd"
            )


def _check_room(view: ReadView, request: Request) -> None:
    """The same thing is asked for once at a time, and nobody fills the lists of those who answer."""
    pending = view.requests(states=[RequestState.PENDING], person=request.requester)
    mine = [one for one in pending if one.requester == request.requester]
    for one in mine:
        if _same(one, request):
            raise UsageError(
                f"this was asked for already, and waits for an answer: {one.id}",
                hint=f"daypass request show {one.id}",
                code="already_pending",
            )
    if len(mine) >= MOST_PENDING:
        raise DeniedError(
            f"{request.requester} has {len(mine)} open requests, {MOST_PENDING} are allowed",
            hint="cancel some: daypass request cancel REQUEST",
            code="too_many_pending",
        )


def _same(one: Request, other: Request) -> bool:
    return (one.grantee, set(one.servers), set(one.groups), one.start) == (
        other.grantee,
        set(other.servers),
        set(other.groups),
        other.start,
    )


def _under(request: Request, decision: Decision, policy: Policy) -> Request:
    """The request with the flow that decides it from now on."""
    flow = policy.flow(decision.flow) if decision.flow else None
    if flow is None:
        return request
    return replace(request, flow=flow.name, flow_settings=settings_of(flow))


def _record(
    seams: Seams, work: WriteWork, request: Request, decision: Decision, policy: Policy, now: datetime
) -> Settled:
    work.add_request(request)
    work.append_event("request.made", request.id, _details(request, decision))
    if decision.verdict is Verdict.DENIED:
        return Settled(deny(work, request, decision, now), decision)
    return settle(seams, work, request, policy, now)


def _details(request: Request, decision: Decision) -> dict[str, object]:
    return {
        "requester": request.requester,
        "grantee": request.grantee,
        "servers": list(request.servers),
        "groups": list(request.groups),
        "start": request.start.isoformat() if request.start else None,
        "length_seconds": int(request.length.total_seconds()) if request.length else None,
        "justification": request.justification,
        "ticket": request.ticket,
        "fields": dict(request.fields),
        "flow": request.flow,
        "verdict": str(decision.verdict),
        "code": decision.code,
        "sentence": decision.sentence,
        "reasons": reasons_of(decision),
        "expires_at": request.expires_at.isoformat(),
    }
