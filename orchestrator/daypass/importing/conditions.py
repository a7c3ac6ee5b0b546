"""Conditions on people -> ours: requestors, grantees and approvers of flows, both generations.

Shapes: `ConditionV2` and `RequestorsV2` of `internal/v2/api/openapi.json`; `requestors`, `approver_policy`
of `docs/resources/access_flow_v2.md`; the older words (`attribute_type`, `attribute_names`, `operator`) as
`docs/guides/migrating_access_flow_v2.md` lists them; lists of `type` with `name` or `id` as
`docs/resources/access_flow.md` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daypass.importing.findings import Kind
from daypass.importing.people import People
from daypass.importing.source import Node, Odd

OPERATORS = ("is", "is_not", "contains", "does_not_contain", "starts_with")
# Types that its documents use for shifts of on-call products (docs/resources/integration.md, examples/).
SHIFTS = frozenset({"shift", "pagerduty_shift", "opsgenie_schedule"})
SOURCES = (
    "source_integration_name",
    "source_integration_id",
    "source_integration_reference",
    "integration_id",
    "attribute_integration_id",
)
ADD = "write such people into a group of the directory, and add it by hand"


class NoEqual(Exception):
    """A condition that can't be said here."""


class Conditions:
    """Translates conditions; groups may be named by their ids."""

    def __init__(self, people: People) -> None:
        self._people = people

    def joined(self, node: Node, operator: str, *, approver: bool = False) -> list[Any] | None:
        """Conditions that stand together, by AND or OR, as a list of which one must hold; None = none can.

        With OR, one that has no equal is left out: fewer people are meant. With AND that would mean more, so
        nothing comes of it.
        """
        every = [(item, self._try(item, approver)) for item in node.items()]
        good = [ours for _, ours in every if ours is not None]
        if operator == "OR":
            return good or None
        if len(good) < len(every):
            return None
        return good if len(good) == 1 else [{"all": good}]

    def each(self, node: Node) -> list[Any] | None:
        """Approvers of whom each must say yes; None where one of them has no equal."""
        every = [self._try(item, approver=True) for item in node.items()]
        return None if not every or None in every else every

    def _try(self, node: Node, approver: bool) -> Any:
        try:
            return self.one(node, approver=approver)
        except NoEqual as error:
            node.set_aside(Kind.LEFT_OUT, ADD, found=str(error))
            return None

    def one(self, node: Node, *, approver: bool) -> Any:
        """One condition.

        Raises:
            NoEqual: It can't be said here.
        """
        kind = node.need("type", "attribute_type").text()
        operator = (node.get("match_operator", "operator") or _Is()).text()
        values = node.get("values", "attribute_names", "name", "id")
        named = [value for value in values.texts() if value] if values is not None else []
        self._set_sources_aside(node)
        if operator not in OPERATORS:
            raise NoEqual(f"the operator {operator!r:.40}")
        return self._said(kind, operator, named, approver)

    def _said(self, kind: str, operator: str, named: list[str], approver: bool) -> Any:
        word = kind.lower()
        if (
            word == "context_attribute"
        ):  # of v1: the name of a shift, or of the attribute that says the manager
            word = "manager" if named and named[0].lower() == "manager" else "shift"
            named = [] if word == "manager" else named
        if word in ("owner", "manager") and not named and (approver or word == "owner"):
            return word
        field = "shift" if word in SHIFTS else word
        if field not in ("user", "group", "shift", "manager") or not named:
            raise NoEqual(f"the type {kind!r:.60}" if named else f"the type {kind!r:.60} without values")
        if field == "manager" and approver:
            raise NoEqual("approvers by who their own manager is")
        return {field: self._match(field, operator, named)}

    def _match(self, field: str, operator: str, named: list[str]) -> Any:
        names = [self._people.group_name(value) if field == "group" else value for value in named]
        value: Any = names[0] if len(names) == 1 else names
        return value if operator == "is" else {operator: value}

    def _set_sources_aside(self, node: Node) -> None:
        for key in SOURCES:
            if node.get(key) is not None:
                do = "see that the name means the same people in the directory here"
                node.child(key).set_aside(Kind.NO_EQUAL, do)


class _Is:
    """The operator where none is given (docs/resources/access_flow_v2.md)."""

    def text(self) -> str:
        return "is"


def operator_of(node: Node, *names: str, default: str) -> str:
    """AND or OR.

    Raises:
        Odd: Something else.
    """
    found = node.get(*names)
    if found is None:
        return default
    if found.text() not in ("AND", "OR"):
        raise Odd(found, "AND or OR")
    return found.text()


def plain(conditions: Sequence[Any]) -> Any:
    """A list of conditions as people write it: one by itself."""
    return conditions[0] if len(conditions) == 1 else list(conditions)


def as_any(conditions: Sequence[Any]) -> Mapping[str, Any] | Any:
    """A list of conditions as one."""
    return conditions[0] if len(conditions) == 1 else {"any": list(conditions)}
