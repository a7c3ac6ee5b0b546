# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closing without a ledger: a broken record must not keep anybody in.

Only what the document closes by name is touched: an account with the uid and comment of the document, a uid
of our range, and our mark (the group `daypass`, or our key file). Nothing is opened or removed. A joined
account loses mark, key file, rules and certificate sessions; which groups came from us nobody knows then.
"""

from __future__ import annotations

import re

from ..contract import names
from ..contract.document import JOIN, REFUSE, AccountWanted, Document
from ..contract.fields import seconds_of
from ..contract.typed import TYPE_CHECKING
from ..facts import account_files
from ..plan.steps import is_closed
from ..record.ledger import Joined, Ledger, LedgerAccount, new_ledger
from ..record.merge import Wanted, mark_of, merge
from . import rebuilding

if TYPE_CHECKING:
    from ..effects.system import System
    from ..facts.account_files import Shadow

EXPIRY = re.compile(
    r'expiry-time="([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z"'
)  # plan/key_lines.py
NOTHING = Document(None, None, None, False, (), (), "")


def stand_in(system: System, document: Document, machine_id: str | None) -> Ledger:
    """A ledger with just the accounts that this document closes and that are provably ours."""
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    accounts = {}
    for account in document.accounts:
        entry = passwd.get(account.name)
        joined = account.existing == JOIN  # the comment is its owner's there, and so are unknown groups
        if entry is None or entry.uid != account.uid or not (joined or entry.comment == account.comment):
            continue
        marked = groups[mark_of(account.existing)].members if mark_of(account.existing) in groups else ()
        ours = account.name in marked or system.exists(f"{names.KEYS_FOLDER}/{account.name}")
        if ours and (account.absent or not account.grants):
            held = [group.name for group in groups.values() if account.name in group.members]
            accounts[account.name] = _entry(account, entry.home, [] if joined else held)
    base = new_ledger(document.host_id, machine_id, document.orchestrator_id, (0, 0), "")
    return base._replace(accounts=accounts)


def run_out(system: System, machine_id: str | None, now: int) -> Ledger:
    """A ledger with just those provably ours whose time is over: the tick's, where nobody names any.

    Key lines say when they end; where this sshd takes no such ends, the account's own last day counts.
    """
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    marked = groups[names.GROUP_CREATED].members if names.GROUP_CREATED in groups else ()
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    shadows = account_files.parse_shadow(system.read("/etc/shadow") or b"", passwd)
    accounts = {}
    for login, entry in passwd.items():
        joined = rebuilding.is_joined(entry, groups)
        if not joined and not (login in marked and names.UID_MIN <= entry.uid <= names.UID_MAX):
            continue
        lines = system.read(f"{names.KEYS_FOLDER}/{login}") or b""
        shadow = shadows.get(login)
        shut = not joined and is_closed(shadow)
        if not shut and _is_over(lines.decode("ascii", "replace"), shadow, now):
            held = [group.name for group in groups.values() if login in group.members]
            existing = JOIN if joined else REFUSE
            wanted = AccountWanted(
                login, entry.uid, entry.comment, entry.shell, existing, "keep", None, False, (), ()
            )
            accounts[login] = _entry(wanted, entry.home, [] if joined else held)
    base = new_ledger(None, machine_id, None, (0, 0), "")
    return base._replace(accounts=accounts)


def _is_over(lines: str, shadow: Shadow | None, now: int) -> bool:
    if not lines.strip():
        return True
    ends = [seconds_of([int(part) for part in parts]) for parts in EXPIRY.findall(lines)]
    if ends:
        return max(ends) <= now
    return shadow is not None and shadow.expire is not None and shadow.expire * 86400 <= now


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
        joined=Joined("", 0, "", account.join_without_log) if account.existing == JOIN else None,
    )
