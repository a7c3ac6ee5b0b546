"""Another key for a grant that is live; the old one opens nothing any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.grants import Grant
from daypass.errors import UsageError
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.changing import LIVE, ChangeAnswer, change, next_certificate, usable
from daypass.workflow.ending import revoke_certificates
from daypass.workflow.revoking import check_reason, find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress

REPLACED = "key replaced"
LOST = "key lost"


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

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, tuple[Certificate, ...]]:
        _check_new_key(work, grant, key)
        revoke_certificates(work, grant.id, reason, now)
        certificate = next_certificate(seams, work, grant, key)
        details = {"serial": str(certificate.serial), "public_key": key.fingerprint, "reason": reason}
        work.append_event("certificate.reissued", grant.id, details)
        return grant, (certificate,)

    return replace(change(seams, grant_id, now, record, check, progress), same_key=same_key)


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
    keys = {certificate.fingerprint for certificate in usable(view, grant)}
    others = [one for one in view.grants(states=LIVE, login=grant.login) if one.id != grant.id]
    return tuple(o.id for o in others if keys & {c.fingerprint for c in usable(view, o)})
