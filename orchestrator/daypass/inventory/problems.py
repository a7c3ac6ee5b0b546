"""What is wrong in a server list, as values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from daypass.domain.servers import Server

SHOWN_CHARACTERS = 80  # enough to recognise a value, too little to fill a screen


class Finding(NamedTuple):
    """What was found in a field and what is allowed there, both ready to print."""

    found: str
    allowed: str


class FieldRefused(Exception):
    """A field's value isn't allowed. Carries the `Finding`; raised and caught inside `inventory` alone."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(found)
        self.finding = Finding(found, allowed)


@dataclass(frozen=True)
class Problem:
    """One finding of a check.

    Attributes:
        index: Position in the list, from 0; None where the list itself is wrong.
        name: The entry's name as far as it has a usable one.
        field: The field, `tags.env` for a tag; None where the entry itself is wrong.
        found: What is there, escaped and cut, safe to print.
        allowed: What would be right.
    """

    index: int | None
    name: str | None
    field: str | None
    found: str
    allowed: str

    @property
    def place(self) -> str:
        """`[3].port`, with the name where there is one: `[3].port (web-3)`."""
        position = "" if self.index is None else f"[{self.index}]"
        field = "" if self.field is None else f".{self.field}"
        return f"{position}{field}" + (f" ({self.name})" if self.name else "")

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}found {self.found}; allowed: {self.allowed}"


@dataclass(frozen=True)
class CheckResult:
    """Outcome of a check: the servers without any problem, in the list's order, and all problems."""

    source: str
    servers: tuple[Server, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class NotJson(NamedTuple):
    """Stands for something that Python's parser reads though it isn't JSON, `NaN` or a number without end."""

    text: str


def shown(value: object) -> str:
    """A value from outside in one short line of printable ASCII."""
    if isinstance(value, str):
        return _cut(json.dumps(value))
    if isinstance(value, NotJson):
        return f"{_cut(value.text)} (not JSON)"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"{_cut(json.dumps(value))} (a number)"
    return _kind(value)


def _kind(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else type(value).__name__


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({len(text)} characters)"


def plain_name(value: object) -> str | None:
    """The name of an entry for messages, or None where it isn't fit to print as it is."""
    return value if isinstance(value, str) and re.fullmatch(r"[ -~]{1,80}", value) else None
