"""Settings on their way into a file: name, value, and what is said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One line of an entry, and the comments above it."""

    key: str
    value: Any
    comments: tuple[str, ...] = ()


@dataclass
class Entry:
    """One entry of a list in our configuration, growing."""

    settings: list[Setting] = field(default_factory=list)

    def put(self, key: str, value: Any, *comments: str) -> None:
        self.settings.append(Setting(key, value, tuple(filter(None, comments))))

    def get(self, key: str) -> Any:
        return self.values.get(key)

    @property
    def values(self) -> dict[str, Any]:
        return {setting.key: setting.value for setting in self.settings}


@dataclass(frozen=True)
class Wishes:
    """What whoever imports has decided.

    Attributes:
        max_duration: For flows that gave access without an end.
        allow_unapproved: Flows that ask nobody are written switched on.
        ignored: Fields of the source that are left out on that person's word.
        mapped: Key of an integration's own parameters to our setting; the product documents no name for some.
    """

    max_duration: timedelta = timedelta(hours=8)
    allow_unapproved: bool = False
    ignored: frozenset[str] = frozenset()
    mapped: Mapping[str, str] = field(default_factory=dict)


def length(value: timedelta) -> str:
    """As the configuration has it: `90m`, `8h`, `1d`."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
