"""One person's automatic grant: given, made to fit, taken away. All in the caller's unit of work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from daypass.ca.public_keys import check_public_key
from daypass.domain.automatic import AutomaticAccess
from daypass.domain.certificates import Certificate, CertificateState, Constraints
from daypass.domain.grants import Grant, Share, ShareState, Trigger
from daypass.domain.windows import Window
from daypass.errors import NotFoundError
from daypass.flows.automatic import Keep
from daypass.flows.entitled import Wanted
from daypass.host_rules import PRINCIPALS_MAX
from daypass.store.interface import WriteWork
from daypass.workflow.ending import GIVING, end_grant, end_share, revoke_certificate
from daypass.workflow.giving import NewGrant, give_place, record_unchecked
from daypass.workflow.overlapping import check_constraints
from daypass.workflow.readiness import check_person
from daypass.workflow.seams import Seams
from daypass.workflow.signing import reserve_for

REVOKED = CertificateState.REVOKED
REASON = "automatic access"
NOT_COVERED = "the flow doesn't give it on this server any more"
KEY_GONE = "the directory doesn't name this key any more"
USED_UP = "a new grant follows: this one has as many certificates as a grant may have"


def give_anew(seams: Seams, work: WriteWork, wanted: Wanted, until: datetime, now: datetime) -> Grant:
    """A grant over all that one person is to have by a flow.

    Raises:
        UsageError, DeniedError: As `record_grant`.
    """
    person, settings = wanted.person, wanted.flow.settings
    servers = tuple(sorted(wanted.places))
    check_person(seams, person.login, servers)
    new = NewGrant(
        login=person.login,
        comment=person.email,
        flow=wanted.flow.name,
        reason=REASON,
        window=Window(now.astimezone(UTC).replace(microsecond=0), until),
        servers=servers,
        groups=(),
        groups_on={name: place.groups for name, place in wanted.places.items()},
        public_keys=tuple(check_public_key(line) for line in person.public_keys),
        constraints=Constraints(settings.certificate.critical_options, settings.certificate.extensions),
        trigger=Trigger.AUTOMATIC,
    )
    grant = record_unchecked(seams, work, new, now)
    work.set_automatic(wanted.flow.name, person.login, grant.id, wanted.digest, person.public_keys)
    return grant


def take_away(seams: Seams, work: WriteWork, access: AutomaticAccess, reason: str, now: datetime) -> bool:
    """End the grant, if it is live, and forget it; whether it was."""
    work.forget_automatic(access.flow, access.login)
    grant = work.grant(access.grant_id)
    if grant is None or grant.ended_at is not None:
        return False
    end_grant(seams, work, grant, at=min(now, grant.window.not_after), reason=reason, now=now)
    return True


def fit(seams: Seams, work: WriteWork, keep: Keep, now: datetime) -> str:
    """Make a grant fit: keys, end, servers with their groups. Sessions go on where nothing is taken away.

    Returns:
        The grant's id; another one where the old one can't have more certificates.

    Raises:
        UsageError, DeniedError: As `record_grant`.
    """
    grant = work.grant(keep.access.grant_id)
    if grant is None:
        raise NotFoundError(f"There is no grant {keep.access.grant_id}.")
    certificates = _sorted_out(work.certificates(grant.id), keep)
    if len(certificates.kept) + len(certificates.to_sign) > PRINCIPALS_MAX:
        take_away(seams, work, keep.access, USED_UP, now)
        return give_anew(seams, work, keep.wanted, keep.until or grant.window.not_after, now).id
    check_constraints(work, grant.login, keep.wanted.places, _window(grant, keep), grant.constraints)
    for certificate in certificates.gone:
        revoke_certificate(work, certificate, KEY_GONE, now)
    grant = _until(work, grant, keep)
    reserved = [reserve_for(seams, work, grant, check_public_key(key)) for key in certificates.to_sign]
    if keep.until:
        _record_renewal(work, keep, grant, reserved)
    _fit_places(seams, work, grant, keep, bool(keep.until or reserved or certificates.gone), now)
    keys = keep.wanted.person.public_keys
    work.set_automatic(keep.access.flow, keep.access.login, grant.id, keep.wanted.digest, keys)
    return grant.id


@dataclass(frozen=True)
class _Certificates:
    """A grant's certificates: those that stay, those whose key is gone, and keys to sign (`TYPE BASE64`)."""

    kept: tuple[Certificate, ...]
    gone: tuple[Certificate, ...]
    to_sign: tuple[str, ...]


def _sorted_out(certificates: list[Certificate], keep: Keep) -> _Certificates:
    """A key that somebody brought beside the directory's stays; one that was revoked here stays revoked."""
    now_known = keep.wanted.person.public_keys
    gone_keys = set(keep.access.keys) - set(now_known)
    revoked = {c.public_key for c in certificates if c.state is REVOKED and c.revoke_reason != KEY_GONE}
    usable = [c for c in certificates if c.state is not REVOKED]
    kept = tuple(c for c in usable if c.public_key not in gone_keys)
    has = dict.fromkeys(c.public_key for c in kept)
    wanted = [key for key in now_known if key not in revoked]
    to_sign = dict.fromkeys([*wanted, *has]) if keep.until else [key for key in wanted if key not in has]
    return _Certificates(kept, tuple(c for c in usable if c.public_key in gone_keys), tuple(to_sign))


def _window(grant: Grant, keep: Keep) -> Window:
    return Window(grant.window.not_before, keep.until or grant.window.not_after)


def _until(work: WriteWork, grant: Grant, keep: Keep) -> Grant:
    """The grant with its new end; a changed end is one more extension of it."""
    if keep.until is None:
        return grant
    longer = replace(grant, window=_window(grant, keep), times_extended=grant.times_extended + 1)
    work.set_grant(longer)
    return longer


def _record_renewal(work: WriteWork, keep: Keep, grant: Grant, reserved: list[Certificate]) -> None:
    details = {
        "from": keep.access.window.not_after.isoformat(),
        "to": grant.window.not_after.isoformat(),
        "serials": [str(certificate.serial) for certificate in reserved],
        "reason": REASON,
    }
    work.append_event("grant.extended", grant.id, details)


def _fit_places(seams: Seams, work: WriteWork, grant: Grant, keep: Keep, told: bool, now: datetime) -> None:
    """Servers that came, those that stay, then those that left: with its last server a grant would end.

    Where only the end moves, a server that was taken out otherwise (by an off-boarding) stays out.

    Args:
        told: Whether servers that stay must hear of something.
    """
    places = keep.wanted.places
    shares = {share.server: share for share in work.shares(grant_id=grant.id)}
    for server, place in sorted(places.items()):
        share = shares.get(server)
        if share is not None and share.state in GIVING and (share.groups, share.sudo) == place:
            if told:
                work.set_share(_to_tell(share, grant))
        elif keep.access.digest != keep.wanted.digest:
            give_place(seams, work, grant, server, place.groups, share)
    for server, share in sorted(shares.items()):
        if server not in places:
            end_share(seams, work, share, reason=NOT_COVERED, now=now)


def _to_tell(share: Share, grant: Grant) -> Share:
    return replace(share, window=grant.window, state=ShareState.PENDING, attempts=0, next_try_at=None)
