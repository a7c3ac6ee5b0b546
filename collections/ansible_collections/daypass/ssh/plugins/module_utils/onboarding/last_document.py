# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document that off-boarding makes on the host itself: every account goes. Pure."""

from __future__ import annotations

from ..contract import document, names
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ..record.ledger import Ledger, LedgerAccount


def last_document(ledger: Ledger, keep_homes: bool) -> str:
    """The opaque document that removes all accounts of the ledger, and with them the groups made for them."""
    mapping = {
        "version": names.DOCUMENT_VERSION,
        "host_id": ledger.host_id,
        "orchestrator_id": ledger.orchestrator_id,
        "sequence": None if ledger.orchestrator_id is None else ledger.sequence + 1,
        "exclusive": True,
        "ca_keys": [],
        "accounts": [_gone(login, one, keep_homes) for login, one in sorted(ledger.accounts.items())],
    }
    return document.build(mapping)[0]


def home_policy(account: LedgerAccount, keep_homes: bool) -> str:
    """What becomes of its home."""
    return "keep" if keep_homes else account.home_on_removal


def _gone(login: str, account: LedgerAccount, keep_homes: bool) -> dict[str, Any]:
    return {
        "name": login,
        "uid": account.uid,
        "comment": account.comment,
        "shell": account.shell,
        "existing": document.REFUSE if account.joined is None else document.JOIN,
        "join_without_log": document.REFUSE if account.joined is None else account.joined.without_log,
        "home_on_removal": home_policy(account, keep_homes),
        "user_cleanup_days": account.user_cleanup_days,
        "remove": True,
        "grants": [{"id": grant_id, "state": "absent"} for grant_id in sorted(account.grants)],
    }
