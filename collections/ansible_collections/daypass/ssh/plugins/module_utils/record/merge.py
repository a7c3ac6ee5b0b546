# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the ledger and a document to what is wanted now. Pure.

With a sequence the document is the truth for the accounts that it lists (for all with `exclusive`); without
one it is merged grant by grant. A document that comes late (a lower sequence) only ends what it says has
ended.
"""

from __future__ import annotations

from ..contract import names
from ..contract.document import JOIN, REFUSE, AccountWanted, Document, GrantWanted
from ..contract.names import Refusal
from ..contract.typed import NamedTuple
from . import ledger as ledgers
from .ledger import Ledger, LedgerAccount, LedgerGrant, Tombstone
from .mixing import unmixed

# An `absent` for a grant that this host never saw says nothing about its end; grants are shorter than a year.
UNKNOWN_END_SECONDS = 366 * 86400

MIXED = (
    "constraints_differ",
    "the account has another grant whose certificates are bound to another command or other addresses",
    "end that one first, or give this one when it has ended",
)


class RefusedGrant(NamedTuple):
    """A grant that is wanted and doesn't open."""

    id: str
    code: str
    sentence: str
    hint: str = ""


class WantedAccount(NamedTuple):
    """One account as it should be; `grants` holds what should be in effect, `refused` what can't be."""

    name: str
    uid: int
    comment: str
    shell: str
    home_on_removal: str
    user_cleanup_days: int | None
    remove: bool
    listed: bool
    grants: dict[str, LedgerGrant]
    refused: tuple[RefusedGrant, ...]
    existing: str = REFUSE
    join_without_log: str = REFUSE
    create_groups: tuple[tuple[str, str], ...] = ()  # (grant, group): made for it where it is missing


class Wanted(NamedTuple):
    """All accounts of the ledger and the document; `stale` = nothing may open because of this document."""

    accounts: dict[str, WantedAccount]
    ca_keys: tuple[str, ...]
    tombstones: dict[str, Tombstone]
    sequence: int
    digest: str | None
    stale: bool


def check_address(ledger: Ledger, document: Document, machine_id: str | None) -> None:
    """Refuse a document that is meant for another host or comes from another orchestrator.

    Raises:
        Refusal: `machine_id_mismatch`, `host_id_mismatch`, `orchestrator_mismatch`, `sequence_missing`.
    """
    if ledger.machine_id is not None and ledger.machine_id != machine_id:
        raise Refusal(
            "machine_id_mismatch",
            f"the ledger was made on the machine {ledger.machine_id}, this is {machine_id}",
            "a copy of another host: clear /var/lib/daypass and the accounts that came with it, or onboard "
            "it under a name of its own with take-over",
        )
    if ledger.host_id != document.host_id:
        raise Refusal(
            "host_id_mismatch",
            f"the document is for {document.host_id}, this host is {ledger.host_id}",
            "look for two entries of the server list that lead to the same host",
        )
    if ledger.orchestrator_id != document.orchestrator_id:
        raise Refusal(
            "orchestrator_mismatch",
            f"the document comes from {document.orchestrator_id}, "
            f"this host belongs to {ledger.orchestrator_id}",
            "off-board it there, or onboard it here with take-over, which closes what was given there",
        )
    if document.sequence is None and ledger.sequence:
        raise Refusal("sequence_missing", "this host follows sequences, the document has none")


def is_stale(ledger: Ledger, document: Document) -> bool:
    """Whether the document is older than one that this host has followed.

    Raises:
        Refusal: `sequence_conflict`: the same number with another content.
    """
    if document.sequence is None or document.sequence > ledger.sequence:
        return False
    if document.sequence < ledger.sequence:
        return True
    if document.digest != ledger.digest:
        raise Refusal(
            "sequence_conflict",
            f"sequence {document.sequence} came before with another content",
            "two orchestrators with the same identity, or a restored database",
        )
    return False


def merge(ledger: Ledger, document: Document, now: int) -> Wanted:
    """What is wanted on this host at `now` (seconds since 1970). Grants with `not_after <= now` are gone.

    Raises:
        Refusal: `sequence_conflict`.
    """
    stale = is_stale(ledger, document)
    listed = {account.name: account for account in document.accounts}
    stones = ledgers.tombstones_at(ledger, now)
    accounts = {}
    for login, account in ledger.accounts.items():
        if login not in listed:
            accounts[login] = _unlisted(login, account, now, document.exclusive and not stale)
    for login, account in listed.items():
        known = ledger.accounts.get(login)
        if stale:
            if known is not None:
                accounts[login] = _without(login, known, account.absent, now)
        else:
            accounts[login] = _listed(account, known, document, stones, now)
    fresh = not stale and document.sequence is not None
    return Wanted(
        accounts=accounts,
        ca_keys=ledger.ca_keys if stale or not document.ca_keys else document.ca_keys,
        tombstones=_tombstones(ledger, document, accounts, stones, now),
        sequence=document.sequence if fresh else ledger.sequence,
        digest=document.digest if fresh else ledger.digest,
        stale=stale,
    )


def _unlisted(login: str, known: LedgerAccount, now: int, exclusive: bool) -> WantedAccount:
    grants = {} if exclusive else _due(known.grants, now)
    return _as_known(login, known, grants)


def _without(login: str, known: LedgerAccount, absent: tuple[str, ...], now: int) -> WantedAccount:
    grants = {key: grant for key, grant in _due(known.grants, now).items() if key not in absent}
    return _as_known(login, known, grants)._replace(listed=True)


def _as_known(login: str, known: LedgerAccount, grants: dict[str, LedgerGrant]) -> WantedAccount:
    return WantedAccount(
        name=login,
        uid=known.uid,
        comment=known.comment,
        shell=known.shell,
        home_on_removal=known.home_on_removal,
        user_cleanup_days=known.user_cleanup_days,
        remove=known.pending == "remove",  # a removal that was begun is finished
        listed=False,
        grants=grants,
        refused=(),
        existing=REFUSE if known.joined is None else JOIN,
        join_without_log=REFUSE if known.joined is None else known.joined.without_log,
    )


def _listed(
    account: AccountWanted,
    known: LedgerAccount | None,
    document: Document,
    stones: dict[str, Tombstone],
    now: int,
) -> WantedAccount:
    before = _due(known.grants, now) if known is not None else {}
    kept = before if document.sequence is None else {}
    grants = {key: grant for key, grant in kept.items() if key not in account.absent}
    refused = []
    for grant in account.grants:
        if grant.not_after <= now:
            grants.pop(grant.id, None)
            continue
        refusal = _refusal(account, known, document, stones.get(grant.id), grant)
        if refusal is None:
            grants[grant.id] = _taken(grant, before.get(grant.id))
        else:
            refused.append(refusal)
            if grant.id in before:  # a refused change leaves what is in effect
                grants[grant.id] = before[grant.id]
    grants, mixed = unmixed(grants, before)
    refused += [RefusedGrant(key, *MIXED) for key in mixed]
    return WantedAccount(
        name=account.name,
        uid=account.uid,
        comment=account.comment,
        shell=account.shell,
        home_on_removal=account.home_on_removal,
        user_cleanup_days=account.user_cleanup_days,
        # What isn't the host's own view of the account removes nothing.
        remove=account.remove and not grants and _other_kind(account, known) is None,
        listed=True,
        grants=grants,
        refused=tuple(refused),
        existing=account.existing,
        join_without_log=account.join_without_log,
        create_groups=tuple((one.id, group) for one in account.grants for group in one.create_groups),
    )


def _refusal(
    account: AccountWanted,
    known: LedgerAccount | None,
    document: Document,
    stone: Tombstone | None,
    grant: GrantWanted,
) -> RefusedGrant | None:
    """Why a grant that the document wants can't be wanted here, judged without looking at the host."""
    reason = _other_kind(account, known)
    if reason is not None:
        return RefusedGrant(grant.id, *reason)
    if known is not None and (known.uid, known.comment) != (account.uid, account.comment):
        return RefusedGrant(
            grant.id,
            "account_exists",
            f"the ledger has {account.name} with uid {known.uid} and comment {known.comment!r}",
        )
    if stone is not None and stone.cause == ledgers.CAUSE_MEMBERSHIP:
        return RefusedGrant(
            grant.id,
            "membership_lost",
            f"{account.name} was taken out of the group {mark_of(account.existing)}; this grant was closed",
            "find out who did that, then give a new grant",
        )
    if stone is not None and document.sequence is None:
        return RefusedGrant(grant.id, "grant_ended", f"the grant {grant.id} ended before; it can't come back")
    return None


def mark_of(existing: str) -> str:
    """The group that marks an account: one that we made, or one from before that was joined."""
    return names.GROUP_JOINED if existing == JOIN else names.GROUP_CREATED


def _other_kind(account: AccountWanted, known: LedgerAccount | None) -> tuple[str, str, str] | None:
    """Why the document can't mean the account that the ledger has: one of the two wasn't made by us."""
    if known is None or (known.joined is not None) == (account.existing == JOIN):
        return None
    if known.joined is None:
        sentence = f"Daypass made the account {account.name} here itself; it can't be joined"
        return "account_ours", sentence, "send it with `existing: refuse`, or remove it first"
    sentence = f"the account {account.name} was here before and was joined; it isn't Daypass's own"
    return "account_joined", sentence, "send it with `existing: join`, or end its grants and remove it first"


def _taken(grant: GrantWanted, before: LedgerGrant | None) -> LedgerGrant:
    return LedgerGrant(
        principals=grant.principals,
        groups=grant.groups,
        sudo=grant.sudo,
        warn_before=grant.warn_before,
        not_after=grant.not_after,
        live=before.live if before is not None else False,
        constraints=grant.constraints,
    )


def _due(grants: dict[str, LedgerGrant], now: int) -> dict[str, LedgerGrant]:
    return {key: grant for key, grant in grants.items() if grant.not_after > now}


def _tombstones(
    ledger: Ledger,
    document: Document,
    accounts: dict[str, WantedAccount],
    stones: dict[str, Tombstone],
    now: int,
) -> dict[str, Tombstone]:
    """The stones that still count, and one for each grant that ends now before its time."""
    result = dict(stones)
    wanted = {key for account in accounts.values() for key in account.grants}
    for account in ledger.accounts.values():
        for key, grant in _due(account.grants, now).items():
            if key not in wanted:
                result.setdefault(key, Tombstone(grant.not_after, ledgers.CAUSE_ENDED))
    if document.sequence is None:
        for account in document.accounts:
            for key in account.absent:
                result.setdefault(key, Tombstone(now + UNKNOWN_END_SECONDS, ledgers.CAUSE_ENDED))
    return {key: stone for key, stone in result.items() if key not in wanted}
