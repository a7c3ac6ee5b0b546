"""One pass of the clock: end what is due, retry what failed, remove what passed its cleanup window.

Safe from cron and twice at a time: what one pass works on is claimed, and everything it does can be repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from daypass.domain.certificates import CertificateState
from daypass.domain.grants import Account, ShareState
from daypass.domain.outcomes import Outcome
from daypass.domain.requests import Request
from daypass.errors import ConfigurationError, DaypassError, SigningError
from daypass.store.interface import ReadView
from daypass.workflow.automatic import Followed, follow_flows
from daypass.workflow.beginning import Beginnings, look_at_beginnings
from daypass.workflow.claims import claimed
from daypass.workflow.ending import RAN_OUT, end_grant
from daypass.workflow.leaving import end_left
from daypass.workflow.noticing import note_ending_soon, note_held
from daypass.workflow.requests.answering import Looked, settle_pending
from daypass.workflow.seams import Seams
from daypass.workflow.signing import sign_reserved
from daypass.workflow.waves import Progress, converge

T = TypeVar("T")


@dataclass(frozen=True)
class Pass:
    """What one pass did.

    Attributes:
        ended: Ids of grants whose window closed.
        left: Ids of grants that ended because their person left.
        decided: Requests that time, or a changed configuration, has decided.
        signed: Serials of certificates that a killed process had reserved but not signed.
        removals: Logins by server that were to be removed.
        outcomes: By server, of every server that needed a document.
        busy: Servers that another process is talking to; the next pass looks again.
        waiting: Servers where something is left to do, and when it is tried next.
        unremoved: Accounts whose cleanup window has passed and that are still there, or a part of them.
        automatic: What flows give by themselves, and what they couldn't.
        not_begun: Grants from ahead of their time that don't begin, or not everywhere, with why.
    """

    ended: tuple[str, ...]
    left: tuple[str, ...]
    decided: tuple[Request, ...]
    signed: tuple[int, ...]
    removals: Mapping[str, frozenset[str]]
    outcomes: Mapping[str, Outcome]
    busy: tuple[str, ...]
    waiting: Mapping[str, datetime]
    unremoved: tuple[Account, ...] = ()
    automatic: Followed = field(default_factory=Followed)
    not_begun: tuple[tuple[str, str], ...] = ()


def reconcile_once(
    seams: Seams, now: datetime, progress: Progress | None = None, *, pauses: bool = True
) -> Pass:
    """Bring store and servers together at `now`.

    Args:
        pauses: Leave servers alone for a while after a failed try; False for somebody who waits for them.

    Raises:
        ConfigurationError, SigningError: The directory can't be read, or a left-over certificate can't be
            signed; all else is done by then.
    """
    ended = _end_due(seams, now)
    leaving = end_left(seams, now)
    failed: list[Exception] = []

    def try_to(step: Callable[[Seams, datetime], T], nothing: T) -> T:
        try:
            return step(seams, now)
        except Exception as error:  # noqa: BLE001 # no end waits for what gives access or tells of it
            failed.append(error)
            return nothing

    requests = try_to(settle_pending, Looked())
    automatic = try_to(follow_flows, Followed())
    beginnings = try_to(look_at_beginnings, Beginnings())
    try_to(note_ending_soon, None)
    try_to(note_held, None)
    sent = _send_what_is_due(seams, now, beginnings, progress, pauses)
    undecided = [error for _, error in requests.problems]
    unread = filter(None, [leaving.problem, beginnings.problem])
    if problems := [*failed, *sent.unsigned, *unread, *undecided, *automatic.problems]:
        raise problems[0]
    with seams.store.write(seams.actor, now) as work:
        work.set_last_pass(now)
    with seams.store.read() as view:
        unremoved = tuple(view.accounts_due_for_removal(now, pauses=False))
        waiting = _waiting(view, unremoved, now)
    return Pass(
        ended=ended,
        left=leaving.grants,
        decided=requests.decided,
        signed=sent.signed,
        removals=sent.removals,
        outcomes=sent.outcomes,
        busy=sent.busy,
        waiting=waiting,
        unremoved=unremoved,
        automatic=automatic,
        not_begun=beginnings.ended,
    )


@dataclass(frozen=True)
class _Sent:
    """What went to servers; as in `Pass`. `unsigned`: why certificates that were left over aren't signed."""

    removals: Mapping[str, frozenset[str]]
    outcomes: Mapping[str, Outcome]
    busy: tuple[str, ...]
    signed: tuple[int, ...]
    unsigned: Sequence[Exception]


def _send_what_is_due(
    seams: Seams, now: datetime, beginnings: Beginnings, progress: Progress | None, pauses: bool
) -> _Sent:
    """A document to each server where a share or a removal is due, but for what is held back."""
    with seams.store.read() as view:
        shares = view.shares_due(now, pauses=pauses)
        due = {share.server for share in shares if share.grant_id not in beginnings.held}
        removals = _removals(view.accounts_due_for_removal(now, pauses=pauses))
    wanted = sorted(due | set(removals))
    with claimed(seams, wanted, now) as free:
        signed, unsigned = _sign_left_over(seams, free, now)
        outcomes = converge(seams, free, removals=removals, progress=progress)
    return _Sent(
        removals={server: logins for server, logins in removals.items() if server in free},
        outcomes=outcomes,
        busy=tuple(name for name in wanted if name not in free),
        signed=signed,
        unsigned=unsigned,
    )


def _end_due(seams: Seams, now: datetime) -> tuple[str, ...]:
    with seams.store.read() as view:
        if not view.grants_past(now):
            return ()
    with seams.write(now) as work:
        past = work.grants_past(now)
        for grant in past:
            end_grant(seams, work, grant, at=grant.window.not_after, reason=RAN_OUT, now=now)
        return tuple(grant.id for grant in past)


def _waiting(view: ReadView, unremoved: Sequence[Account], now: datetime) -> dict[str, datetime]:
    """The earliest next try of each server that still has something to open, to end or to remove."""
    waiting: dict[str, datetime] = {}
    shares = view.shares(states=(ShareState.PENDING, ShareState.ENDING))
    left = [(one.server, one.next_try_at) for one in shares if one.next_try_at and one.next_try_at > now]
    left += [(account.server, account.removal_next_try_at or now) for account in unremoved]
    for server, moment in left:
        waiting[server] = min(moment, waiting.get(server, moment))
    return waiting


def _removals(accounts: Sequence[Account]) -> dict[str, frozenset[str]]:
    logins: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        logins[account.server].add(account.login)
    return {server: frozenset(names) for server, names in logins.items()}


def _sign_left_over(
    seams: Seams, servers: Iterable[str], now: datetime
) -> tuple[tuple[int, ...], list[DaypassError]]:
    """Sign what was recorded and reserved by a process that died before it signed: the grant was given.

    Returns:
        The serials that were signed, and what kept others from it: nobody's end waits for a signature.
    """
    with seams.store.read() as view:
        grants = {
            share.grant_id
            for server in servers
            for share in view.shares(server=server, states=(ShareState.PENDING,))
            if share.window.holds(now)
        }
        reserved = [
            (view.grant(grant_id), certificate)
            for grant_id in sorted(grants)
            for certificate in view.certificates(grant_id)
            if certificate.state is CertificateState.RESERVED
        ]
    signed: list[int] = []
    problems: list[DaypassError] = []
    for grant, certificate in reserved:
        try:
            if grant:
                signed.append(sign_reserved(seams, grant, certificate.serial, now).serial)
        except (ConfigurationError, SigningError) as error:
            problems.append(error)
    return tuple(signed), problems
