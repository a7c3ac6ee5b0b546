# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a set of grants gives, and what two sets have in common. Pure."""

from __future__ import annotations

from ..contract import sudo_rules
from ..contract.document import SudoRule
from ..contract.typed import TYPE_CHECKING
from .ledger import LedgerGrant

if TYPE_CHECKING:
    from typing import Mapping

DAY_SECONDS = 86400


def groups_of(grants: Mapping[str, LedgerGrant]) -> frozenset[str]:
    """All groups that the grants give together."""
    return frozenset(group for grant in grants.values() for group in grant.groups)


def sudo_of(grants: Mapping[str, LedgerGrant]) -> list[tuple[SudoRule, int]]:
    """All sudo rules that the grants give together, each with its end."""
    return [(rule, grants[key].not_after) for key in sorted(grants) for rule in grants[key].sudo]


def expiry_day(grants: Mapping[str, LedgerGrant]) -> int:
    """The UTC day after the last end, in days since 1970: where all else is dead the host shuts it then."""
    return max(grant.not_after for grant in grants.values()) // DAY_SECONDS + 1


def common(old: Mapping[str, LedgerGrant], new: Mapping[str, LedgerGrant]) -> dict[str, LedgerGrant]:
    """What both sets give: the grants of both, each with the smaller content."""
    return {key: narrowed(old[key], new[key]) for key in old if key in new}


def narrowed(old: LedgerGrant, new: LedgerGrant) -> LedgerGrant:
    """One grant with what its two versions have in common; `live` as in the old one.

    Lines that are bound otherwise have nothing in common: the old ones go before the new ones come.
    """
    if old == new:  # as with most grants in most runs
        return old
    alike = old.constraints.bounds == new.constraints.bounds
    extensions = tuple(one for one in old.constraints.extensions if one in new.constraints.extensions)
    return LedgerGrant(
        principals=tuple(one for one in old.principals if alike and one in new.principals),
        groups=tuple(one for one in old.groups if one in new.groups),
        sudo=_common_rules(old.sudo, new.sudo),
        warn_before=new.warn_before,
        not_after=min(old.not_after, new.not_after),
        live=old.live,
        constraints=new.constraints._replace(extensions=extensions),
    )


def _common_rules(old: tuple[SudoRule, ...], new: tuple[SudoRule, ...]) -> tuple[SudoRule, ...]:
    kept = {(rule.run_as, command) for rule in new for command in _commands(rule)}
    rules = []
    for rule in old:
        if (rule.run_as, sudo_rules.ALL) in kept:
            rules.append(rule)
            continue
        commands = tuple(command for command in _commands(rule) if (rule.run_as, command) in kept)
        if commands:
            rules.append(SudoRule(rule.run_as, commands))
    return tuple(rules)


def _commands(rule: SudoRule) -> tuple[str, ...]:
    return (sudo_rules.ALL,) if isinstance(rule.commands, str) else rule.commands


def less_than(new: Mapping[str, LedgerGrant], old: Mapping[str, LedgerGrant]) -> bool:
    """Whether something that the old set gave is gone; an end that moved in the future is none."""
    if new == old:
        return False

    def content(grants: Mapping[str, LedgerGrant]) -> set[tuple[object, ...]]:
        found: set[tuple[object, ...]] = {("grant", key) for key in grants}
        found |= {("principal", one) for grant in grants.values() for one in grant.principals}
        found |= {("group", one) for one in groups_of(grants)}
        found |= {("bounds", key, *grant.constraints.bounds) for key, grant in grants.items()}
        found |= {("may", key, one) for key, grant in grants.items() for one in grant.constraints.extensions}
        rules = [rule for rule, _end in sudo_of(grants)]
        return found | {("sudo", rule.run_as, command) for rule in rules for command in _commands(rule)}

    return bool(content(old) - content(new))
