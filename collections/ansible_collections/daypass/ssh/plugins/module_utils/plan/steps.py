# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of one account in the order in which they are safe. Pure.

Opening: access begins only when it is complete, so the key line comes last. Closing: no new login first, then
what runs. Sudo rules of all accounts are one file and are written between the groups (opening) or after the
lock (closing) by `apply`.
"""

from __future__ import annotations

from ..contract import names
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.account_files import Shadow
from ..facts.host import AccountFacts
from ..record import rights
from ..record.ledger import LedgerAccount, LedgerGrant
from ..record.merge import WantedAccount
from .key_lines import render_key_file
from .shortening import at_most, only_present

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

# Not `!`: usermod -U and passwd -u refuse on it, and no password from before can come back (facts: shadow).
CLOSED_PASSWORD = "!*"  # noqa: S105 - no password at all
OPEN_PASSWORD = "*"  # noqa: S105 - no password at all
# A new account's, until it is unlocked for the first time: such a one was nobody's yet (see `identity`).
CREATED_PASSWORD = "!"  # noqa: S105 - no password at all
CLOSED_DAY = 1  # expired since 1970-01-02


class Step(NamedTuple):
    """One step: its name and what it needs, as plain values."""

    name: str
    value: Any = None


class Leaving(NamedTuple):
    """What a `sessions` step goes on with when the processes have ended.

    Attributes:
        park: Jobs that came while they lived are parked too: nothing of the account runs any more.
        lost: Groups whose rights copies of his may still hold.
    """

    park: bool = False
    lost: tuple[str, ...] = ()


class Keys(NamedTuple):
    """What key files are rendered with."""

    ca_keys: Sequence[str]
    expiry_z: bool

    def render(self, grants: Mapping[str, LedgerGrant]) -> str | None:
        """The key file for these grants, None for no file."""
        return render_key_file(grants, self.ca_keys, self.expiry_z) or None


def is_closed(shadow: Shadow | None) -> bool:
    """Whether the account is shut the way we shut it."""
    return shadow is not None and shadow.password == CLOSED_PASSWORD and shadow.expire == CLOSED_DAY


def is_open_until(shadow: Shadow | None, day: int) -> bool:
    """Whether the account is open the way we open it, until the beginning of this day (since 1970)."""
    return shadow is not None and (shadow.password, shadow.expire) == (OPEN_PASSWORD, day)


def closing_steps(
    known: LedgerAccount,
    account: AccountFacts,
    middle: Mapping[str, LedgerGrant],
    sessions: bool,
    keys: Keys,
    may_open: bool = True,
) -> tuple[tuple[Step, ...], AccountFacts]:
    """Take away what `middle` doesn't give.

    Args:
        sessions: End the account's sessions and processes: something that they may hold is gone.
        may_open: False where not even a line that somebody took away may come back.

    Returns:
        The steps, and the facts as they'll be afterwards.
    """
    steps = []
    content = keys.render(middle)
    if not may_open:
        content = only_present(content, account.key_file) or None
    elif known.pending:  # a run that was cut off may have recorded more than it put in place
        content = at_most(content, account.key_file) or None
    if lines_of(account.key_file) - lines_of(content) or (content is None and account.key_file is not None):
        steps.append(Step("key_file", content))
        account = account._replace(key_file=content)
    if not middle and not is_closed(account.shadow):
        steps.append(Step("lock"))
        account = account._replace(shadow=None)
    if not middle and sessions and account.jobs:
        steps.append(Step("park", account.jobs))
        account = account._replace(jobs=())
    lost = set(known.groups) - rights.groups_of(middle)
    groups = sorted(set(account.groups) - lost)
    if groups != list(account.groups):
        steps.append(Step("groups", tuple(groups)))
        account = account._replace(groups=tuple(groups))
    if sessions:
        steps.append(Step("sessions", Leaving(not middle, tuple(sorted(lost)))))
    return tuple(steps), account


def opening_steps(
    want: WantedAccount,
    account: AccountFacts,
    middle: Mapping[str, LedgerGrant],
    end: Mapping[str, LedgerGrant],
    keys: Keys,
    new: bool = False,
) -> tuple[Step, ...]:
    """Give what `end` gives; nothing to do gives no steps."""
    steps = []
    if new:
        if account.private is None:
            steps.append(Step("create_group"))
        steps.append(Step("create_user", account.home_owner is None))
    if not middle:
        steps.append(Step("old_rights"))
    present = {names.GROUP_CREATED} if new else set(account.groups)
    groups = present | rights.groups_of(end) | {names.GROUP_CREATED}
    if groups != present:
        steps.append(Step("groups", tuple(sorted(groups))))
    content = keys.render(end)
    unlock = _unlock(want, account, end, new)
    file = [] if content == account.key_file else [Step("key_file", content)]
    if steps or unlock or file or dict(middle) != dict(end):
        steps.append(Step("sshd", tuple(sorted(groups))))
    if not new and ages(account.shadow):
        steps.append(Step("ageing"))
    return (*steps, *unlock, *file)


def shortening_steps(account: AccountFacts, end: Mapping[str, LedgerGrant]) -> tuple[Step, ...]:
    """Where nothing may open: the account's own end comes nearer, where it is open and ends later."""
    day, shadow = rights.expiry_day(end), account.shadow
    if shadow is None or shadow.password != OPEN_PASSWORD or shadow.expire is None or shadow.expire <= day:
        return ()
    return (Step("unlock", (day, None)),)


def removal_steps(want: WantedAccount) -> tuple[Step, ...]:
    """Remove a closed account."""
    return (
        Step("leftovers"),
        Step("home", want.home_on_removal),
        Step("delete_user"),
        Step("delete_group"),
    )


def _unlock(
    want: WantedAccount, account: AccountFacts, end: Mapping[str, LedgerGrant], new: bool
) -> list[Step]:
    day = rights.expiry_day(end)
    shadow, shell = account.shadow, None
    if not new and account.passwd is not None and account.passwd.shell != want.shell:
        shell = want.shell
    if shell is None and is_open_until(shadow, day):
        return []
    return [Step("unlock", (day, shell))]


def ages(shadow: Shadow | None) -> bool:
    """Whether the password that there isn't could run out: that shuts certificate users out too."""
    if shadow is None:
        return False
    return shadow.most not in (None, -1) or shadow.inactive not in (None, -1) or bool(shadow.least)


def lines_of(text: str | None) -> set[str]:
    """The lines of a key file, none for no file."""
    return set((text or "").splitlines())
