# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account's plan changes, as (what, old, new) for answer and diff. Pure."""

from __future__ import annotations

from ..contract.constraints import Constraints, bounds_text, permissions
from ..contract.typed import TYPE_CHECKING
from ..facts.host import AccountFacts
from ..record import rights
from ..record.ledger import LedgerGrant
from .values import AccountPlan

if TYPE_CHECKING:
    from typing import Mapping

USUAL = Constraints()
LONGEST_TEXT = 200  # characters of one value: answers of a host have a limit


def with_changes(
    account: AccountPlan, live: Mapping[str, LedgerGrant] | None = None, facts: AccountFacts | None = None
) -> AccountPlan:
    """The plan with its changes as (what, old, new), taken from the same values that the steps come from."""
    before = live or {}
    forgotten = account.joined is not None and account.state == "removed"
    pairs = [
        ("account", account.state_before, "forgotten" if forgotten else account.state),
    ]
    if before != account.end:
        pairs += _of_grants(before, account.end)
    changes = [(what, old, new) for what, old, new in pairs if old != new]
    steps = (*account.close, *account.open)
    if not changes and steps:
        changes.append(("repaired", "", " ".join(step.name for step in steps)))
    return account._replace(changes=(*account.changes, *changes))


def _of_grants(
    before: Mapping[str, LedgerGrant], end: Mapping[str, LedgerGrant]
) -> list[tuple[str, str, str]]:
    return [
        ("grants", " ".join(sorted(before)), " ".join(sorted(end))),
        ("groups", _words(rights.groups_of(before)), _words(rights.groups_of(end))),
        ("sudo", _rules(before), _rules(end)),
        ("constraints", _constraints(before), _constraints(end)),
        ("until", _until(before), _until(end)),
    ]


def _words(found: frozenset[str]) -> str:
    return " ".join(sorted(found))


def _rules(grants: Mapping[str, LedgerGrant]) -> str:
    rules = sorted(
        f"({rule.run_as}) {rule.commands if isinstance(rule.commands, str) else ', '.join(rule.commands)}"
        for rule, _end in rights.sudo_of(grants)
    )
    return _cut("; ".join(rules))


def _constraints(grants: Mapping[str, LedgerGrant]) -> str:
    """What differs from a terminal that is bound to nothing, as the key line says it."""
    found = ((key, grants[key].constraints) for key in sorted(grants))
    return _cut(
        "; ".join(f"{key}: restrict{permissions(c)}{bounds_text(c)}" for key, c in found if c != USUAL)
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def _until(grants: Mapping[str, LedgerGrant]) -> str:
    return str(max((grant.not_after for grant in grants.values()), default=""))
