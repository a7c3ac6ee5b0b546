"""Access flows, both generations -> ours; whatever would give more than it gave there is switched off.

Shapes: `AccessFlowV2` and `AccessFlowV1` of `internal/v2/api/openapi.json`;
`docs/resources/access_flow_v2.md`, `docs/resources/access_flow.md` and
`examples/resources/apono_access_flow_v2` of the provider. The parts of a flow stand in modules of their
own.
"""

from __future__ import annotations

from collections.abc import Sequence

from daypass.importing.conditions import Conditions
from daypass.importing.drafts import Draft, NotWritten
from daypass.importing.findings import Kind
from daypass.importing.flow_approvers import FlowApprovers
from daypass.importing.flow_people import FlowPeople
from daypass.importing.flow_settings import settings_of
from daypass.importing.flow_times import length_of, timeframe_of
from daypass.importing.names import Names
from daypass.importing.people import is_plain
from daypass.importing.settings import Entry, Wishes
from daypass.importing.source import Node, Odd
from daypass.importing.targets import Targets

TRIGGERS = {"SELF_SERVE": False, "AUTOMATIC": True, "USER_REQUEST": False}
PEOPLE = frozenset({"HUMAN", "USER"})
FACTS = ("id", "creation_date", "update_date", "created_date", "space_id")


class Flows:
    """Translates access flows."""

    def __init__(self, conditions: Conditions, targets: Targets, names: Names, wishes: Wishes) -> None:
        self._people = FlowPeople(conditions)
        self._approvers = FlowApprovers(conditions, wishes)
        self._targets = targets
        self._names = names
        self._wishes = wishes

    def read(self, node: Node) -> list[Entry]:
        """Our flows for one of theirs: one, or several where people ask for themselves and for others.

        Raises:
            NotWritten: It can't be said here.
            Odd: It isn't what the product's documentation says.
        """
        draft = Draft(node)
        for key in FACTS:
            if node.get(key) is not None:
                node.child(key).set_aside(Kind.FACT)
        draft.automatic = self._trigger(node)
        people = list(self._people.read(draft))
        targets = self._targets_of(draft)
        times = (length_of(draft, self._wishes), timeframe_of(draft))
        rest = [*times, self._approvers.read(draft), settings_of(draft)]
        self._others(draft)
        return [self._composed(draft, who, suffix, targets, rest) for suffix, who in people]

    def _composed(
        self, draft: Draft, who: Entry, suffix: str, targets: Entry, rest: Sequence[Entry]
    ) -> Entry:
        entry = Entry()
        self._name(draft.node, entry, suffix)
        self._active(draft, entry)
        if draft.automatic:
            entry.put("trigger", "automatic")
        for part in (who, targets, *rest):
            entry.settings.extend(part.settings)
        return entry

    def _name(self, node: Node, entry: Entry, suffix: str) -> None:
        theirs = node.need("name").text()
        ours = self._names.give(theirs + suffix)
        comment = ""
        if ours != theirs:
            do = "the name becomes part of certificates; change it if you like"
            comment = node.find(Kind.CHANGED, key="name", found=f"the name {theirs!r:.80}", wrote=ours, do=do)
        entry.put("name", ours, comment)
        described = node.get("description")
        if described is not None and is_plain(described.value):
            entry.put("description", described.text())
        elif described is not None:
            described.set_aside(Kind.NO_EQUAL, "256 printable characters at most")

    def _active(self, draft: Draft, entry: Entry) -> None:
        there = draft.node.get("active")
        active = there.flag() if there is not None else True
        if not active or draft.doubts:
            entry.put("active", False, *([] if active else ["Switched off there, too."]), *draft.doubts)

    def _trigger(self, node: Node) -> bool:
        trigger = node.need("trigger")
        word = trigger.need("type") if isinstance(trigger.value, dict) else trigger
        automatic = TRIGGERS.get(word.text().upper())
        if automatic is None:
            raise Odd(word, "SELF_SERVE or AUTOMATIC")
        return automatic

    def _targets_of(self, draft: Draft) -> Entry:
        found = self._targets.read(draft.node)
        if not found.targets:
            raise NotWritten("nothing that it gives access to came over")
        draft.doubts.extend(found.doubts)
        entry = Entry()
        entry.put("targets", found.targets)
        return entry

    def _others(self, draft: Draft) -> None:
        """Limits of newer versions that have no equal."""
        node = draft.node
        if (kind := node.get("requestor_identity_type")) is not None and kind.text().upper() not in PEOPLE:
            do = "Daypass gives access to people; see who is meant, then switch it on"
            draft.doubt(node, "requestor_identity_type", f"a flow for {kind.text()!r:.40}", do)
        if (space := node.get("space")) is not None:
            space.set_aside(
                Kind.NO_EQUAL, "keep flows that others look after in a configuration of their own"
            )
        if (others := node.get("request_for_others")) is not None:
            others.set_aside(Kind.NO_EQUAL, "`request_for` says it")
