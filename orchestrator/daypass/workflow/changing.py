"""Changes of a grant that is live: a later end, or another key. Recorded first, then signed, then applied.

Either is a certificate more (`daypass-<grant>-<n>`). What servers must be told of is pending again until they
have confirmed it; until then they give what they gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.durations import length_text
from daypass.domain.grants import Grant, GrantState, Share, ShareState
from daypass.domain.outcomes import Outcome
from daypass.domain.windows import Window
from daypass.errors import DeniedError, UsageError
from daypass.host_rules import PRINCIPALS_MAX
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.ending import revoke_certificates
from daypass.workflow.granting import SHORTEST_GRANT, check_length
from daypass.workflow.leaving import check_here
from daypass.workflow.overlapping import check_constraints
from daypass.workflow.revoking import check_reason, find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.settle import OVER
from daypass.workflow.signing import reserve, sign_reserved
from daypass.workflow.waves import Progress, check_documents, converge

LIVE = (GrantState.APPROVED, GrantState.ACTIVE)
REPLACED = "key replaced"
LOST = "key lost"


@dataclass(frozen=True)
class ChangeAnswer:
    """A grant as it stands after a change.

    Attributes:
        before: The grant as it was.
        certificate: The new one; not signed where nothing was changed (a check).
        shares: Pending ones are servers that haven't confirmed the change yet.
        same_key: Other live grants of this person whose certificate is for the key that was given up.
    """

    before: Grant
    grant: Grant
    certificate: Certificate
    shares: tuple[Share, ...]
    outcomes: Mapping[str, Outcome]
    same_key: tuple[str, ...] = ()


Record = Callable[[WriteWork, Grant], tuple[Grant, Certificate]]


class _CheckOnly(Exception):
    """Everything would have been recorded; nothing is."""


def extend(
    seams: Seams,
    grant_id: str,
    now: datetime,
    *,
    length: timedelta | None = None,
    until: datetime | None = None,
    reason: str = "",
    check: bool = False,
    progress: Progress | None = None,
) -> ChangeAnswer:
    """Move a grant's end, on every server, without ending a session.

    Args:
        length: How much later than now agreed, or
        until: the new end.
        check: Look whether it could be; record, sign and send nothing.

    Raises:
        NotFoundError: There is no such grant.
        UsageError: The grant has ended, or the new end isn't later.
        DeniedError: It would last longer than allowed, or into access that is bound otherwise
            (`constraints_differ`), or the person has left.
    """
    check_reason(reason)

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, Certificate]:
        window, times = _longer(seams, grant, length, until), grant.times_extended + 1
        longer = replace(grant, window=window, times_extended=times)
        check_constraints(work, grant.login, _open_servers(work, grant), longer.window, grant.constraints)
        work.set_grant(longer)
        public_key = check_public_key(_usable(work, grant)[-1].public_key)
        certificate = _next_certificate(seams, work, longer, public_key)
        details = {
            "from": grant.window.not_after.isoformat(),
            "to": longer.window.not_after.isoformat(),
            "serial": str(certificate.serial),
            "reason": reason,
        }
        work.append_event("grant.extended", grant.id, details)
        return longer, certificate

    return _change(seams, grant_id, now, record, check, progress)


def reissue(
    seams: Seams,
    grant_id: str,
    public_key: str,
    now: datetime,
    *,
    reason: str = REPLACED,
    check: bool = False,
    progress: Progress | None = None,
) -> ChangeAnswer:
    """Sign a grant for another key, and let the old one open nothing any more: its sessions end, too.

    Args:
        public_key: The text of the new public key file.
        check: As `extend`.

    Raises:
        NotFoundError: There is no such grant.
        UsageError: The grant has ended, the key is the one that it has, or was revoked in it before.
        DeniedError: The person has left.
    """
    check_reason(reason)
    key = check_public_key(public_key)
    with seams.store.read() as view:
        same_key = _others_with_its_key(view, find_grant(view, grant_id))

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, Certificate]:
        _check_new_key(work, grant, key)
        revoke_certificates(work, grant.id, reason, now)
        certificate = _next_certificate(seams, work, grant, key)
        details = {"serial": str(certificate.serial), "public_key": key.fingerprint, "reason": reason}
        work.append_event("certificate.reissued", grant.id, details)
        return grant, certificate

    return replace(_change(seams, grant_id, now, record, check, progress), same_key=same_key)


def _change(
    seams: Seams, grant_id: str, now: datetime, record: Record, check: bool, progress: Progress | None
) -> ChangeAnswer:
    with seams.store.read() as view:
        before = _live(view, grant_id, now)
        targets = _open_servers(view, before)
    check_here(seams.directory(), before.login)
    for server in targets:  # a key that can't be read is known before anything is recorded
        if server in seams.servers:
            seams.executor(seams.integration_of(server).name)
    seams.signer()
    if check:
        return _only_checked(seams, before, now, record)
    with claimed(seams, targets, now):
        with seams.store.write(seams.actor, now) as work:
            grant, certificate = _recorded(seams, work, grant_id, now, record)
        certificate = sign_reserved(seams, grant, certificate.serial, now)
        outcomes = converge(seams, targets, progress=progress)
    with seams.store.read() as view:
        shares = tuple(view.shares(grant_id=grant.id))
        return ChangeAnswer(before, find_grant(view, grant.id), certificate, shares, outcomes)


def _recorded(
    seams: Seams, work: WriteWork, grant_id: str, now: datetime, record: Record
) -> tuple[Grant, Certificate]:
    """The change, the certificate's serial, and what servers must be told: in one transaction."""
    grant, certificate = record(work, _live(work, grant_id, now))
    for share in work.shares(grant_id=grant.id):
        if share.state not in OVER:
            pending = replace(share, window=grant.window, state=ShareState.PENDING)
            work.set_share(replace(pending, attempts=0, next_try_at=None))
    check_documents(seams, work, _open_servers(work, grant), now)
    return grant, certificate


def _only_checked(seams: Seams, before: Grant, now: datetime, record: Record) -> ChangeAnswer:
    """What the change would be, by doing all that comes before the signature and undoing it."""
    answers: list[ChangeAnswer] = []
    with suppress(_CheckOnly), seams.store.write(seams.actor, now) as work:
        grant, certificate = _recorded(seams, work, before.id, now, record)
        answers.append(ChangeAnswer(before, grant, certificate, tuple(work.shares(grant_id=grant.id)), {}))
        raise _CheckOnly
    return answers[0]


def _live(view: ReadView, grant_id: str, now: datetime) -> Grant:
    grant = find_grant(view, grant_id)
    if grant.ended_at is not None or grant.state is GrantState.ENDED or grant.window.not_after <= now:
        raise UsageError(
            f"the grant {grant.id} has ended; it can't be changed any more",
            hint="give a new one: daypass grant",
            code="grant_ended",
        )
    return grant


def _open_servers(view: ReadView, grant: Grant) -> tuple[str, ...]:
    return tuple(share.server for share in view.shares(grant_id=grant.id) if share.state not in OVER)


def _longer(seams: Seams, grant: Grant, length: timedelta | None, until: datetime | None) -> Window:
    """The grant's window with its new end, if that is allowed."""
    start, end = grant.window.not_before, grant.window.not_after
    wanted = until.astimezone(UTC).replace(microsecond=0) if until else end + (length or timedelta(0))
    if wanted - end < SHORTEST_GRANT:
        raise UsageError(
            f"the new end {wanted:%Y-%m-%d %H:%M:%S} UTC isn't later than {end:%Y-%m-%d %H:%M:%S} UTC "
            f"by {length_text(SHORTEST_GRANT)} or more",
            hint=f"to end it sooner: daypass revoke {grant.id}",
            code="end_not_later",
        )
    check_length(seams, wanted - start)
    return Window(start, wanted)


def _next_certificate(seams: Seams, work: WriteWork, grant: Grant, public_key: PublicKey) -> Certificate:
    """Reserve one more; servers take a bounded number of key lines for one grant."""
    if len(_usable(work, grant)) >= PRINCIPALS_MAX:
        raise DeniedError(
            f"the grant {grant.id} has {PRINCIPALS_MAX} certificates, more aren't allowed",
            hint="give a new grant: daypass grant",
            code="too_many_certificates",
        )
    return reserve(seams, work, grant, public_key)


def _usable(view: ReadView, grant: Grant) -> list[Certificate]:
    """The grant's certificates that aren't revoked, by number."""
    return [c for c in view.certificates(grant.id) if c.state is not CertificateState.REVOKED]


def _check_new_key(view: ReadView, grant: Grant, key: PublicKey) -> None:
    for certificate in view.certificates(grant.id):
        if certificate.fingerprint != key.fingerprint:
            continue
        if certificate.state is CertificateState.REVOKED:
            found = f"the key {key.fingerprint} was revoked in this grant: {certificate.revoke_reason}"
        else:
            found = f"the grant's certificate is for the key {key.fingerprint} already"
        raise UsageError(found, hint="make a new key pair: ssh-keygen -t ed25519", code="key_used_before")


def _others_with_its_key(view: ReadView, grant: Grant) -> tuple[str, ...]:
    keys = {certificate.fingerprint for certificate in _usable(view, grant)}
    others = [one for one in view.grants(states=LIVE, login=grant.login) if one.id != grant.id]
    return tuple(o.id for o in others if keys & {c.fingerprint for c in _usable(view, o)})
