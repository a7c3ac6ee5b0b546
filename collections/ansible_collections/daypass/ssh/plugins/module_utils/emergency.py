# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closing without a ledger: a broken record must not keep anybody in.

Only what the document closes by name is touched: an account with the uid and comment of the document, a uid
of our range, and our mark (the group `daypass`, or our key file). Nothing is opened or removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import account_files, names
from .document import Document
from .ledger import Ledger, LedgerAccount, new_ledger
from .merge import Wanted, merge

if TYPE_CHECKING:
    from .document import AccountWanted
    from .system import System

NOTHING = Document(None, None, None, False, (), (), "")


def stand_in(system: System, document: Document, machine_id: str | None) -> Ledger:
    """A ledger with just the accounts that this document closes and that are provably ours."""
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    marked = groups[names.GROUP_CREATED].members if names.GROUP_CREATED in groups else ()
    accounts = {}
    for account in document.accounts:
        entry = passwd.get(account.name)
        if entry is None or (entry.uid, entry.comment) != (account.uid, account.comment):
            continue
        ours = account.name in marked or system.exists(f"{names.KEYS_FOLDER}/{account.name}")
        if ours and (account.absent or not account.grants):
            held = [group.name for group in groups.values() if account.name in group.members]
            accounts[account.name] = _entry(account, entry.home, held)
    base = new_ledger(document.host_id, machine_id, document.orchestrator_id, (0, 0), "")
    return base._replace(accounts=accounts)


def target(base: Ledger) -> Wanted:
    """Each of these accounts without a grant."""
    return merge(base, NOTHING, 0)


def _entry(account: AccountWanted, home: str, groups: list[str]) -> LedgerAccount:
    return LedgerAccount(
        uid=account.uid,
        comment=account.comment,
        shell=account.shell,
        home=home,
        home_on_removal=account.home_on_removal,
        user_cleanup_days=account.user_cleanup_days,
        pending="close",  # its sessions end, whatever it had
        grants={},
        groups=tuple(group for group in groups if group != names.GROUP_CREATED),
        closed_at=None,
    )
