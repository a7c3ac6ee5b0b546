"""Who has to say yes -> our `approvers`; never fewer people than there, never anybody else.

Shapes: `ApproverPolicyV2`, `ApproverGroupV2`, `EscalationPolicyV2` of `internal/v2/api/openapi.json`;
`approver_policy` of `docs/resources/access_flow_v2.md`; v1's `approver_policy` with
`approver_groups_relationship` as `docs/guides/migrating_access_flow_v2.md` describes it, and its list
`approvers` with `settings.require_all_approvers` (`docs/resources/access_flow.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daypass.config.approvers import ESCALATION_INTERVAL, MOST_TIERS
from daypass.importing.conditions import Conditions, as_any, operator_of
from daypass.importing.findings import Kind
from daypass.importing.source import Node, Odd

NONE = "none"
BY_HAND = "say by hand who approves, and add the flow"


class NoApprovers(Exception):
    """What was asked for there can't be asked for here; the flow isn't written."""

    def __init__(self, node: Node, found: str) -> None:
        super().__init__(found)
        self.node = node
        self.found = found


@dataclass(frozen=True)
class Said:
    """Our `approvers`, and comments beside it."""

    value: Any
    comments: tuple[str, ...] = ()


def by_policy(node: Node, conditions: Conditions) -> Said:
    """The approvers of a policy of groups.

    Raises:
        NoApprovers: None of it can be said here, or not all that is needed.
    """
    mode = node.need("approval_mode", "approver_groups_relationship")
    if mode.text() not in ("ANY_OF", "ALL_OF"):
        raise Odd(mode, "ANY_OF or ALL_OF")
    listed = node.need("approver_groups")
    groups = listed.items()
    if not groups:
        raise NoApprovers(node, "a policy without approvers")
    if mode.text() == "ALL_OF" or len(groups) == 1:
        return _all_of(node, groups, conditions)
    if any(_needs_all(group) for group in groups):
        return _stricter(node, groups, conditions)
    said = [entry for group in groups for entry in _or_group(group, conditions)]
    if not said:
        raise NoApprovers(node, "approvers that have no equal here")
    return Said({"any_of": said})


def _all_of(node: Node, groups: list[Node], conditions: Conditions) -> Said:
    """Each group must be satisfied: an entry for each OR group, one for each approver of an AND group."""
    entries: list[Any] = []
    for group in groups:
        if _needs_all(group):
            each = conditions.each(_approvers_of(group))
            if each is None:
                raise NoApprovers(node, "an approval that has no equal here")
            entries.extend(each)
        elif found := _or_group(group, conditions):
            if len(groups) == 1:
                return Said({"any_of": found})
            entries.append(as_any(found))
        else:
            raise NoApprovers(node, "an approval that has no equal here")
    return Said({"all_of": entries})


def _stricter(node: Node, groups: list[Node], conditions: Conditions) -> Said:
    """Any of several groups, of which one needs several people: can't be said here, so all of them."""
    said = _all_of(node, groups, conditions)
    comment = node.find(
        Kind.SAFER,
        found="one group of approvers out of several, with one that needs everybody in it",
        wrote="a yes for every group",
        do="leave out what isn't needed; `steps` and `at_least` may say it",
    )
    return Said(said.value, (comment,))


def _needs_all(group: Node) -> bool:
    default = "OR"
    operator = operator_of(group, "logical_operator", "conditions_logical_operator", default=default)
    return operator == "AND" and len(_approvers_of(group).items()) > 1


def _approvers_of(group: Node) -> Node:
    return group.need("approvers", "attribute_conditions")


def _or_group(group: Node, conditions: Conditions) -> list[Any]:
    return conditions.joined(_approvers_of(group), "OR", approver=True) or []


def by_list(node: Node, conditions: Conditions, *, everybody: bool) -> Said:
    """The approvers of v1's plain list.

    Raises:
        NoApprovers: None of it can be said here, or not all that is needed.
    """
    said = conditions.each(node) if everybody else conditions.joined(node, "OR", approver=True)
    if said is None:
        raise NoApprovers(node, "an approval that has no equal here")
    return Said({"all_of" if everybody else "any_of": said})


def escalation(node: Node, conditions: Conditions) -> tuple[dict[str, Any] | None, str]:
    """Our `escalation`, and a comment; None, with fewer who say yes, where a tier can't be said here."""
    interval = node.get("interval_in_min")
    minutes = (
        interval.whole_number() if interval is not None else int(ESCALATION_INTERVAL.total_seconds()) // 60
    )
    tiers = [_tier(group, conditions) for group in node.need("approver_groups").items()]
    if not tiers or None in tiers or len(tiers) > MOST_TIERS:
        comment = node.find(
            Kind.SAFER,
            found="an escalation that can't be said here",
            wrote="none: nobody else may say yes",
            do="add `escalation` by hand",
            whole=True,
        )
        return None, comment
    return {"interval": f"{minutes}m", "tiers": tiers}, ""


def _tier(group: Node, conditions: Conditions) -> dict[str, Any] | None:
    if _needs_all(group):
        each = conditions.each(_approvers_of(group))
        return None if each is None else {"all_of": each}
    found = _or_group(group, conditions)
    return {"any_of": found} if found else None
