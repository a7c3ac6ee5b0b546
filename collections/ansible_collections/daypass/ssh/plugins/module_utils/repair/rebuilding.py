# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ledger that can't be read: set aside, and rebuilt from what can be proven.

Each write of the ledger goes to a copy first (`ledger_file.write_ledger`), so the copy is never behind: what
it says of ids, sequence, tombstones and accounts is at least as new as what was lost. A copy that lagged
behind would let a late old document open again what a newer one had closed. Accounts that the host itself
proves to be ours and that the copy doesn't name are taken in as closed; nothing is ever removed on a guess.
"""

from __future__ import annotations

import time

from ..contract import names
from ..contract.document import REFUSE
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..facts import account_files
from ..facts.host import HOME_BASE
from ..record import ledger_file, unrecorded
from ..record.ledger import Joined, Ledger, LedgerAccount

if TYPE_CHECKING:
    from ..effects.system import System
    from ..facts.account_files import Group, Passwd

ASIDE_PREFIX = "ledger.json.corrupt-"
ASIDE_KEPT = 3  # broken ones, the newest: for a person to look at, never read by us
CORRUPT = "ledger_corrupt"


def read_or_rebuild(system: System, now: int, check: bool = False) -> tuple[Ledger | None, tuple[str, ...]]:
    """The host's ledger; a broken one is set aside and rebuilt. The caller holds the lock.

    The rebuilt one carries its own story in `rebuilt`, until an answer has told it.

    Args:
        now: Seconds since 1970, for the name of what is set aside.
        check: Change nothing; what would be rebuilt is only returned.

    Returns:
        The ledger, None where the host was never onboarded, and warnings.

    Raises:
        Refusal: `ledger_corrupt`: the copy is broken too; `ledger_newer`.
    """
    try:
        found = ledger_file.read_ledger(system)
    except Refusal as refusal:
        if refusal.code != CORRUPT:
            raise
        reason = refusal.sentence
    else:
        # Without a ledger there is no copy either: both go together, the copy first.
        if found is not None:
            return unrecorded.with_unrecorded(system, found), ()
        if not system.exists(names.LEDGER_COPY_PATH):
            return None, ()
        reason = f"{names.LEDGER_PATH} was gone"
    rebuilt = with_accounts_of_host(system, unrecorded.with_unrecorded(system, _read_copy(system, reason)))
    if rebuilt.connector in rebuilt.accounts:
        raise _hopeless(f"{reason}, and its copy names the connector's account")
    aside = "" if check else set_aside(system, now)
    rebuilt = rebuilt._replace(rebuilt=f"{reason}; rebuilt from its copy{aside}"[:300])
    if not check:
        _store(system, rebuilt)
    return rebuilt, (rebuilt.rebuilt,)


def read_for_onboarding(system: System, take_over: bool, check: bool = False) -> Ledger | None:
    """As `read_or_rebuild`; where nothing is left to rebuild from, a take-over sets it aside and begins anew.

    Raises:
        Refusal: See `read_or_rebuild`.
    """
    try:
        return read_or_rebuild(system, system.clock(), check)[0]
    except Refusal as refusal:
        if not take_over or refusal.code != CORRUPT:
            raise
    if not check:
        set_aside(system, system.clock())
    return None


def set_aside(system: System, now: int) -> str:
    """Rename the broken ledger, keep the newest few; where that can't be done it stays. Words on it."""
    if not system.exists(names.LEDGER_PATH):
        return ""
    name = ASIDE_PREFIX + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    try:
        system.rename(names.LEDGER_PATH, f"{names.STATE_FOLDER}/{name}")
        for old in set_aside_names(system)[:-ASIDE_KEPT]:
            system.remove(f"{names.STATE_FOLDER}/{old}")
    except OSError:  # a read-only or broken disk: closings go on with what was read
        return ""
    return f", the broken one is {name}"


def set_aside_names(system: System) -> list[str]:
    """Names of the broken ledgers in our folder, oldest first."""
    return sorted(name for name in system.names(names.STATE_FOLDER) if name.startswith(ASIDE_PREFIX))


def with_accounts_of_host(system: System, base: Ledger) -> Ledger:
    """The ledger with each account that is provably ours and that it doesn't name, as one to be closed.

    Proof: in the group `daypass`, a uid of our range, and a private group of that name and number, as only we
    make them. The next run closes it; a removal needs a document that names it with this uid.
    """
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    accounts = dict(base.accounts)
    for login, entry in passwd.items():
        if login not in accounts and login != base.connector and is_ours(entry, groups):
            held = [name for name, group in groups.items() if login in group.members]
            accounts[login] = _to_be_closed(entry, held)
        elif login not in accounts and login != base.connector and is_joined(entry, groups):
            # Which of its groups came from us nobody knows any more: those stay.
            joined = Joined("", 0, "", REFUSE)
            accounts[login] = _to_be_closed(entry, [])._replace(joined=joined)
    return base._replace(accounts=accounts)


def is_ours(entry: Passwd, groups: dict[str, Group]) -> bool:
    """Whether the host's own files prove that this account was made by us."""
    marked = groups.get(names.GROUP_CREATED)
    private = groups.get(entry.name)
    return (
        names.UID_MIN <= entry.uid <= names.UID_MAX
        and entry.gid == entry.uid
        and marked is not None
        and entry.name in marked.members
        and private is not None
        and private.gid == entry.uid
        and names.LOGIN.fullmatch(entry.name) is not None
    )  # not the comment: its owner may change it (chfn), and must not escape closing so


def is_joined(entry: Passwd, groups: dict[str, Group]) -> bool:
    """Whether our mark is on an account from before."""
    marked = groups.get(names.GROUP_JOINED)
    return (
        marked is not None
        and entry.name in marked.members
        and names.may_be_joined(entry.uid)
        and names.LOGIN.fullmatch(entry.name) is not None
    )


def _to_be_closed(entry: Passwd, held: list[str]) -> LedgerAccount:
    given = (one for one in held if one != names.GROUP_CREATED and names.GROUP.fullmatch(one))
    return LedgerAccount(
        uid=entry.uid,
        comment=entry.comment,
        shell=entry.shell,
        home=entry.home if entry.home.startswith("/") else f"{HOME_BASE}/{entry.name}",
        home_on_removal="keep",  # nobody knows what was promised; a document may say it again
        user_cleanup_days=None,
        pending="close",
        grants={},
        groups=tuple(sorted(given)),
        closed_at=None,
    )


def _read_copy(system: System, reason: str) -> Ledger:
    try:
        copy = ledger_file.read_ledger(system, names.LEDGER_COPY_PATH)
    except Refusal as refusal:
        if refusal.code != CORRUPT:
            raise
        raise _hopeless(f"{reason}, and so is its copy") from refusal
    if copy is None:
        raise _hopeless(f"{reason}, and there is no copy")
    return copy


def _hopeless(sentence: str) -> Refusal:
    return Refusal(
        CORRUPT, sentence, "onboard the host again with take-over: accounts that are provably ours are closed"
    )


def _store(system: System, rebuilt: Ledger) -> None:
    """Write it back; a disk that takes nothing is reported by whoever writes next."""
    try:
        ledger_file.write_ledger(system, rebuilt)
    except OSError:
        return
