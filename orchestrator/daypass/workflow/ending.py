"""Ending grants in the store: the record comes first, the servers follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.grants import Grant, GrantState, Share, ShareState
from daypass.store.interface import WriteWork
from daypass.workflow.noticing import note_ended
from daypass.workflow.seams import Seams
from daypass.workflow.settle import OVER, grant_state

REVOKED = "revoked"
RAN_OUT = "window closed"
GIVING = (ShareState.PENDING, ShareState.APPLIED)


def end_grant(
    seams: Seams, work: WriteWork, grant: Grant, *, at: datetime, reason: str, now: datetime
) -> Grant:
    """Record that a grant is over: its shares must be taken back, its accounts' cleanup windows begin.

    A share that was never sent anywhere has nothing to take back and is ended at once.

    Args:
        at: When access ended, or should have: the revocation, or the end of the window.
    """
    for share in work.shares(grant_id=grant.id):
        if share.state not in OVER:
            work.set_share(_ending(share))
            _start_cleanup(work, share, at)
    if at < grant.window.not_after:
        revoke_certificates(work, grant.id, reason, now)
    ended = replace(grant, ended_at=at, end_reason=reason, state=GrantState.ENDING)
    ended = replace(ended, state=grant_state(ended, work.shares(grant_id=grant.id), now))
    work.set_grant(ended)
    work.append_event(
        "grant.ending", grant.id, {"login": grant.login, "reason": reason, "at": at.isoformat()}
    )
    if ended.state is GrantState.ENDED:
        work.append_event("grant.ended", grant.id, {"login": grant.login})
        note_ended(seams, work, ended, now)
    return ended


def end_share(seams: Seams, work: WriteWork, share: Share, *, reason: str, now: datetime) -> None:
    """Record that a grant is over on one server; with its last server the whole grant is.

    The caller has the share in the state of this unit of work.
    """
    grant = work.grant(share.grant_id)
    if grant is None or share.state in OVER:
        return
    others = [one for one in work.shares(grant_id=share.grant_id) if one.server != share.server]
    if grant.ended_at is None and not any(one.state in GIVING for one in others):
        end_grant(seams, work, grant, at=min(now, grant.window.not_after), reason=reason, now=now)
        return
    if share.state in GIVING:
        work.set_share(_ending(share))
        _start_cleanup(work, share, now)
        details = {"server": share.server, "login": share.login, "reason": reason}
        work.append_event("share.ending", grant.id, details)


def revoke_certificates(work: WriteWork, grant_id: str, reason: str, now: datetime) -> None:
    """Record that a grant's certificates are good for nothing any more; an unsigned one never will be."""
    for certificate in work.certificates(grant_id):
        if certificate.state is not CertificateState.REVOKED:
            revoke_certificate(work, certificate, reason, now)


def revoke_certificate(work: WriteWork, certificate: Certificate, reason: str, now: datetime) -> None:
    """As `revoke_certificates`, of one."""
    revoked = replace(certificate, state=CertificateState.REVOKED, revoked_at=now, revoke_reason=reason)
    work.set_certificate(revoked)
    details = {"serial": str(certificate.serial), "reason": reason}
    work.append_event("certificate.revoked", certificate.grant_id, details)


def _ending(share: Share) -> Share:
    state = ShareState.ENDING if share.sent_sequence else ShareState.ENDED
    return replace(share, state=state, attempts=0, next_try_at=None)


def _start_cleanup(work: WriteWork, share: Share, at: datetime) -> None:
    """The cleanup window counts from the end of the last grant of this person on this server.

    A late pass may end an older grant after a younger one was revoked: the latest end counts.
    """
    others = [o for o in work.shares(server=share.server, login=share.login) if o.grant_id != share.grant_id]
    if any(other.state in (ShareState.PENDING, ShareState.APPLIED) for other in others):
        return
    ended = (work.grant(other.grant_id) for other in others if other.state is not ShareState.REMOVED)
    latest = max([at, *(grant.ended_at for grant in ended if grant and grant.ended_at)])
    for account in work.accounts(server=share.server, login=share.login):
        at_once = replace(account, removal_attempts=0, removal_next_try_at=None, removal_message=None)
        work.set_account(replace(at_once, last_grant_ended_at=latest))
