"""The events of a run, as ansible-runner's callback wrote them into the run folder.

ansible-runner takes marks in the playbook's output for events. A mark counts here only with the file that
the callback wrote for it, under a random name that no server knows; so text that a server gets printed
can't pose as an event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

UUID = re.compile(r"[0-9a-f-]{36}")
SUFFIX = "-partial.json"


class EventFolder:
    """Hands each event on once, and remembers what the taker stumbled over.

    Args:
        folder: Where the callback writes its files.
        take: Called with the event's name and its details.
    """

    def __init__(self, folder: Path, take: Callable[[object, object], None]) -> None:
        self._folder = folder
        self._take = take
        self.error: BaseException | None = None

    def on_event(self, event: Mapping[str, Any]) -> bool:
        """For ansible-runner, which merged the file into the mark already; False: it needn't keep it."""
        name = event.get("uuid")
        if isinstance(name, str) and UUID.fullmatch(name) and self._used_up(self._folder / f"{name}{SUFFIX}"):
            self._hand_on(event)
        return False

    def sweep(self) -> None:
        """Hand on what was written but never came through the output, in the order of writing."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns):
            try:
                event = json.loads(path.read_bytes())
            except ValueError:
                continue
            if isinstance(event, dict) and self._used_up(path):
                self._hand_on(event)

    def _used_up(self, path: Path) -> bool:
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def _hand_on(self, event: Mapping[str, Any]) -> None:
        try:
            self._take(event.get("event"), event.get("event_data"))
        except BaseException as error:
            self.error = error
            raise
