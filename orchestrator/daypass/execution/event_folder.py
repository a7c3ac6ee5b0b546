"""The events of a run, as ansible-runner's callback wrote them into the run folder.

The callback prints marks too, and ansible-runner can find events by them. Nobody reads them here: a server
can get text printed, and so forge a mark or make one unreadable; it can't write files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATTERN = "*-partial.json"  # complete under this name: written under another and renamed


def take_events(folder: Path, take: Callable[[object, object], None]) -> None:
    """Hand on what is new, each event once, in the order in which they happened.

    Args:
        folder: Where the callback writes its files; it comes into being with the first.
        take: Called with the event's name and its details, none of which were looked at.
    """
    events = [_used_up(path) for path in folder.glob(PATTERN)]
    for event in sorted(events, key=lambda event: str(event.get("created"))):
        take(event.get("event"), event.get("event_data"))


def _used_up(path: Path) -> dict[str, Any]:
    """The file's event, empty where it is damaged; the file is gone then."""
    content = path.read_bytes()
    path.unlink()
    try:
        event = json.loads(content)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
