"""An operator's direct grant: decide, record, sign, apply (design.md, "The way of the data")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.config import Integration
from daypass.domain.certificates import Certificate
from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP, DIRECT_FLOW, Account, Grant, Share, SudoRule
from daypass.domain.outcomes import Outcome
from daypass.domain.windows import window_from
from daypass.errors import DeniedError, NotFoundError, UsageError
from daypass.host_rules import check_group, check_login
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.joining import identity_of
from daypass.workflow.leaving import check_here
from daypass.workflow.onboarding import CANARY_LOGIN
from daypass.workflow.revoking import check_reason, find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.signing import reserve, sign_reserved
from daypass.workflow.waves import Progress, check_documents, converge

SHORTEST_GRANT = timedelta(
    minutes=1
)  # below that, a grant may end before a wave over a slow link has opened it
LONGEST_COMMENT = 128  # characters of GECOS; longer ones are cut by common tools


@dataclass(frozen=True)
class GrantRequest:
    """The operator's words, as typed.

    Attributes:
        servers: Names.
        tags: `(key, value)`; a server with all of them is meant too.
        public_key: The text of the person's public key file.
        comment: GECOS text; empty = the e-mail address in the directory, else `daypass <login>`.
    """

    login: str
    servers: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    length: timedelta
    public_key: str
    reason: str = ""
    comment: str = ""


@dataclass(frozen=True)
class GrantAnswer:
    """A grant as it stands after its wave."""

    grant: Grant
    certificate: Certificate
    shares: tuple[Share, ...]
    outcomes: Mapping[str, Outcome]


def give(seams: Seams, request: GrantRequest, now: datetime, progress: Progress | None = None) -> GrantAnswer:
    """Give access now: everything is checked first, then recorded, then signed, then applied.

    Raises:
        UsageError, NotFoundError: Something in the words is wrong.
        DeniedError: The person has left, a group isn't offered by the integration, or the time is too long.
    """
    public_key = check_public_key(request.public_key)
    targets = decide(seams, request)
    for server in targets:  # a key that can't be read is known before anything is recorded
        seams.executor(seams.integration_of(server).name)
    seams.signer()
    grant = _grant(seams, request, now)
    with claimed(seams, targets, now):
        with seams.store.write(seams.actor, now) as work:
            certificate = _record(seams, work, request, grant, targets, public_key)
        certificate = sign_reserved(seams, grant, certificate.serial, now)
        outcomes = converge(seams, targets, progress=progress)
    with seams.store.read() as view:
        return GrantAnswer(
            find_grant(view, grant.id), certificate, tuple(view.shares(grant_id=grant.id)), outcomes
        )


def decide(seams: Seams, request: GrantRequest) -> tuple[str, ...]:
    """The servers that are meant, if the whole request is allowed; nothing is recorded before."""
    check_login(request.login)
    check_here(seams.directory(), request.login)
    for group in request.groups:
        if group != DEFAULT_GROUP:
            check_group(group)
    _check_texts(request)
    check_length(seams, request.length)
    targets = _targets(seams, request)
    _check_person(seams, request.login, targets)
    for server in targets:
        _check_groups(seams.integration_of(server), server, request.groups)
    with seams.store.read() as view:
        _check_onboarded(view, targets)
    return targets


def _check_texts(request: GrantRequest) -> None:
    check_reason(request.reason)
    comment = request.comment
    if len(comment) > LONGEST_COMMENT or not all(c.isprintable() and c not in ":,\\" for c in comment):
        raise UsageError(
            f"the comment {comment!r} can't stand in /etc/passwd", hint="use the person's e-mail address"
        )


def check_length(seams: Seams, length: timedelta) -> None:
    """Refuse a window that is too short or too long (DeniedError)."""
    longest = seams.settings.direct_grant_max
    if not SHORTEST_GRANT <= length <= longest:
        raise DeniedError(
            f"a direct grant lasts from {length_text(SHORTEST_GRANT)} to {length_text(longest)}, "
            f"found {length_text(length)}",
            hint="ask for a shorter time, or change direct_grant_max in daypass.yaml",
            code="length_not_allowed",
        )


def _targets(seams: Seams, request: GrantRequest) -> tuple[str, ...]:
    named = {seams.server(name).name for name in request.servers}
    if request.tags:
        tagged = {s.name for s in seams.servers.values() if all(s.tags.get(k) == v for k, v in request.tags)}
        if not tagged:
            wanted = ", ".join(f"{key}={value}" for key, value in request.tags)
            raise NotFoundError(f"no server has the tags {wanted}", hint="see: daypass servers list")
        named |= tagged
    if not named:
        raise UsageError("no server is named", hint="add --server NAME or --tag KEY=VALUE")
    return tuple(sorted(named))


def _check_person(seams: Seams, login: str, targets: tuple[str, ...]) -> None:
    """Accounts that Daypass works through itself are nobody's."""
    if login == CANARY_LOGIN or any(login == seams.server(name).user for name in targets):
        raise UsageError(
            f"{login!r} is the login that Daypass itself uses on these servers",
            hint="choose another login for this person",
            code="name_reserved",
        )


def _check_groups(integration: Integration, server: str, groups: tuple[str, ...]) -> None:
    offered = [group.name for group in integration.user_groups]
    for group in groups:
        if group not in offered:
            raise DeniedError(
                f"group {group!r} isn't among the user_groups of {integration.name!r}, "
                f"which server {server!r} belongs to: {', '.join(offered)}",
                hint="name one of these, or add the group to daypass.yaml",
                code="group_not_offered",
            )


def _check_onboarded(view: ReadView, targets: tuple[str, ...]) -> None:
    missing = [name for name in targets if (host := view.host(name)) is None or not host.onboarded]
    if missing:
        raise UsageError(
            f"not onboarded yet: {', '.join(missing)}",
            hint=f"daypass onboard {' '.join(missing)}",
            code="not_onboarded",
        )


def _grant(seams: Seams, request: GrantRequest, now: datetime) -> Grant:
    directory = seams.directory()
    person = directory.person(request.login) if directory else None
    known = person.email if person else f"daypass {request.login}"
    return Grant(
        id=seams.new_id(),
        login=request.login,
        comment=request.comment or known,
        flow=DIRECT_FLOW,
        reason=request.reason,
        actor=seams.actor,
        window=window_from(now, request.length),
        created_at=now,
    )


def _record(
    seams: Seams,
    work: WriteWork,
    request: GrantRequest,
    grant: Grant,
    targets: tuple[str, ...],
    public_key: PublicKey,
) -> Certificate:
    """Grant, shares, accounts and the serial in one transaction, before anything is signed or sent."""
    grant = _same_person(work, request, grant)
    uid = work.uid_for(grant.login, grant.comment)
    shares = [_share(seams.integration_of(name), name, grant, request.groups) for name in targets]
    work.add_grant(grant, shares)
    for share in shares:
        work.set_account(_account(seams, work, share, grant, uid))
    certificate = reserve(seams, work, grant, public_key)
    check_documents(seams, work, targets, grant.created_at)
    work.append_event("grant.recorded", grant.id, _record_details(grant, request, targets, certificate))
    return certificate


def _same_person(view: ReadView, request: GrantRequest, grant: Grant) -> Grant:
    """A login is one person's, on every server and for good: hosts know an account by uid and comment."""
    known = view.comment_of(grant.login)
    if known is None or known == grant.comment:
        return grant
    if request.comment:
        raise UsageError(
            f"the accounts of {grant.login} are marked {known!r}, not {request.comment!r}",
            hint=f"leave --comment out, or choose another login if this isn't {known!r}",
            code="comment_differs",
        )
    return replace(grant, comment=known)


def _record_details(
    grant: Grant, request: GrantRequest, targets: tuple[str, ...], certificate: Certificate
) -> dict[str, object]:
    return {
        "login": grant.login,
        "flow": grant.flow,
        "servers": list(targets),
        "groups": list(request.groups),
        "reason": grant.reason,
        "not_before": grant.window.not_before.isoformat(),
        "not_after": grant.window.not_after.isoformat(),
        "serial": certificate.serial,
        "public_key": certificate.fingerprint,
    }


def _share(integration: Integration, server: str, grant: Grant, groups: tuple[str, ...]) -> Share:
    rules: tuple[SudoRule, ...] = tuple(
        rule for group in integration.user_groups if group.name in groups for rule in group.sudo
    )
    names = tuple(sorted({group for group in groups if group != DEFAULT_GROUP}))
    return Share(grant.id, server, integration.name, grant.login, names, rules, grant.window)


def _account(seams: Seams, work: WriteWork, share: Share, grant: Grant, uid: int) -> Account:
    """The account's record: a new one, or the one that is there with this integration's settings of today."""
    known = list(work.accounts(server=share.server, login=share.login))
    live = [account for account in known if account.removed_at is None]
    integration = seams.integration_of(share.server)
    identity = identity_of(live[0] if live else None, integration, seams.directory(), share.login, uid)
    return Account(
        server=share.server,
        login=share.login,
        uid=identity.uid,
        comment=live[0].comment if live else grant.comment,
        shell=integration.login_shell,
        existing=identity.existing,
        home_on_removal=integration.home_on_removal,
        user_cleanup_days=integration.user_cleanup_days,
        state=live[0].state if live else Account.state,
    )
