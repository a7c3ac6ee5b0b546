"""What changes of a live grant have in common: recorded first, then signed, then applied.

Either is a certificate more (`daypass-<grant>-<n>`). What servers must be told of is pending again until they
have confirmed it; until then they give what they gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from daypass.ca.public_keys import PublicKey
from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.grants import Grant, GrantState, Share, ShareState
from daypass.domain.outcomes import Outcome
from daypass.errors import DeniedError, UsageError
from daypass.host_rules import PRINCIPALS_MAX
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.ending import GIVING
from daypass.workflow.leaving import check_here
from daypass.workflow.revoking import find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.signing import reserve_for, sign_reserved
from daypass.workflow.waves import Progress, check_documents, converge

LIVE = (GrantState.APPROVED, GrantState.ACTIVE)


@dataclass(frozen=True)
class ChangeAnswer:
    """A grant as it stands after a change.

    Attributes:
        before: The grant as it was.
        certificates: The new ones; not signed where nothing was changed (a check).
        shares: Pending ones are servers that haven't confirmed the change yet.
        same_key: Other live grants of this person whose certificate is for the key that was given up.
    """

    before: Grant
    grant: Grant
    certificates: tuple[Certificate, ...]
    shares: tuple[Share, ...]
    outcomes: Mapping[str, Outcome]
    same_key: tuple[str, ...] = ()

    @property
    def certificate(self) -> Certificate:
        """The newest one; most grants have one key."""
        return self.certificates[-1]


Record = Callable[[WriteWork, Grant], tuple[Grant, tuple[Certificate, ...]]]


class _CheckOnly(Exception):
    """Everything would have been recorded; nothing is."""


def change(
    seams: Seams,
    grant_id: str,
    now: datetime,
    record: Record,
    check: bool,
    progress: Progress | None,
    *,
    tell: bool = True,
) -> ChangeAnswer:
    """Record a change in one unit of work, sign what it reserved, tell the servers.

    Args:
        record: Makes the change to the grant as it is in that unit, and reserves certificates.
        check: Look whether it could be; record, sign and send nothing.
        tell: False = the caller tells the servers, of several grants at once.

    Raises:
        NotFoundError: There is no such grant.
        UsageError: `grant_ended`.
        DeniedError: The person has left.
    """
    with seams.store.read() as view:
        before = _live(view, grant_id, now)
        targets = open_servers(view, before)
    check_here(seams.directory(), before.login)
    for server in targets:  # a key that can't be read is known before anything is recorded
        if server in seams.servers:
            seams.executor(seams.integration_of(server).name)
    seams.signer()
    if check:
        return _only_checked(seams, before, now, record)
    with claimed(seams, targets, now):
        with seams.write(now) as work:
            grant, reserved = _recorded(seams, work, grant_id, now, record)
        signed = tuple(sign_reserved(seams, grant, one.serial, now) for one in reserved)
        begun = grant.window.not_before <= now
        outcomes = converge(seams, targets, progress=progress) if begun and tell else {}
    with seams.store.read() as view:
        shares = tuple(view.shares(grant_id=grant.id))
        return ChangeAnswer(before, find_grant(view, grant.id), signed, shares, outcomes)


def _recorded(
    seams: Seams, work: WriteWork, grant_id: str, now: datetime, record: Record
) -> tuple[Grant, tuple[Certificate, ...]]:
    """The change, the serials of its certificates, and what servers must be told: in one transaction."""
    grant, certificates = record(work, _live(work, grant_id, now))
    for share in work.shares(grant_id=grant.id):
        if share.state in GIVING:  # one that is being taken back on its server stays so
            pending = replace(share, window=grant.window, state=ShareState.PENDING)
            work.set_share(replace(pending, attempts=0, next_try_at=None))
    check_documents(seams, work, open_servers(work, grant), now)
    return grant, certificates


def _only_checked(seams: Seams, before: Grant, now: datetime, record: Record) -> ChangeAnswer:
    """What the change would be, by doing all that comes before the signature and undoing it."""
    answers: list[ChangeAnswer] = []
    with suppress(_CheckOnly), seams.write(now) as work:
        grant, certificates = _recorded(seams, work, before.id, now, record)
        answers.append(ChangeAnswer(before, grant, certificates, tuple(work.shares(grant_id=grant.id)), {}))
        raise _CheckOnly
    return answers[0]


def _live(view: ReadView, grant_id: str, now: datetime) -> Grant:
    grant = find_grant(view, grant_id)
    if is_over(grant, now):
        raise UsageError(
            f"the grant {grant.id} has ended; it can't be changed any more",
            hint="ask for a new one: daypass request new; as an operator: daypass grant",
            code="grant_ended",
        )
    return grant


def is_over(grant: Grant, now: datetime) -> bool:
    """Whether a grant gives nothing any more, though servers may not have confirmed it."""
    return grant.ended_at is not None or grant.state is GrantState.ENDED or grant.window.not_after <= now


def open_servers(view: ReadView, grant: Grant) -> tuple[str, ...]:
    """Servers on which the grant gives access, or is to."""
    return tuple(share.server for share in view.shares(grant_id=grant.id) if share.state in GIVING)


def next_certificate(seams: Seams, work: WriteWork, grant: Grant, public_key: PublicKey) -> Certificate:
    """Reserve one more; servers take a bounded number of key lines for one grant."""
    if len(usable(work, grant)) >= PRINCIPALS_MAX:
        raise DeniedError(
            f"the grant {grant.id} has {PRINCIPALS_MAX} certificates, more aren't allowed",
            hint="ask for a new one: daypass request new; as an operator: daypass grant",
            code="too_many_certificates",
        )
    return reserve_for(seams, work, grant, public_key)


def usable(view: ReadView, grant: Grant) -> list[Certificate]:
    """The grant's certificates that aren't revoked, by number."""
    return [c for c in view.certificates(grant.id) if c.state is not CertificateState.REVOKED]
