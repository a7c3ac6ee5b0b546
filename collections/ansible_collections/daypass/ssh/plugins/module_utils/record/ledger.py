# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the record, on the host, of what Daypass created and changed there. Pure.

It is made by onboarding alone. How it is kept is in `ledger_file`.
"""

from __future__ import annotations

from ..contract import names
from ..contract.constraints import Constraints
from ..contract.document import SudoRule
from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable

CAUSE_ENDED = "ended"
CAUSE_MEMBERSHIP = "membership_lost"  # such a grant never opens again, whatever the sequence


class LedgerGrant(NamedTuple):
    """A grant as it was wanted last; `live` once its key lines are in place."""

    principals: tuple[str, ...]
    groups: tuple[str, ...]
    sudo: tuple[SudoRule, ...]
    warn_before: int
    not_after: int
    live: bool
    constraints: Constraints = Constraints()


class Joined(NamedTuple):
    """What is kept of an account from before that was joined.

    Attributes:
        boot: Boot id of the host when its present access began, "" while it has none.
        since: Whole seconds of that boot when it began: a session from before is its owner's.
        keys: Digest of the owner's own authorized_keys then (`own_keys.digest`).
        without_log: `refuse` or `end_all`, see `document`.
    """

    boot: str
    since: int
    keys: str
    without_log: str


class LedgerAccount(NamedTuple):
    """An account that we created, or are about to; or one from before that was joined.

    Attributes:
        groups: Supplementary groups that we gave, or may have given when a run was cut off; of a joined
            account only those that it hadn't before.
        closed_at: When its last grant ended, None while one is wanted.
    """

    uid: int
    comment: str
    shell: str
    home: str
    home_on_removal: str
    user_cleanup_days: int | None
    pending: str
    grants: dict[str, LedgerGrant]
    groups: tuple[str, ...]
    closed_at: int | None
    joined: Joined | None = None


class Tombstone(NamedTuple):
    """A grant that ended: it can't come back before `until`, its original end."""

    until: int
    cause: str


class Retired(NamedTuple):
    """An account that is gone. Its uid is never somebody else's; `home` is the path that was left, or ""."""

    uid: int
    login: str
    comment: str
    at: int
    home: str


class Ledger(NamedTuple):
    """The whole record.

    Attributes:
        machine_id: /etc/machine-id at onboarding, None where there was none.
        sequence: Of the last full document; 0 = none came yet.
        last_seen: Latest time that a run saw; time never goes back behind it.
        sshd_version: (major, minor) of the sshd, (0, 0) where it didn't say.
        connector: The login that Ansible comes in with; never managed.
        rebuilt: Why this one was rebuilt (see `rebuilding`), "" once an answer has told it.
        found: Folders and groups that were there before onboarding (see `onboarding.footprint`).
        made_groups: Groups that we made for grants, or are about to: name -> gid. Only one with this gid is
            ours.
        retired_gids: Of such groups that are gone; never given again.
    """

    host_id: str | None
    machine_id: str | None
    orchestrator_id: str | None
    sequence: int
    digest: str | None
    last_seen: int
    sshd_version: tuple[int, int]
    connector: str
    ca_keys: tuple[str, ...]
    accounts: dict[str, LedgerAccount]
    tombstones: dict[str, Tombstone]
    retired: tuple[Retired, ...]
    rebuilt: str = ""
    found: tuple[str, ...] = names.SHARED_FOLDERS  # where nobody knows: leave what may be another's
    made_groups: dict[str, int] = {}  # noqa: RUF012 - never changed, always replaced
    retired_gids: tuple[int, ...] = ()


def new_ledger(
    host_id: str | None,
    machine_id: str | None,
    orchestrator_id: str | None,
    sshd_version: tuple[int, int],
    connector: str,
) -> Ledger:
    """The empty ledger of a host that is being onboarded."""
    return Ledger(
        host_id, machine_id, orchestrator_id, 0, None, 0, tuple(sshd_version), connector, (), {}, {}, ()
    )


def with_retired(retired: tuple[Retired, ...], entry: Retired) -> tuple[Retired, ...]:
    """The retired accounts and one more: one entry a person and uid, the newest (canaries come and go)."""
    identity = (entry.uid, entry.login, entry.comment)
    return (*(one for one in retired if (one.uid, one.login, one.comment) != identity), entry)


def given_numbers(ledger: Ledger) -> frozenset[int]:
    """Uids and gids that were given once: nobody else gets them."""
    return frozenset(
        [*(one.uid for one in ledger.retired), *ledger.made_groups.values(), *ledger.retired_gids]
    )


def tombstones_at(ledger: Ledger, now: int) -> dict[str, Tombstone]:
    """The tombstones that still count."""
    return {key: stone for key, stone in ledger.tombstones.items() if stone.until > now}


def changed_accounts(ledger: Ledger, change: Callable[[str, LedgerAccount], LedgerAccount]) -> Ledger:
    """The ledger with each account replaced by what `change` makes of it."""
    accounts = {login: change(login, account) for login, account in ledger.accounts.items()}
    return ledger._replace(accounts=accounts)
