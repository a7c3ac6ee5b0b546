# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ledger entries of accounts: as intended, as proven, as left when an opening was taken back. Pure."""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING
from . import rights
from .ledger import LedgerAccount, LedgerGrant
from .merge import WantedAccount

if TYPE_CHECKING:
    from typing import Mapping


def intended(
    want: WantedAccount,
    home: str,
    grants: Mapping[str, LedgerGrant],
    pending: str,
    known: LedgerAccount | None,
    now: int = 0,
) -> LedgerAccount:
    closed_at = None if grants or known is None else known.closed_at or now
    return LedgerAccount(
        uid=want.uid if known is None else known.uid,
        comment=want.comment if known is None else known.comment,
        shell=want.shell,
        home=home,
        home_on_removal=want.home_on_removal,
        user_cleanup_days=want.user_cleanup_days,
        pending=pending,
        grants=dict(grants),
        groups=tuple(sorted(rights.groups_of(grants))),
        closed_at=closed_at,
    )


def proven(entry: LedgerAccount, grants: Mapping[str, LedgerGrant]) -> LedgerAccount:
    return entry._replace(pending="", grants={key: _lived(grant, True) for key, grant in grants.items()})


def _lived(grant: LedgerGrant, live: bool) -> LedgerGrant:
    return grant if grant.live is live else grant._replace(live=live)


def unproven(entry: LedgerAccount, middle: Mapping[str, LedgerGrant]) -> LedgerAccount:
    grants = {key: _lived(grant, key in middle) for key, grant in entry.grants.items()}
    return entry._replace(grants=grants)


def undone(
    entry: LedgerAccount, middle: Mapping[str, LedgerGrant], known: LedgerAccount, now: int
) -> LedgerAccount:
    groups = tuple(sorted(rights.groups_of(middle)))
    closed_at = None if middle else known.closed_at or now
    return proven(entry._replace(groups=groups, closed_at=closed_at), middle)
