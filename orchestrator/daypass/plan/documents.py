"""The wanted state of all our accounts on one server, as a document (host-contract.md, "The document").

The same function serves granting, extending, revoking, expiring and cleaning up: they differ only in what
the store says at `now`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from daypass.domain.certificates import PTY_ONLY, Certificate, CertificateState, Constraints
from daypass.domain.grants import Account, AccountState, Share, ShareState, SudoRule
from daypass.domain.hosts import Host
from daypass.errors import StoreError

DOCUMENT_VERSION = 1
WithoutLog = Literal["refuse", "end_all"]
GIVING = (ShareState.PENDING, ShareState.APPLIED)


class Listed(StrEnum):
    """How a document lists a grant."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True)
class AccountPlan:
    """What one account's part of a document says: which grants, and whether the account is to be removed.

    Attributes:
        given: What the document says of each grant that it gives.
        constraints: By grant id; they never change while a grant lasts.
        created_groups: Groups that the document lets the server make.
    """

    login: str
    grants: Mapping[str, Listed] = field(hash=False)
    remove: bool = False
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict, hash=False)
    constraints: Mapping[str, Constraints] = field(default_factory=dict, hash=False)
    created_groups: frozenset[str] = frozenset()

    def gives_all_of(self, share: Share, certificates: Sequence[Certificate]) -> bool:
        """Whether the document gave what the record gives now: an extension, or a certificate that is only
        reserved, may have come since.
        """
        reserved = [c for c in certificates if c.state is not CertificateState.REVOKED]
        wanted = _present(share, _principals(reserved), self.constraints, self.created_groups)
        return self.given.get(share.grant_id) == wanted


@dataclass(frozen=True)
class ServerPlan:
    """A document's fields, and what it says of each account, for settling the host's answer against it."""

    server: str
    sequence: int
    fields: Mapping[str, object] = field(hash=False)
    accounts: Mapping[str, AccountPlan] = field(hash=False)


def plan_server(
    host: Host,
    *,
    orchestrator_id: str,
    sequence: int,
    accounts: Sequence[Account],
    shares: Sequence[Share],
    certificates: Mapping[str, Sequence[Certificate]],
    constraints: Mapping[str, Constraints],
    ca_keys: Sequence[str],
    removals: frozenset[str],
    now: datetime,
    exclusive: bool = True,
    join_without_log: WithoutLog = "refuse",
    created_groups: frozenset[str] = frozenset(),
) -> ServerPlan:
    """Put everything that is known of one server's accounts at `now` into one document.

    Args:
        accounts: The accounts of this server that aren't removed.
        shares: The shares of this server; ended ones may be left out.
        certificates: Certificates by grant id; only signed ones give a key line.
        constraints: Of each share's grant, by its id: key lines give no more, whatever a certificate says.
        removals: Logins whose cleanup window has passed; their account goes unless a grant is still live.
        exclusive: Whether accounts that aren't among these have no grants; False leaves them as they are.
        join_without_log: What a host without a log of sshd's does with accounts to be joined.
        created_groups: Groups that the server makes where they are missing.

    Raises:
        StoreError: `account_unknown`: a share's login has no account record; what the store doesn't know is
            never sent.
    """
    by_login = _by_login(accounts, shares)
    plans, entries = {}, []
    for account in sorted(accounts, key=lambda a: a.login):
        if account.state is AccountState.REMOVED:
            continue
        mine = by_login[account.login]
        grants = _grant_entries(mine, certificates, constraints, created_groups, now)
        # A grant that was recorded since counts too, though its certificate isn't signed yet.
        awaited = any(share.state in GIVING for share in mine)
        remove = account.login in removals and not awaited
        entry = _account_entry(account, grants, remove)
        if account.existing == "join":
            entry["join_without_log"] = join_without_log
        entries.append(entry)
        plans[account.login] = replace(
            _account_plan(account.login, grants, remove, constraints), created_groups=created_groups
        )
    fields: dict[str, object] = {
        "version": DOCUMENT_VERSION,
        "host_id": host.host_id,
        "orchestrator_id": orchestrator_id,
        "sequence": sequence,
        "exclusive": exclusive,
        "ca_keys": list(ca_keys),
        "accounts": entries,
    }
    return ServerPlan(host.server, sequence, fields, plans)


def _by_login(accounts: Sequence[Account], shares: Sequence[Share]) -> dict[str, list[Share]]:
    found: dict[str, list[Share]] = {account.login: [] for account in accounts}
    for share in shares:
        if share.login not in found:
            raise StoreError(
                f"the store has no account {share.login} on {share.server}", code="account_unknown"
            )
        found[share.login].append(share)
    return found


def _account_plan(
    login: str, grants: list[dict[str, object]], remove: bool, constraints: Mapping[str, Constraints]
) -> AccountPlan:
    """What the document says of one account, for settling its answer."""
    listed = {str(entry["id"]): Listed(str(entry["state"])) for entry in grants}
    given = {str(entry["id"]): entry for entry in grants if listed[str(entry["id"])] is Listed.PRESENT}
    return AccountPlan(login, listed, remove, given, constraints)


def _account_entry(account: Account, grants: list[dict[str, object]], remove: bool) -> dict[str, object]:
    return {
        "name": account.login,
        "uid": account.uid,
        "comment": account.comment,
        "shell": account.shell,
        "existing": account.existing,
        "home_on_removal": account.home_on_removal,
        "user_cleanup_days": account.user_cleanup_days,
        "remove": remove,
        "grants": grants,
    }


def _grant_entries(
    shares: Sequence[Share],
    certificates: Mapping[str, Sequence[Certificate]],
    constraints: Mapping[str, Constraints],
    created_groups: frozenset[str],
    now: datetime,
) -> list[dict[str, object]]:
    """One entry a grant; a grant without a signed certificate, or in the future, isn't sent at all."""
    entries: list[dict[str, object]] = []
    for share in sorted(shares, key=lambda s: s.grant_id):
        signed = [c for c in certificates.get(share.grant_id, ()) if c.state is CertificateState.SIGNED]
        principals = _principals(signed)
        if share.state in GIVING and share.window.holds(now) and principals:
            entries.append(_present(share, principals, constraints, created_groups))
        elif share.sent_sequence and share.state not in (ShareState.ENDED, ShareState.REMOVED):
            entries.append({"id": share.grant_id, "state": str(Listed.ABSENT)})
    return entries


def _principals(certificates: Sequence[Certificate]) -> list[str]:
    return [certificate.principal for certificate in sorted(certificates, key=lambda c: c.number)]


def _present(
    share: Share,
    principals: list[str],
    constraints: Mapping[str, Constraints],
    created_groups: frozenset[str],
) -> dict[str, object]:
    created = sorted(created_groups.intersection(share.groups))
    return {
        "id": share.grant_id,
        "state": str(Listed.PRESENT),
        "principals": principals,
        "groups": sorted(share.groups),
        "warn_before": share.warn_before_seconds,
        "sudo": [_sudo(rule) for rule in share.sudo],
        "not_after": utc_text(share.window.not_after),
        **({"create_groups": created} if created else {}),  # most documents stay as they were
        **_constraints(constraints[share.grant_id]),
    }


def _constraints(constraints: Constraints) -> dict[str, object]:
    """What differs from a terminal that is bound to nothing: most documents stay as small as they were."""
    found: dict[str, object] = {}
    if sorted(constraints.extensions) != sorted(PTY_ONLY):
        found["extensions"] = sorted(constraints.extensions)
    if constraints.critical_options:
        found["critical_options"] = dict(constraints.critical_options)
    return found


def _sudo(rule: SudoRule) -> dict[str, object]:
    commands = rule.commands if isinstance(rule.commands, str) else list(rule.commands)
    return {"run_as": rule.run_as, "commands": commands}


def utc_text(moment: datetime) -> str:
    """`2026-11-22T11:00:00Z`, the only form of a time in a document."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
