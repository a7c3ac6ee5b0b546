"""Who may ask for access, and for whom -> requesters and grantees.

Shapes: `RequestorsV2` and `RequestForV2` of `internal/v2/api/openapi.json`, `requestors` of
`docs/resources/access_flow_v2.md`, `request_for` of `examples/resources/apono_access_flow_v2`; v1's list
`grantees` of `docs/resources/access_flow.md`, its `grantees_conditions_group` of
`internal/provider/resource_access_flow_test.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from daypass.importing.conditions import Conditions, as_any, operator_of, plain
from daypass.importing.drafts import Draft, NotWritten
from daypass.importing.findings import Kind
from daypass.importing.settings import Entry
from daypass.importing.source import Node, Odd

GROUPS = ("requestors", "grantees_conditions_group", "grantees_filter_group", "grantee_filter_group")


class FlowPeople:
    """Translates who may ask."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def read(self, draft: Draft) -> Iterator[tuple[str, Entry]]:
        """Suffix of the name, requesters and grantees: one for each way in which people may ask."""
        asking = self._asking(draft.node)
        request_for = draft.node.get("request_for")
        if request_for is None or draft.automatic:
            if request_for is not None:
                request_for.set_aside(Kind.NO_EQUAL, found="who is asked for, of access that nobody asks for")
            yield "", _who(grantees=asking) if draft.automatic else _who(requesters=asking)
            return
        scopes = [scope.text() for scope in request_for.need("request_scopes").items()]
        for scope in scopes:
            yield (
                f"-{scope}" if len(scopes) > 1 and scope != "self" else "",
                self._scope(request_for, scope, asking),
            )
        if not scopes:
            raise NotWritten("a flow with which nobody can ask for anybody")

    def _scope(self, node: Node, scope: str, asking: list[Any]) -> Entry:
        if scope == "self":
            return _who(requesters=asking)
        if scope == "direct_reports":
            manager = [{"all": [as_any(asking), "manager"]}]
            return _who(requesters=manager, grantees=["everyone"], request_for="others")
        if scope != "others":
            raise Odd(node, "self, others or direct_reports")
        grantees = node.need("grantees")
        found = self._group(grantees)
        if found is None:
            raise NotWritten("people to ask for who can't be named here")
        return _who(requesters=asking, grantees=found, request_for="others")

    def _asking(self, node: Node) -> list[Any]:
        """The conditions on those who ask, or who have it by themselves."""
        group, listed = node.get(*GROUPS), node.get("grantees")
        if group is not None:
            found = self._group(group)
        elif listed is not None:
            found = self._conditions.joined(listed, "OR")
        else:
            raise Odd(node, "a flow with requestors or grantees")
        if group is not None and listed is not None and listed.value != []:
            raise Odd(listed, "conditions or a list of grantees, not both")
        if found is None:
            raise NotWritten("people who can't be named here")
        return found

    def _group(self, node: Node) -> list[Any] | None:
        operator = operator_of(node, "logical_operator", "conditions_logical_operator", default="OR")
        listed = node.need("conditions", "attribute_conditions", "attribute_filters")
        return self._conditions.joined(listed, operator)


def _who(
    *, requesters: list[Any] | None = None, grantees: list[Any] | None = None, request_for: str = ""
) -> Entry:
    entry = Entry()
    if requesters is not None:
        entry.put("requesters", plain(requesters))
    if grantees is not None:
        entry.put("grantees", plain(grantees))
    if request_for:
        entry.put("request_for", request_for)
    return entry
