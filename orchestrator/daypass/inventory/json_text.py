"""JSON text -> values, stricter than `json.loads`: duplicate keys, NaN and endless numbers show."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from daypass.inventory.problems import Finding, NotJson

MAX_BYTES = 128 * 1024 * 1024  # 200,000 entries of 600 bytes
MAX_STRING_LEVELS = 3  # a list inside a JSON string inside a JSON string: seen where forms quote twice
MAX_NUMBER = 20  # characters; no number of a server list has more, and int() of a long one is slow

JSON_ALLOWED = "a JSON list of objects, UTF-8 without byte order mark"


class Repeated(dict[str, Any]):
    """A JSON object in which a key stood more than once; `repeated` names those keys."""

    repeated: tuple[str, ...] = ()


class TextRefused(Exception):
    """The text isn't JSON at all; carries the `Finding`."""

    def __init__(self, found: str, allowed: str = JSON_ALLOWED) -> None:
        super().__init__(found)
        self.finding = Finding(found, allowed)


def read_json(text: str | bytes) -> object:
    """The value of a JSON text; a string that holds JSON is read again, `MAX_STRING_LEVELS` deep at most.

    Objects with duplicate keys come back as `Repeated`, NaN, infinities and endless numbers as `NotJson`.

    Raises:
        TextRefused: Not UTF-8, not JSON (with line and column), nested beyond reason, or over `MAX_BYTES`.
    """
    value: object = _decoded(text)
    for _ in range(1 + MAX_STRING_LEVELS):
        if not isinstance(value, str):
            return value
        value = _loads(value)
    return value


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise TextRefused(f"{len(text)} bytes", f"at most {MAX_BYTES} bytes")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TextRefused(f"bytes that aren't UTF-8, the first at offset {error.start}") from None
    if text.startswith("\ufeff"):
        raise TextRefused("a byte order mark at the beginning")
    if not text.strip():
        raise TextRefused("nothing")
    return text


def _loads(text: str) -> object:
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=NotJson, parse_int=_whole, parse_float=_fraction
        )
    except json.JSONDecodeError as error:
        raise TextRefused(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise TextRefused("lists or objects nested beyond reason") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    counts = Counter(key for key, _ in pairs)
    repeated = Repeated(found)
    repeated.repeated = tuple(key for key, count in counts.items() if count > 1)
    return repeated


def _whole(text: str) -> int | NotJson:
    return int(text) if len(text) <= MAX_NUMBER else NotJson(text)


def _fraction(text: str) -> float | NotJson:
    return float(text) if len(text) <= MAX_NUMBER else NotJson(text)
