# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that a plan is made of. Pure."""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.host import AccountFacts, Facts
from ..record import rights
from ..record.ledger import Joined, Ledger, LedgerAccount, LedgerGrant, Retired, Tombstone
from ..record.merge import RefusedGrant
from .made_groups import GroupsPlan
from .steps import Keys, Step

if TYPE_CHECKING:
    from typing import Mapping


class JoinedPlan(NamedTuple):
    """What the steps of a joined account need beyond those of ours.

    Attributes:
        gid: Its primary group, which reads the key file.
        kept: What the ledger keeps of the joining so far.
        lost_gids: Groups that we gave and take back: no process keeps one, whoever began it.
    """

    gid: int
    kept: Joined
    lost_gids: frozenset[int]
    home: str


class AccountPlan(NamedTuple):
    """The way of one account.

    Attributes:
        close, open, remove: Steps in their order.
        middle, end: Grants in effect after the closings, and after all of it.
        intent: Ledger entry while the run is under way, None where the ledger has none.
        done: Ledger entry when all went well, None where the account is gone.
        undone: Ledger entry when its opening failed and was taken back.
        retired: What the ledger keeps of an account that is gone.
        state_before, state: `absent`, `active`, `closed`, `removed`.
        stones: Grants that end for a reason other than the document.
        root_equivalent: What of the rights at the end is as good as root, a sentence each.
        joined: Of an account that was there before; None for ours.
    """

    login: str
    uid: int
    close: tuple[Step, ...] = ()
    open: tuple[Step, ...] = ()
    remove: tuple[Step, ...] = ()
    middle: Mapping[str, LedgerGrant] = {}
    end: Mapping[str, LedgerGrant] = {}
    intent: LedgerAccount | None = None
    done: LedgerAccount | None = None
    undone: LedgerAccount | None = None
    retired: Retired | None = None
    state_before: str = "absent"
    state: str = "absent"
    refused: tuple[RefusedGrant, ...] = ()
    warnings: tuple[str, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()
    stones: Mapping[str, Tombstone] = {}
    root_equivalent: tuple[str, ...] = ()
    joined: JoinedPlan | None = None

    @property
    def gid(self) -> int:
        """Who reads the key file: the private group of ours, the primary one of an account from before."""
        return self.uid if self.joined is None else self.joined.gid


class Plan(NamedTuple):
    """All accounts of one run.

    Attributes:
        emergency: There is no ledger to go by: sudo rules are dropped line by line.
        may_open: False where nothing may be given, not even what somebody took away.
        groups: The way of the groups that are made for grants.
    """

    accounts: Mapping[str, AccountPlan]
    keys: Keys
    emergency: bool = False
    may_open: bool = True
    groups: GroupsPlan = GroupsPlan()


class Context(NamedTuple):
    """What is the same for all accounts of a run."""

    ledger: Ledger
    facts: Facts
    now: int
    may_open: bool
    keys: Keys


def for_joined(
    before: LedgerAccount, account: AccountFacts, middle: Mapping[str, LedgerGrant], context: Context
) -> JoinedPlan | None:
    """What the steps of a joined account need; None for an account of ours."""
    if before.joined is None:
        return None
    groups = context.facts.groups
    lost = [groups[name].gid for name in before.groups if name in groups]
    kept = {groups[name].gid for name in rights.groups_of(middle) if name in groups}
    gid = before.uid if account.passwd is None else account.passwd.gid
    return JoinedPlan(gid, before.joined, frozenset(lost) - kept, account.home)
