"""How long a flow gives access, and when -> `max_duration`, `timeframe`.

Shapes: `grant_duration_in_min` of `AccessFlowV2` in `internal/v2/api/openapi.json` and of
`docs/resources/access_flow_v2.md`, where leaving it out means for ever; `revoke_after_in_sec` of
`docs/resources/access_flow.md`, where -1 does.
"""

from __future__ import annotations

from datetime import timedelta

from daypass.config.part import LONGEST, SHORTEST
from daypass.importing.drafts import Draft, NotWritten
from daypass.importing.findings import Kind
from daypass.importing.hours import hours
from daypass.importing.settings import Entry, Wishes, length
from daypass.importing.source import Node


def length_of(draft: Draft, wishes: Wishes) -> Entry:
    """The longest time of a grant; never more than there."""
    entry = Entry()
    key, there = _there(draft.node)
    if there is not None and SHORTEST <= there <= LONGEST:
        entry.put("max_duration", length(there))
        return entry
    if there is not None and timedelta() <= there < SHORTEST:
        raise NotWritten(f"access for {length(there)}; {length(SHORTEST)} is the shortest here")
    endless = there is None or there < timedelta()
    comment = draft.node.find(
        Kind.SAFER,
        key=key,
        found="access without an end" if there is None or endless else f"access for {length(there)}",
        wrote=f"max_duration: {length(wishes.max_duration)}",
        do="say how long it may last; --max-duration says it for all of them",
    )
    entry.put("max_duration", length(wishes.max_duration), comment)
    return entry


def _there(node: Node) -> tuple[str, timedelta | None]:
    """The field that says it, and what it says; less than nothing, or nothing at all, is for ever."""
    if (seconds := node.get("revoke_after_in_sec")) is not None:
        return "revoke_after_in_sec", timedelta(seconds=seconds.whole_number())
    minutes = node.get("grant_duration_in_min")
    found = None if minutes is None else timedelta(minutes=minutes.whole_number())
    return "grant_duration_in_min", found


def timeframe_of(draft: Draft) -> Entry:
    """The hours; automatic access has none here."""
    entry = Entry()
    node = draft.node.get("timeframe")
    trigger = draft.node.get("trigger")
    if node is None and trigger is not None and isinstance(trigger.value, dict):
        node = trigger.get("timeframe")
    if node is not None and draft.automatic:
        node.set_aside(Kind.NO_EQUAL)
        do = "use a shift with these hours, then switch it on"
        draft.doubt(draft.node, "timeframe", "hours of access that nobody asks for", do)
    elif node is not None:
        written, comments = hours(node)
        entry.put("timeframe", written, *comments)
    return entry
