"""YAML text -> plain values, by the safe loader alone; duplicate keys are findings, not the last one wins."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from daypass.config.problems import Path, SettingProblem, path_text
from daypass.inventory.problems import shown

MAX_BYTES = (
    8 * 1024 * 1024
)  # an inline list of some 50,000 servers; longer ones belong into a file of their own
MAX_NODES = 1_000_000  # aliases counted as often as they are used: a few lines of them can stand for billions
MAX_DEPTH = 50
# libyaml's parser with PyYAML's own safe constructor: 10,000 people in half a second instead of ten.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
            decoded = text.decode("utf-8")
            _check_depth(decoded)
            loader = LOADER(decoded)
            node = loader.get_single_node()
            problems = _Walk(file).walk(node) if node else []
            return (loader.construct_document(node) if node else None), problems
    except UnicodeDecodeError as error:
        raise YamlRefused(f"bytes that aren't UTF-8, the first at offset {error.start}") from None
    except yaml.MarkedYAMLError as error:
        raise YamlRefused(_marked(error)) from None
    except yaml.YAMLError as error:
        raise YamlRefused(f"not YAML: {type(error).__name__}") from None
    except (RecursionError, ValueError, OverflowError):  # ValueError: a date such as 2026-99-99
        raise YamlRefused("a value that can't be read, or nesting beyond reason") from None


def _check_depth(text: str) -> None:
    """Before anything is built: libyaml's composer calls itself, and a deep text would end the process."""
    depth = 0
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlRefused("nesting or repetition beyond reason")


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
    mark = error.problem_mark or error.context_mark
    place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"not YAML{place}: {error.problem or error.context}"


class _Walk:
    """Goes through a node tree as it will be used: aliases opened, with the path to each node."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.nodes = 0
        self.problems: list[SettingProblem] = []

    def walk(self, node: yaml.Node, path: Path = ()) -> list[SettingProblem]:
        self.nodes += 1
        if (
            self.nodes > MAX_NODES or len(path) > MAX_DEPTH
        ):  # the depth also stops an alias of what it stands in
            raise YamlRefused("nesting or repetition beyond reason")
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.walk(item, (*path, index))
        return self.problems

    def _mapping(self, node: yaml.MappingNode, path: Path) -> None:
        seen: set[Any] = set()
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            if key in seen:
                found = f"the key {shown(key)} again at line {key_node.start_mark.line + 1}"
                place = path_text((*path, key))
                self.problems.append(SettingProblem(self.file, place, found, "each key once"))
            seen.add(key)
            self.walk(value_node, (*path, key))
