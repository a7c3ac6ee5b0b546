"""Certificates of grants: a serial is reserved with the record, and only then signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.ca.signer import sign_checked
from daypass.ca.spec import build_spec, principal_of
from daypass.directory import Directory
from daypass.domain.certificates import Certificate, CertificateSpec, CertificateState
from daypass.domain.grants import Grant
from daypass.errors import SigningError
from daypass.store.interface import WriteWork
from daypass.workflow.seams import Seams


def reserve_for(seams: Seams, work: WriteWork, grant: Grant, public_key: PublicKey) -> Certificate:
    """As `reserve`, for a key of the person whose grant it is."""
    directory = seams.directory()
    named = directory is not None and names_key(directory, grant.login, public_key.line)
    return reserve(seams, work, grant, public_key, from_directory=named)


def names_key(directory: Directory, login: str, key: str) -> bool:
    """Whether the directory names the key (`TYPE BASE64`) for this person, who is here."""
    person = directory.active(login)
    return person is not None and key in person.public_keys


def reserve(
    seams: Seams, work: WriteWork, grant: Grant, public_key: PublicKey, *, from_directory: bool
) -> Certificate:
    """The next certificate of a grant: number, principal and serial are taken from now on."""
    number = 1 + max((certificate.number for certificate in work.certificates(grant.id)), default=0)
    certificate = Certificate(
        serial=seams.new_serial(),
        grant_id=grant.id,
        number=number,
        principal=principal_of(grant.id, number),
        public_key=public_key.line,
        fingerprint=public_key.fingerprint,
        valid_after=grant.window.not_before,
        valid_before=grant.window.not_after,
        from_directory=from_directory,
    )
    work.reserve_serial(certificate)
    return certificate


def sign_reserved(seams: Seams, grant: Grant, serial: int, now: datetime) -> Certificate:
    """Sign what was reserved, check it against its spec, record it; one that is signed comes back as is.

    All in one transaction, so that two processes never sign the same serial twice.

    Raises:
        SigningError: Nothing is reserved under this serial, or what the signer made isn't what was asked for.
    """
    with seams.write(now) as work:
        found = [c for c in work.certificates(grant.id) if c.serial == serial]
        if not found:
            raise SigningError(f"no certificate is reserved under serial {serial} for grant {grant.id}")
        if found[0].state is not CertificateState.RESERVED:
            return found[0]
        spec, signer = _spec(grant, found[0]), seams.signer()
        signed = replace(
            found[0],
            state=CertificateState.SIGNED,
            text=sign_checked(signer, spec),
            valid_after=spec.valid_after,
            valid_before=spec.valid_before,
        )
        work.set_certificate(signed)
        work.append_event("certificate.signed", grant.id, {"serial": str(serial), "key_id": spec.key_id})
        _record_ca(work, signer.public_key)
    return signed


def _record_ca(work: WriteWork, public_key: str) -> None:
    """Note which CA servers have to trust from now on; another one than before is worth an event."""
    before = work.ca_keys()
    if before != (public_key,):
        work.set_ca_keys((public_key,))
        work.append_event("ca.recorded", "ca", {"public_key": public_key, "before": list(before)})


def _spec(grant: Grant, certificate: Certificate) -> CertificateSpec:
    return build_spec(
        public_key=check_public_key(certificate.public_key),
        serial=certificate.serial,
        login=grant.login,
        grant_id=grant.id,
        flow=grant.flow,
        number=certificate.number,
        window=grant.window,
        critical_options=grant.constraints.critical_options,
        extensions=grant.constraints.extensions,
    )
