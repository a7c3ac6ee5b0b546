"""Giving access that was decided: recorded with its shares and serials, then signed, then applied.

The one way for operators' grants, granted requests and automatic access (design.md, "The way of the data").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from daypass.ca.public_keys import PublicKey
from daypass.config import Integration
from daypass.domain.certificates import Certificate, CertificateState, Constraints
from daypass.domain.grants import DEFAULT_GROUP, Account, Grant, Share, Trigger
from daypass.domain.outcomes import Outcome
from daypass.domain.windows import Window
from daypass.errors import DeniedError, UsageError
from daypass.host_rules import PRINCIPALS_MAX
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.ending import GIVING
from daypass.workflow.joining import identity_of
from daypass.workflow.overlapping import check_constraints
from daypass.workflow.revoking import find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.signing import reserve_for, sign_reserved
from daypass.workflow.waves import Progress, check_documents, converge


@dataclass(frozen=True)
class NewGrant:
    """Access that somebody or something has decided on.

    Attributes:
        comment: GECOS text that marks the person's accounts, an e-mail address where one is known; empty = as
            they are marked, or `daypass <login>`.
        public_keys: One certificate is signed for each; at least one.
        groups_on: Groups by server, where a server has others than `groups`.
        constraints: From the flow only, never from who asks.
        request_id: The request that it comes from, None where there was none.
    """

    login: str
    comment: str
    flow: str
    reason: str
    window: Window
    servers: tuple[str, ...]
    groups: tuple[str, ...]
    public_keys: tuple[PublicKey, ...]
    constraints: Constraints = field(default_factory=Constraints)
    request_id: str | None = None
    trigger: Trigger = Trigger.DIRECT
    groups_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class GrantAnswer:
    """A grant as it stands after its wave."""

    grant: Grant
    certificates: tuple[Certificate, ...]
    shares: tuple[Share, ...]
    outcomes: Mapping[str, Outcome]

    @property
    def certificate(self) -> Certificate:
        """The newest one; an operator's grant begins with one."""
        return self.certificates[-1]


def record_grant(seams: Seams, work: WriteWork, new: NewGrant, now: datetime) -> Grant:
    """Grant, shares, accounts and serials in the caller's unit of work, before anything is signed or sent.

    Raises:
        UsageError: The login's accounts are marked as somebody else's, or a document would be too large.
        DeniedError: There is no key, or there are more than a grant may have; or the person has access there
            with certificates that are bound otherwise (`constraints_differ`).
    """
    grant = record_unchecked(seams, work, new, now)
    check_documents(seams, work, new.servers, now)
    return grant


def record_unchecked(seams: Seams, work: WriteWork, new: NewGrant, now: datetime) -> Grant:
    """As `record_grant`, for a caller that records several and looks at the servers' documents once."""
    if not 1 <= len(new.public_keys) <= PRINCIPALS_MAX:
        raise DeniedError(
            f"{len(new.public_keys)} public keys for {new.login}; a grant has 1 to {PRINCIPALS_MAX}",
            code="public_keys_number",
        )
    check_constraints(work, new.login, new.servers, new.window, new.constraints)
    grant = Grant(
        id=seams.new_id(),
        login=new.login,
        comment=_comment(work, new),
        flow=new.flow,
        reason=new.reason,
        actor=seams.actor,
        window=new.window,
        created_at=now,
        constraints=new.constraints,
        request_id=new.request_id,
        trigger=new.trigger,
    )
    uid = work.uid_for(grant.login, grant.comment)
    shares = [
        _share(seams.integration_of(name), name, grant, new.groups_on.get(name, new.groups))
        for name in new.servers
    ]
    work.add_grant(grant, shares)
    for share in shares:
        work.set_account(_account(seams, work, share, grant, uid))
    certificates = [reserve_for(seams, work, grant, key) for key in new.public_keys]
    work.append_event("grant.recorded", grant.id, _record_details(grant, new, certificates))
    return grant


def _comment(view: ReadView, new: NewGrant) -> str:
    """A login is one person's, on every server and for good: hosts know an account by uid and comment."""
    nobody = f"daypass {new.login}"  # an account from before the directory knew the person
    known = view.comment_of(new.login)
    if known is None:
        return new.comment or nobody
    if new.comment and known not in (new.comment, nobody):
        raise UsageError(
            f"the accounts of {new.login} are marked {known!r}, not {new.comment!r}",
            hint=f"choose another login if this isn't {known!r}",
            code="comment_differs",
        )
    return known


def _record_details(grant: Grant, new: NewGrant, certificates: list[Certificate]) -> dict[str, object]:
    each = {name: list(groups) for name, groups in new.groups_on.items()}
    return {
        "login": grant.login,
        "flow": grant.flow,
        "trigger": str(grant.trigger),
        "request": grant.request_id,
        "servers": list(new.servers),
        "groups": list(dict.fromkeys([*new.groups, *sorted(chain.from_iterable(new.groups_on.values()))])),
        **({"groups_on": each} if each else {}),
        "reason": grant.reason,
        "not_before": grant.window.not_before.isoformat(),
        "not_after": grant.window.not_after.isoformat(),
        "critical_options": dict(grant.constraints.critical_options),
        "extensions": list(grant.constraints.extensions),
        "certificates": [{"serial": str(one.serial), "public_key": one.fingerprint} for one in certificates],
    }


def give_place(
    seams: Seams, work: WriteWork, grant: Grant, server: str, groups: tuple[str, ...], known: Share | None
) -> Share:
    """Let a live grant give these groups on a server: one more, one that it left, or other groups there.

    Args:
        known: The grant's share of this server in this unit of work, None without one.
    """
    share = _share(seams.integration_of(server), server, grant, groups)
    details = {"server": server, "login": grant.login, "groups": list(share.groups)}
    if known is not None and known.state in GIVING:
        share = replace(share, sent_sequence=known.sent_sequence, confirmed_at=known.confirmed_at)
        work.set_share(share)
        work.append_event("share.changed", grant.id, details)
        return share
    uid = work.uid_for(grant.login, grant.comment)
    work.set_account(_account(seams, work, share, grant, uid))
    if known is None:
        work.add_share(share)
    else:  # the server may hear of the end and of the new beginning in one document
        work.set_share(replace(share, sent_sequence=known.sent_sequence))
    work.append_event("share.added", grant.id, details)
    return share


def _share(integration: Integration, server: str, grant: Grant, groups: tuple[str, ...]) -> Share:
    names = tuple(sorted({group for group in groups if group != DEFAULT_GROUP}))
    rules = integration.sudo_of(groups)
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


def put_into_effect(
    seams: Seams, grant: Grant, now: datetime, progress: Progress | None = None
) -> GrantAnswer:
    """Sign what was reserved with the grant, and tell its servers, unless its window begins later."""
    with seams.store.read() as view:
        servers = [share.server for share in view.shares(grant_id=grant.id)]
        reserved = [c for c in view.certificates(grant.id) if c.state is CertificateState.RESERVED]
    outcomes: Mapping[str, Outcome] = {}
    with claimed(seams, servers, now):
        for certificate in reserved:
            sign_reserved(seams, grant, certificate.serial, now)
        if grant.window.not_before <= seams.clock():
            outcomes = converge(seams, servers, progress=progress)
    with seams.store.read() as view:
        return GrantAnswer(
            grant=find_grant(view, grant.id),
            certificates=tuple(view.certificates(grant.id)),
            shares=tuple(view.shares(grant_id=grant.id)),
            outcomes=outcomes,
        )
