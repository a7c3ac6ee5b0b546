"""YAML text -> plain values, YAML's own tags alone; duplicate keys are findings, not the last one wins."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import yaml
from yaml.constructor import SafeConstructor

from daypass.config.problems import Path, SettingProblem, path_text
from daypass.inventory.problems import shown

MAX_BYTES = (
    8 * 1024 * 1024
)  # an inline list of some 50,000 servers; longer ones belong into a file of their own
MAX_NODES = 1_000_000  # aliases counted as often as they are used: a few lines of them can stand for billions
MAX_DEPTH = 50
# libyaml's parser where it is there. Not its composer, which calls itself: a deep text would end the process.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RESOLVERS: dict[str | None, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers
STR, MERGE, MAP, SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "merge", "map", "seq"))
BEYOND_REASON = "nesting or repetition beyond reason"


class YamlRefused(Exception):
    """The text isn't usable YAML; the message says what was found."""


def read_yaml(text: bytes, file: str) -> tuple[object, list[SettingProblem]]:
    """The one document in a text, and its duplicate keys.

    Raises:
        YamlRefused: Not UTF-8, not YAML (with line and column), a tag other than YAML's own, or too large in
            any way.
    """
    if len(text) > MAX_BYTES:
        raise YamlRefused(f"more than {MAX_BYTES} bytes")
    try:
        with _no_collection():
            builder = _Builder(yaml.parse(text.decode("utf-8"), LOADER), file)
            return builder.document(), builder.problems
    except UnicodeDecodeError as error:
        raise YamlRefused(f"bytes that aren't UTF-8, the first at offset {error.start}") from None
    except yaml.MarkedYAMLError as error:
        raise YamlRefused(_marked(error)) from None
    except yaml.YAMLError as error:
        raise YamlRefused(f"not YAML: {type(error).__name__}") from None
    except (ValueError, OverflowError):  # a date such as 2026-99-99
        raise YamlRefused("a value that can't be read") from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's search for cycles: a tree of a million nodes has none, and it takes three quarters."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _marked(error: yaml.MarkedYAMLError) -> str:
    """The finding without the line itself, which may hold a secret."""
    return f"not YAML{_place(error.problem_mark or error.context_mark)}: {error.problem or error.context}"


def _place(mark: Any) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""


class _Anchored(NamedTuple):
    """What an alias stands for; `height` is how deep it is, `nodes` how many things are in it."""

    value: object
    nodes: int
    height: int


class _Builder:
    """Builds values from the parser's events, in one pass; libyaml's events have no types of their own."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self.problems: list[SettingProblem] = []
        self._events = events
        self._file = file
        self._nodes = 0  # values so far, aliases opened
        self._path: list[str | int] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: not finished
        self._deepest = 0  # how deep the values inside the innermost open anchor go
        self._scalars = SafeConstructor()

    def document(self) -> object:
        """The one document, None for an empty text."""
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events))
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise YamlRefused(f"not YAML{_place(event.start_mark)}: but another document")
        return value

    def _value(self, event: Any) -> object:
        self._count(1, 0)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor = event.anchor
        if anchor is None:
            return self._plain_value(event)
        self._anchors[anchor] = None
        nodes, outer, self._deepest = self._nodes, self._deepest, len(self._path)
        value = self._plain_value(event)
        height = self._deepest - len(self._path)
        self._anchors[anchor] = _Anchored(value, self._nodes - nodes, height)
        self._deepest = max(outer, self._deepest)
        return value

    def _plain_value(self, event: Any) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, _tag_of(event))
        if isinstance(event, yaml.SequenceStartEvent):
            _check_tag(event, SEQ)
            return self._sequence()
        _check_tag(event, MAP)
        return self._mapping()

    def _alias(self, event: Any) -> object:
        known = self._anchors.get(event.anchor)
        if known is None:
            if event.anchor in self._anchors:
                raise YamlRefused(BEYOND_REASON)  # inside what it stands for
            raise YamlRefused(f"not YAML{_place(event.start_mark)}: an alias of nothing")
        self._count(known.nodes, known.height)
        return known.value

    def _count(self, nodes: int, height: int) -> None:
        self._nodes += nodes
        depth = len(self._path) + height
        self._deepest = max(self._deepest, depth)
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise YamlRefused(BEYOND_REASON)

    def _scalar(self, event: Any, tag: str) -> object:
        if tag == STR:
            return event.value
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        return self._scalars.construct_object(node, deep=True)

    def _sequence(self) -> list[object]:
        values: list[object] = []
        self._path.append(0)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            self._path[-1] = len(values)
            values.append(self._value(event))
        self._path.pop()
        return values

    def _mapping(self) -> dict[Any, object]:
        own: dict[Any, object] = {}
        merged: list[object] = []
        seen: set[str] = set()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlRefused(f"not YAML{_place(event.start_mark)}: a key that is no plain text")
            self._path.append(event.value)
            self._note(event, seen)
            tag = _tag_of(event)
            if tag == MERGE:
                merged.append(self._value(next(self._events)))
            else:
                self._count(1, 0)
                key = self._scalar(event, tag)
                own[key] = self._value(next(self._events))
            self._path.pop()
        return {**_merged(merged), **own} if merged else own

    def _note(self, key: Any, seen: set[str]) -> None:
        if key.value in seen:
            found = f"the key {shown(key.value)} again at line {key.start_mark.line + 1}"
            path: Path = tuple(self._path)
            self.problems.append(SettingProblem(self._file, path_text(path), found, "each key once"))
        seen.add(key.value)


def _tag_of(event: Any) -> str:
    """The tag of a scalar: as written, or by its form (YAML 1.1); quoted text is text."""
    if event.tag is not None and event.tag != "!":
        return str(event.tag)
    if not event.implicit[0]:
        return STR
    for tag, pattern in RESOLVERS.get(event.value[:1], ()):
        if pattern.match(event.value):
            return tag
    return STR


def _check_tag(event: Any, own: str) -> None:
    tag = event.tag
    if tag not in (None, "!", own):
        raise YamlRefused(f"not YAML{_place(event.start_mark)}: a tag that isn't allowed here")


def _merged(values: list[object]) -> dict[Any, object]:
    """What `<<` brings in: the first of several wins, and whatever is written wins over all."""
    result: dict[Any, object] = {}
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise YamlRefused("a << that brings in something other than settings with names")
            result = {**one, **result}
    return result
