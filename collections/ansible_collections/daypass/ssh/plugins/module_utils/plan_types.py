# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that a plan is made of. Pure."""

from __future__ import annotations

from typing import Mapping, NamedTuple

from .facts import Facts
from .ledger import Ledger, LedgerAccount, LedgerGrant, Retired, Tombstone
from .merge import RefusedGrant
from .steps import Keys, Step


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


class Plan(NamedTuple):
    """All accounts of one run.

    Attributes:
        emergency: There is no ledger to go by: sudo rules are dropped line by line.
        may_open: False where nothing may be given, not even what somebody took away.
    """

    accounts: Mapping[str, AccountPlan]
    keys: Keys
    emergency: bool = False
    may_open: bool = True


class Context(NamedTuple):
    """What is the same for all accounts of a run."""

    ledger: Ledger
    facts: Facts
    now: int
    may_open: bool
    keys: Keys
