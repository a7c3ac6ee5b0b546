"""The certificate of one's own grant for the key at hand, signed when another machine asks for it first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.grants import Grant, Share
from daypass.errors import UsageError
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.changing import change, is_over, next_certificate
from daypass.workflow.revoking import find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress


@dataclass(frozen=True)
class Certified:
    """A certificate that opens the grant's servers for one key.

    Attributes:
        added: Signed just now; servers whose share is pending don't know it yet.
    """

    grant: Grant
    certificate: Certificate
    shares: tuple[Share, ...]
    added: bool


def certificate_for(
    seams: Seams,
    grant_id: str,
    login: str,
    public_key: str,
    now: datetime,
    *,
    progress: Progress | None = None,
    tell: bool = True,
) -> Certified:
    """The newest certificate of a grant for this key; where there is none, one more beside the others.

    Args:
        login: Whose grant it must be.
        public_key: `TYPE BASE64` of a key that is this person's by the directory or by the person's own word.
        tell: As `change`.

    Raises:
        NotFoundError: There is no such grant of this person's.
        UsageError: The grant has ended, or the key was revoked in it.
        DeniedError: The person has left, or the grant has as many certificates as a server takes.
    """
    key = check_public_key(public_key)
    with seams.store.read() as view:
        grant = find_grant(view, grant_id, login)
        known = None if is_over(grant, now) else known_certificate(view, grant, key)
        if known is not None:
            return Certified(grant, known, tuple(view.shares(grant_id=grant.id)), added=False)

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, tuple[Certificate, ...]]:
        known_certificate(work, grant, key)  # revoked in the meantime
        certificate = next_certificate(seams, work, grant, key)
        details = {"serial": str(certificate.serial), "public_key": key.fingerprint}
        work.append_event("certificate.added", grant.id, details)
        return grant, (certificate,)

    changed = change(seams, grant.id, now, record, False, progress, tell=tell)
    return Certified(changed.grant, changed.certificates[-1], changed.shares, added=True)


def known_certificate(view: ReadView, grant: Grant, key: PublicKey) -> Certificate | None:
    """The newest certificate for the key that was signed and not revoked.

    Raises:
        UsageError: `key_revoked`: whoever has the key now may not be its owner.
    """
    of_key = [one for one in view.certificates(grant.id) if one.fingerprint == key.fingerprint]
    for one in of_key:
        if one.state is CertificateState.REVOKED:
            raise UsageError(
                f"the key {key.fingerprint} was revoked in this grant: {one.revoke_reason}",
                hint="use another key: ssh-keygen -t ed25519",
                code="key_revoked",
            )
    signed = [one for one in of_key if one.state is CertificateState.SIGNED and one.text]
    return max(signed, key=lambda one: one.number, default=None)
