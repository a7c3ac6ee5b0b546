# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Constraints don't mix: grants that an account has at the same time are bound alike. Pure.

Whoever gives access sees to it; this is the host's own assertion. One certificate is bound to a command or to
addresses, the account isn't: what is done through a certificate without bounds would undo those of the other.
"""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING
from .ledger import LedgerGrant

if TYPE_CHECKING:
    from typing import Mapping


def unmixed(
    grants: Mapping[str, LedgerGrant], before: Mapping[str, LedgerGrant]
) -> tuple[dict[str, LedgerGrant], tuple[str, ...]]:
    """The grants that go together, and the ids of those that don't with them.

    What is in effect stays; where nothing is, the first grant says how all are bound. Of a grant that
    changed, what was in effect stays where that goes together with the others.

    Args:
        before: What was in effect before.
    """
    if len({grant.constraints.bounds for grant in grants.values()}) < 2:
        return dict(grants), ()
    bounds = next(iter(_settled(grants, before) or grants.values())).constraints.bounds
    together = {key: grant for key, grant in grants.items() if grant.constraints.bounds == bounds}
    refused = tuple(key for key in grants if key not in together)
    for key in refused:
        if key in before and before[key].constraints.bounds == bounds:
            together[key] = before[key]
    return together, refused


def _settled(grants: Mapping[str, LedgerGrant], before: Mapping[str, LedgerGrant]) -> list[LedgerGrant]:
    """Grants in effect that stay bound as they are."""
    return [
        grant
        for key, grant in grants.items()
        if key in before and before[key].constraints.bounds == grant.constraints.bounds
    ]
