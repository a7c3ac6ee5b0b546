"""Timeframes of flows -> hours.

Shapes: `AccessFlowTimeframeV2` and `TimeframeV1` of `internal/v2/api/openapi.json`; `timeframe` of
`docs/resources/access_flow_v2.md` (HH:MM) and, below `trigger`, of `docs/resources/access_flow.md`
(HH:MM:SS).
"""

from __future__ import annotations

import re
from typing import Any

from daypass.domain.weekly import DAY_NAMES
from daypass.importing.findings import Kind
from daypass.importing.source import Node, Odd

CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9])(?:\.0+)?)?")
DAY = 24 * 3600


def hours(node: Node) -> tuple[dict[str, Any], list[str]]:
    """Our `timeframe`, and comments beside it; never longer than there, but for the last second of a day."""
    days = [_day(item) for item in node.need("days_of_week", "days_in_week").items()]
    start = _seconds(node.need("start_time", "start_of_day_time_in_seconds"))
    end = _seconds(node.need("end_time", "end_of_day_time_in_seconds"))
    comments = []
    if start % 60 or (end % 60 and end != DAY - 1):
        do = "whole minutes are all there is here; see that the hours are meant"
        comments.append(
            node.find(Kind.CHANGED, found="hours with seconds", wrote="the minutes inside", do=do)
        )
    written = {
        "days": [name for name in DAY_NAMES if name in days],
        "start": _clock(-(-start // 60)),
        "end": _clock(DAY // 60 if end >= DAY - 1 else end // 60),
        "timezone": node.need("time_zone").text(),
    }
    return written, comments


def _day(node: Node) -> str:
    name = node.text().lower()
    if name not in DAY_NAMES:
        raise Odd(node, "a day of the week")
    return name


def _seconds(node: Node) -> int:
    """Seconds after midnight."""
    if isinstance(node.value, str) and (match := CLOCK.fullmatch(node.value)):
        node.mark()
        found = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    else:
        found = node.whole_number()
    if not 0 <= found <= DAY:
        raise Odd(node, "a time of the day")
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
