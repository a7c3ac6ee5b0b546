# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which grants are as good as root: their holder can change all that we leave on the host. Pure.

Only what can be told from outside: a command that opens a shell (an editor, a pager) isn't known here.
"""

from __future__ import annotations

from ..contract import sudo_rules
from ..contract.typed import TYPE_CHECKING
from ..record import rights

if TYPE_CHECKING:
    from typing import Mapping

    from ..facts.host import Facts
    from ..record.ledger import LedgerGrant

AS_ROOT = ("root", sudo_rules.ALL)


def reasons(grants: Mapping[str, LedgerGrant], facts: Facts) -> tuple[str, ...]:
    """A sentence for each right among these that is as good as root; none for none."""
    found = [f"the group {name} is root-equivalent" for name in sorted(_groups(grants, facts))]
    rules = [rule for rule, _end in rights.sudo_of(grants)]
    if any(rule.run_as in AS_ROOT and rule.commands == sudo_rules.ALL for rule in rules):
        found.append("sudo with ALL commands as root is root-equivalent")
    return tuple(found)


def _groups(grants: Mapping[str, LedgerGrant], facts: Facts) -> set[str]:
    known = facts.root_groups
    return {
        name
        for name in rights.groups_of(grants)
        if name in known or (name in facts.groups and f"#{facts.groups[name].gid}" in known)
    }
