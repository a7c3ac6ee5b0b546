# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an account that was there before isn't joined, judged from the facts before anything changes. Pure.

Of "Never managed" all that names an account which is nobody's own still holds: root, low uids, the connector,
reserved names. What waits for a name (crontab, mail, home, sudo rules) is its owner's here, and stays.
"""

from __future__ import annotations

from ..contract import names
from ..contract.document import REFUSE
from ..facts.account_files import Passwd, Shadow
from ..facts.host import AccountFacts, Facts
from ..record.ledger import Ledger, LedgerAccount
from ..record.merge import WantedAccount
from .refusals import Reason

DAY_SECONDS = 86400
NEVER_SET = ("!", "!!")  # what useradd writes (the second on Red Hat): nobody locked it, there is no password


def why_not_join(
    want: WantedAccount, known: LedgerAccount | None, facts: Facts, ledger: Ledger, now: int
) -> Reason | None:
    """Why this account gets nothing (more); None when it can be joined, or is and may get more.

    Args:
        known: Its entry in the ledger, None where it wasn't joined yet.
    """
    account = facts.accounts[want.name]
    if want.name == ledger.connector:
        return Reason("name_reserved", f"{want.name} is the connector user and never managed")
    if facts.problem is not None:
        return Reason(facts.problem.code, facts.problem.sentence, facts.problem.hint)
    if account.passwd is None:
        return _missing(want, facts)
    return (
        _identity(want, account.passwd, facts)
        or _marked(want, known, account)
        or why_shut(want.name, account, now)
        or _shell(want, account.passwd, facts)
        or _evidence(want, account)
    )


def why_shut(login: str, account: AccountFacts, now: int) -> Reason | None:
    """Why the administrator's own settings keep this account out; Daypass never changes those."""
    shadow = account.shadow
    if shadow is None:
        return Reason("account_locked", f"/etc/shadow has no line for {login}", "pwck tells more")
    hint = "its administrator opens it again; Daypass never does"
    if shadow.password.startswith("!") and shadow.password not in NEVER_SET:
        return Reason("account_locked", f"the account {login} is locked", hint)
    today = now // DAY_SECONDS
    if shadow.expire is not None and 0 <= shadow.expire <= today:
        return Reason("account_expired", f"the account {login} has expired", hint)
    if _must_change(shadow, today):
        return Reason("password_expired", f"{login} must change the password before any login", hint)
    return None


def _must_change(shadow: Shadow, today: int) -> bool:
    """As pam_unix(8) counts: it asks for a new password whichever way somebody logs in."""
    if shadow.changed == 0:
        return True
    if shadow.changed is None or shadow.most is None or shadow.most < 0:
        return False
    return today > shadow.changed + shadow.most


def _missing(want: WantedAccount, facts: Facts) -> Reason:
    if facts.known is not None and want.name in facts.known.users:
        sentence = f"the account {want.name} comes from a directory; only accounts of /etc/passwd are joined"
        return Reason("account_remote", sentence)
    return Reason(
        "account_missing",
        f"there is no account {want.name} to join",
        "make it with the uid of the directory, or set existing_accounts: refuse",
    )


def _identity(want: WantedAccount, entry: Passwd, facts: Facts) -> Reason | None:
    if entry.uid != want.uid:
        sentence = f"the account {want.name} has the uid {entry.uid}, the directory says {want.uid}"
        return Reason("uid_differs", sentence, "correct the directory, or the account")
    others = [name for name in facts.uid_names.get(entry.uid, ()) if name != want.name]
    if others:
        sentence = f"{others[0]} has the uid {entry.uid} too: nobody can tell whose a session is"
        return Reason("uid_taken", sentence)
    for owner, first, last in facts.subordinate:
        if first <= entry.uid <= last:
            sentence = f"the uid {entry.uid} lies in the subordinate range {first}-{last} of {owner}"
            return Reason("uid_subordinate", sentence)
    if not entry.home.startswith("/"):
        return Reason("home_invalid", f"the home of {want.name} is no whole path")
    return None


def _marked(want: WantedAccount, known: LedgerAccount | None, account: AccountFacts) -> Reason | None:
    """Our marks on an account that isn't in the ledger: something of ours, or of another's, was forgotten."""
    marks = [names.GROUP_CREATED] if known is not None else [names.GROUP_CREATED, names.GROUP_JOINED]
    found = [group for group in marks if group in account.groups]
    if not found:
        return None
    return Reason(
        "old_rights",
        f"{want.name} is in the group {found[0]}, not through us",
        f"look why, then take it out: gpasswd -d {want.name} {found[0]}",
    )


def _shell(want: WantedAccount, entry: Passwd, facts: Facts) -> Reason | None:
    if entry.shell and entry.shell not in facts.shells:
        sentence = f"the shell {entry.shell} of {want.name} isn't in /etc/shells: nobody logs in with it"
        return Reason("shell_not_listed", sentence)
    return None


def _evidence(want: WantedAccount, account: AccountFacts) -> Reason | None:
    found = account.joining
    if found is None:
        return Reason("command_failed", f"what is asked of {want.name} before it is joined wasn't read")
    if not found.log and want.join_without_log == REFUSE:
        return Reason(
            "join_no_log",
            "this host keeps no log of sshd's that says which sessions a certificate opened",
            "let sshd log to journald, or set join_without_log: end_all (all of the person's sessions end)",
        )
    if found.odd_groups:
        return Reason(
            "group_inconsistent",
            f"/etc/group and /etc/gshadow differ over {', '.join(found.odd_groups)}",
            "run grpck on the host",
        )
    return None
