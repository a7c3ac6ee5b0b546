"""What somebody's own machine needs for plain ssh: servers, host keys, certificates for the keys there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from daypass.ca.public_keys import PublicKey
from daypass.domain.certificates import Certificate
from daypass.domain.grants import Grant, Share, ShareState
from daypass.domain.open_access import (
    FORWARDING,
    OpenAccess,
    OpenCertificate,
    OpenGrant,
    OpenJump,
    OpenServer,
)
from daypass.domain.servers import DEFAULT_PORT, Server
from daypass.errors import DeniedError, UsageError
from daypass.inventory.proxy_jump import parse_jump
from daypass.store.interface import ReadView
from daypass.workflow.certifying import Certified, certificate_for, known_certificate
from daypass.workflow.changing import LIVE, is_over
from daypass.workflow.claims import claimed
from daypass.workflow.ending import GIVING
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress, converge, host_keys_of, server_at

# The certificate of a grant for a key, why there is none, or None where nobody signed it yet.
_Answer = Certified | str | None


def open_access(
    seams: Seams,
    login: str,
    keys: Sequence[PublicKey],
    now: datetime,
    *,
    sign: bool,
    progress: Progress | None = None,
) -> OpenAccess:
    """All servers with open access of this person, and that begins later, with certificates for these keys.

    Args:
        keys: This person's, by the directory or by the person's own word.
        sign: Sign what isn't signed yet for a key; servers are told in one wave. A grant that can't be signed
            for a key says why, and the others are signed all the same.
    """
    answers = {
        grant.id: [_certified(seams, grant, key, now, sign) for key in keys]
        for grant in _live(seams, login, now)
    }
    _tell(seams, [one for found in answers.values() for one in found], now, progress)
    with seams.store.read() as view:
        grants = {one.id: one for one in _of(view, login, now) if one.id in answers}
        shares: dict[str, list[Share]] = defaultdict(list)
        for share in view.shares(login=login, states=GIVING):
            if share.grant_id in grants and share.server in seams.servers:
                shares[share.server].append(share)
        servers = tuple(
            _server(
                seams,
                view,
                seams.servers[name],
                [_grant(grants, answers, one) for one in shares[name]],
                login,
            )
            for name in sorted(shares)
        )
        return OpenAccess(view.orchestrator_id(), login, servers)


def _tell(seams: Seams, answers: Iterable[_Answer], now: datetime, progress: Progress | None) -> None:
    """One wave for all that was signed; what a server doesn't hear now, `reconcile` tells it."""
    servers = {
        share.server
        for one in answers
        if isinstance(one, Certified) and one.added and one.grant.window.not_before <= now
        for share in one.shares
        if share.state is ShareState.PENDING
    }
    if servers:
        with claimed(seams, sorted(servers), now):
            converge(seams, servers, progress=progress)


def _live(seams: Seams, login: str, now: datetime) -> list[Grant]:
    with seams.store.read() as view:
        return _of(view, login, now)


def _of(view: ReadView, login: str, now: datetime) -> list[Grant]:
    return [one for one in view.grants(states=LIVE, login=login) if not is_over(one, now)]


def _certified(seams: Seams, grant: Grant, key: PublicKey, now: datetime, sign: bool) -> _Answer:
    """The certificate, why there is none, or None where nobody signed it yet; nothing is told to servers."""
    try:
        if sign:
            return certificate_for(seams, grant.id, grant.login, key.line, now, tell=False)
        with seams.store.read() as view:
            known = known_certificate(view, grant, key)
            return None if known is None else Certified(grant, known, (), added=False)
    except (UsageError, DeniedError) as error:  # the key was revoked, too many keys, ended in the meantime
        return error.sentence


def _grant(grants: Mapping[str, Grant], answers: Mapping[str, Iterable[_Answer]], share: Share) -> OpenGrant:
    grant = grants[share.grant_id]
    found = answers[share.grant_id]
    return OpenGrant(
        id=grant.id,
        state=str(share.state),
        not_before=share.window.not_before,
        not_after=share.window.not_after,
        forwards=FORWARDING in grant.constraints.extensions,
        certificates=tuple(_certificate(one.certificate) for one in found if isinstance(one, Certified)),
        problem="; ".join(one for one in found if isinstance(one, str)),
    )


def _certificate(found: Certificate) -> OpenCertificate:
    return OpenCertificate(
        found.number, found.fingerprint, found.valid_after, found.valid_before, found.text or ""
    )


def _server(
    seams: Seams, view: ReadView, entry: Server, grants: Sequence[OpenGrant], login: str
) -> OpenServer:
    integration = seams.integration_of(entry.name)
    return OpenServer(
        name=entry.name,
        host=entry.host,
        port=entry.port,
        login=login,
        key_name=integration.user_key_name,
        host_keys=host_keys_of(view, entry),
        grants=tuple(grants),
        jump=_jump(seams, view, entry),
        details=integration.custom_access_details,
    )


def _jump(seams: Seams, view: ReadView, entry: Server) -> OpenJump | None:
    if entry.proxy_jump is None:
        return None
    jump = parse_jump(entry.proxy_jump)
    known = server_at(seams, jump)
    return OpenJump(
        host=jump.host,
        port=jump.port or DEFAULT_PORT,
        user=jump.user,
        server=known.name if known else None,
        host_keys=host_keys_of(view, known) if known else (),
    )
