"""What people are told of, and who: notices of grants and requests, in the unit of work that they are about.

Nothing here may keep anything else from being recorded, least of all an end: where people aren't known, those
who read a channel for everybody are told all the same, and of a text that can't be made there is an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP, Grant, GrantState, Share, ShareState, Trigger
from daypass.domain.notices import Notice, NoticeEvent, listed
from daypass.domain.people import Person
from daypass.domain.requests import Request, RequestState
from daypass.errors import DaypassError
from daypass.flows import Approvals
from daypass.notices.noting import deliveries_of
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.seams import Seams

FAILED_TRIES = 3  # some minutes: a server that boots is nobody's news
WHAT_FAILS = {ShareState.PENDING: "Giving", ShareState.APPLIED: "Changing", ShareState.ENDING: "Taking back"}


def note_ended(seams: Seams, work: WriteWork, grant: Grant, now: datetime) -> None:
    """A grant has ended on every server."""
    if seams.settings.notices.wants(NoticeEvent.ENDED):
        words = grant_words(work, grant) | {"reason": grant.end_reason or "ended"}
        _note(seams, work, NoticeEvent.ENDED, f"ended:{grant.id}", grant.id, [grant.login], words, now)


def note_failing(seams: Seams, work: WriteWork, before: Share, after: Share, now: datetime) -> None:
    """A server has failed to do what it was sent, so often that somebody should look; once in a row."""
    crossed = before.attempts < FAILED_TRIES <= after.attempts
    grant = work.grant(after.grant_id) if crossed else None
    if grant is None or not seams.settings.notices.wants(NoticeEvent.FAILED):
        return
    words = grant_words(work, grant) | {
        "server": after.server,
        "what": WHAT_FAILS.get(after.state, "Giving"),
        "tries": str(after.attempts),
        "reason": after.outcome_message or after.outcome_code or after.outcome or "nothing",
    }
    topic = f"failed:{grant.id}:{after.server}:{int(now.timestamp())}"
    _note(seams, work, NoticeEvent.FAILED, topic, grant.id, [grant.login], words, now)


def note_ending_soon(seams: Seams, now: datetime) -> int:
    """Tell everyone whose access is about to end, once for each end; how many messages are new."""
    settings = seams.settings.notices
    if not settings.wants(NoticeEvent.ENDING_SOON):
        return 0
    with seams.store.read() as view:
        ending = {_ending_topic(grant): grant for grant in _ending_soon(seams, view, now)}
        known = view.topics_known(ending)
    if not ending.keys() - known:
        return 0
    count = 0
    with seams.write(now) as work:
        for grant in _ending_soon(seams, work, now):
            left = {"left": length_text(grant.window.not_after - now)}
            words, topic = grant_words(work, grant) | left, _ending_topic(grant)
            event = NoticeEvent.ENDING_SOON
            count += _note(seams, work, event, topic, grant.id, [grant.login], words, now)
    return count


def _ending_topic(grant: Grant) -> str:
    """An extended grant ends at another time, which is news again."""
    return f"ending:{grant.id}:{int(grant.window.not_after.timestamp())}"


def _ending_soon(seams: Seams, view: ReadView, now: datetime) -> list[Grant]:
    """Automatic access goes on by itself, and whoever has it for a few minutes knows when they are over."""
    lead = seams.settings.notices.ending_soon_before
    return [
        grant
        for grant in view.grants_past(now + lead)
        if grant.state is GrantState.ACTIVE
        and grant.trigger is not Trigger.AUTOMATIC
        and grant.window.not_after > now
        and grant.window.length > lead
    ]


def note_held(seams: Seams, now: datetime) -> None:
    """It can't be told of some people whether they are here; once for each hold.

    Those who run Daypass are no people of the directory: it is told in channels that all read.
    """
    if not seams.settings.notices.wants(NoticeEvent.PEOPLE_HELD):
        return
    try:
        directory = seams.directory()
    except DaypassError:
        return  # whoever looks for those who left tells it
    if directory is None or not directory.held or directory.held_since is None:
        return
    topic = f"held:{int(directory.held_since.timestamp())}"
    with seams.store.read() as view:
        if view.topics_known([topic]):
            return
    held = sorted(directory.held)
    reasons = dict.fromkeys(directory.doubtful[login] for login in held)
    words = {"count": str(len(held)), "people": listed(tuple(held)), "reason": "; ".join(reasons)}
    with seams.write(now) as work:
        _note(seams, work, NoticeEvent.PEOPLE_HELD, topic, "directory", [], words, now)


def note_waiting(seams: Seams, work: WriteWork, request: Request, standing: Approvals, now: datetime) -> None:
    """A request waits for an answer: those are told who may give it now, and weren't told before."""
    escalates = standing.next_escalation.isoformat() if standing.next_escalation else "last"
    event, topic = NoticeEvent.REQUEST_WAITING, f"waiting:{request.id}:{standing.step}"
    words = request_words(request) | {"expires": time_text(request.expires_at)}
    words |= {"length": length_text(standing.length)}
    people, needed = sorted(standing.may_vote), request.flow_settings.get("require_approver_reason")
    with_reason = ' --reason "WHY"' if needed else ""
    _note(
        seams, work, event, topic, request.id, people, words, now, stage=escalates, answered_with=with_reason
    )


def note_decided(
    seams: Seams,
    work: WriteWork,
    request: Request,
    now: datetime,
    *,
    grant: Grant | None = None,
    notify: Iterable[str] = (),
) -> None:
    """A request was decided: whoever it is about is told, and of break-glass those who are named for it.

    Who asked for himself and had the answer at once has it on the screen.

    Args:
        grant: What came of it, None = nothing.
        notify: Logins of those who are told of break-glass access.
    """
    words = request_words(request)
    parties = list(dict.fromkeys([request.requester, request.grantee]))
    if grant is not None:
        words |= {
            "grant": grant.id,
            "until": time_text(grant.window.not_after),
            "approvers": request.decision,
        }
        words |= {"length": length_text(grant.window.length)}
        if grant.trigger is Trigger.BREAK_GLASS:
            event, topic = NoticeEvent.BREAK_GLASS, f"break_glass:{grant.id}"
            _note(seams, work, event, topic, request.id, sorted(notify), words, now)
    at_once = request.created_at == request.decided_at and not work.votes(request.id)
    if request.for_oneself and at_once:
        return
    if grant is not None:
        event, topic = NoticeEvent.REQUEST_APPROVED, f"approved:{request.id}"
        _note(seams, work, event, topic, request.id, parties, words, now)
    elif request.state in (RequestState.DENIED, RequestState.EXPIRED):
        words |= {"reason": request.decision}
        event, topic = NoticeEvent.REQUEST_DENIED, f"denied:{request.id}"
        _note(seams, work, event, topic, request.id, parties, words, now)


def _note(
    seams: Seams,
    work: WriteWork,
    event: NoticeEvent,
    topic: str,
    subject: str,
    logins: Sequence[str],
    words: dict[str, str],
    now: datetime,
    *,
    stage: str = "",
    answered_with: str = "",
) -> int:
    settings = seams.settings.notices
    if not settings.wants(event):
        return 0
    try:
        notice = Notice(event, topic, subject, people_of(seams, logins), words, stage, answered_with)
        deliveries = tuple(deliveries_of(notice, settings, now))
    except Exception as error:  # noqa: BLE001 # no end waits for what tells of it
        work.append_event("notice.failed", subject, {"event": str(event), "error": type(error).__name__})
        return 0
    return sum(work.add_delivery(delivery) for delivery in deliveries)


def people_of(seams: Seams, logins: Iterable[str]) -> tuple[Person, ...]:
    """Those of the logins that the directory knows; nobody where it can't be read."""
    try:
        directory = seams.people_at_hand()
    except DaypassError:
        return ()
    if directory is None:
        return ()
    return tuple(person for login in logins if (person := directory.person(login)))


def grant_words(view: ReadView, grant: Grant) -> dict[str, str]:
    """What can be said of a grant."""
    shares = view.shares(grant_id=grant.id)
    groups = sorted({group for share in shares for group in share.groups}) or [DEFAULT_GROUP]
    return {
        "grantee": grant.login,
        "grant": grant.id,
        "servers": listed(tuple(share.server for share in shares)),
        "groups": listed(tuple(groups)),
        "until": time_text(grant.window.not_after),
    }


def request_words(request: Request) -> dict[str, str]:
    """What can be said of a request."""
    return {
        "request": request.id,
        "requester": request.requester,
        "grantee": request.grantee,
        "servers": listed(request.servers),
        "groups": listed(request.groups or (DEFAULT_GROUP,)),
        "length": length_text(request.length) if request.length else "as long as the flow gives",
        "justification": request.justification,
        "ticket": request.ticket,
        "flow": request.flow,
    }


def time_text(moment: datetime) -> str:
    """A moment as people everywhere read it alike."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
