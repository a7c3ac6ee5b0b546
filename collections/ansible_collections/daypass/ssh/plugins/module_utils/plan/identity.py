# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose account has a login that the ledger names. Pure."""

from __future__ import annotations

from ..facts.host import AccountFacts
from ..record.ledger import LedgerAccount
from .steps import CREATED_PASSWORD

# What the host says about a login that the ledger names.
ABSENT = "absent"  # nobody has the name
OURS = "ours"
PARTIAL = "partial"  # a creation was cut off before the account was ours
FOREIGN = "foreign"  # somebody else's account has the name


def identity(known: LedgerAccount, account: AccountFacts) -> str:
    """Whose account has the name: the uid proves an established one, an intent needs the comment too.

    The comment alone proves nothing against us: its owner may change it (chfn), and must not escape closing
    so.
    """
    entry = account.passwd
    if known.pending == "create" and not _established(known, account):
        if entry is None:
            traces = account.private is not None or account.shadow is not None or account.groups
            return PARTIAL if traces else ABSENT
        return PARTIAL if (entry.uid, entry.comment) == (known.uid, known.comment) else FOREIGN
    if entry is None:
        return ABSENT
    return OURS if entry.uid == known.uid else FOREIGN


def _established(known: LedgerAccount, account: AccountFacts) -> bool:
    """A creation that was cut off after the account had passed its checks: they come before the unlocking.

    One that was unlocked and shut again counts too: somebody may have worked in its home by then.
    """
    unlocked = account.shadow is not None and account.shadow.password != CREATED_PASSWORD
    same = account.passwd is not None and (account.passwd.uid, account.passwd.comment) == (
        known.uid,
        known.comment,
    )
    return same and (unlocked or account.key_file is not None)
