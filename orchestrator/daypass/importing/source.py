"""A definition file -> a tree in which every leaf is accounted for: read, or named in a finding.

JSON is read by `inventory.json_text` (RFC 8259, stricter: duplicate keys, NaN and endless numbers show).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daypass.config.problems import path_text
from daypass.config.server_sources import read_bounded
from daypass.errors import UsageError
from daypass.importing.findings import Finding, Kind
from daypass.inventory.json_text import Repeated, TextRefused, read_json
from daypass.inventory.problems import NotJson, shown

MAX_BYTES = 32 * 1024 * 1024  # the state of some ten thousand resources
MAX_DEPTH = 64  # a plan nests modules; each of them takes two levels
KEY_TEXT = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|openssh-key-v1|PuTTY-User-Key-File")
# Base64 of `-----BEGIN` and of `openssh-key-v1` as they stand at a beginning.
ENCODED = re.compile(r"(?:LS0tLS1CRUdJTi|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/=\s]*")

Place = tuple[str | int, ...]


class Odd(Exception):
    """A value isn't what the product's documentation says; its definition can't be translated."""

    def __init__(self, node: Node, allowed: str) -> None:
        super().__init__(allowed)
        self.node = node
        self.allowed = allowed


@dataclass
class Record:
    """What became of each place so far, and what definitions are called."""

    read: set[tuple[str, Place]] = field(default_factory=set)
    whole: set[tuple[str, Place]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    titles: dict[tuple[str, Place], str] = field(default_factory=dict)

    def definition(self, file: str, place: Place) -> tuple[str, str]:
        """The definition that a place is in, and the path from there."""
        for length in range(len(place) + 1):
            if (file, place[:length]) in self.titles:
                return self.titles[file, place[:length]], path_text(place[length:])
        return "", ""


@dataclass(frozen=True)
class Node:
    """A value and where it stands; reading it is recorded."""

    value: Any
    place: Place
    file: str
    record: Record

    def child(self, key: str | int) -> Node:
        return Node(self.value[key], (*self.place, key), self.file, self.record)

    def get(self, *names: str) -> Node | None:
        """The field that goes by one of these names, None where it isn't set; null is not set.

        Raises:
            Odd: This is no object, or two of the names say different things.
        """
        if not isinstance(self.value, dict):
            raise Odd(self, "an object")
        there = [self.child(name) for name in names if name in self.value]
        for node in there:
            if node.value in (None, {}, []):
                self.record.read.add((self.file, node.place))
        there = [node for node in there if node.value is not None]
        for other in there[1:]:
            if other.value != there[0].value:
                raise Odd(other, f"the same as {there[0].place[-1]}")
            other.mark()
        return there[0] if there else None

    def need(self, *names: str) -> Node:
        """As `get`, of a field that must be set."""
        found = self.get(*names)
        if found is None:
            raise Odd(self, f"the field {names[0]}")
        return found

    def items(self) -> list[Node]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            raise Odd(self, "a list")
        return [self.child(index) for index in range(len(self.value))]

    def listed(self, *names: str) -> list[Node]:
        """The entries of the list that goes by one of these names; none where it isn't set."""
        found = self.get(*names)
        return [] if found is None else found.items()

    def text(self) -> str:
        """A text, which isn't empty."""
        if not isinstance(self.value, str) or not self.value:
            raise Odd(self, "text")
        self.mark()
        return self.value

    def texts(self) -> list[str]:
        """A list of texts, or one text by itself."""
        return [self.text()] if isinstance(self.value, str) else [item.text() for item in self.items()]

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise Odd(self, "true or false")
        self.mark()
        return self.value

    def whole_number(self) -> int:
        """A whole number, or its digits as text."""
        value = self.value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}", value, re.ASCII):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Odd(self, "a whole number")
        self.mark()
        return value

    def mark(self) -> None:
        """All of this was read, and what it says went into what is written."""
        self.record.read.update((self.file, leaf.place) for leaf in leaves(self))

    def find(
        self,
        kind: Kind,
        *,
        wrote: str = "",
        do: str = "",
        found: str = "",
        key: str = "",
        whole: bool = False,
    ) -> str:
        """Put a finding about this place on record, or about its field `key`, and give its comment."""
        place = (*self.place, key) if key else self.place
        told = (self.file, path_text(place), found or shown(self.value), wrote, do, whole)
        finding = Finding(kind, *told, *self.record.definition(self.file, place))
        self.record.findings.append(finding)
        if whole:
            self.record.whole.add((self.file, place))
        return finding.comment

    def set_aside(self, kind: Kind, do: str = "", *, found: str = "") -> None:
        """Nothing of this is written; the finding stands for everything below."""
        self.find(kind, do=do, found=found, whole=True)

    @property
    def where(self) -> str:
        return path_text(self.place)


def leaves(node: Node) -> Iterator[Node]:
    """Every value below a node that holds no others."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one.value, dict | list) and one.value:
            keys = one.value if isinstance(one.value, dict) else range(len(one.value))
            waiting.extend(one.child(key) for key in reversed(list(keys)))
        else:
            yield one


def is_accounted(node: Node) -> bool:
    """Whether a leaf was read, or a finding stands for it."""
    record, file, place = node.record, node.file, node.place
    if (file, place) in record.read:
        return True
    return any((file, place[:length]) in record.whole for length in range(len(place) + 1))


def unaccounted(node: Node) -> list[Node]:
    """The leaves below a node of which nothing is known."""
    return [leaf for leaf in leaves(node) if not is_accounted(leaf)]


def read_source(path: Path, record: Record) -> Node:
    """The tree of one file; private keys in it are put on record and taken out.

    Raises:
        UsageError: It can't be read, is too large or too deep, isn't JSON, or a key stands twice in it.
    """
    try:
        text = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}", code="file_unreadable") from None
    return parse_source(text, str(path), record)


def parse_source(text: bytes, file: str, record: Record) -> Node:
    """As `read_source`, of text that was read already."""
    if len(text) > MAX_BYTES:
        raise UsageError(f"{file} is larger than {MAX_BYTES} bytes")
    try:
        value = read_json(text)
    except TextRefused as error:
        raise UsageError(
            f"{file}: {error.finding.found}", hint="it has to be JSON", code="not_json"
        ) from None
    root = Node(value, (), file, record)
    _check_shape(root)
    return Node(_without_keys(root), (), file, record)


def _check_shape(root: Node) -> None:
    """Refuse what Python's parser reads though it isn't sound JSON."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if len(node.place) > MAX_DEPTH:
            raise UsageError(f"{node.file} is nested deeper than {MAX_DEPTH} levels", code="not_json")
        if isinstance(node.value, Repeated):
            again = shown(node.value.repeated[0])
            raise UsageError(f"{node.file}: the key {again} stands twice in {_named(node)}", code="not_json")
        if isinstance(node.value, NotJson):
            raise UsageError(f"{node.file}: {shown(node.value)} at {_named(node)}", code="not_json")
        if isinstance(node.value, dict | list):
            keys = node.value if isinstance(node.value, dict) else range(len(node.value))
            if any(isinstance(key, str) and holds_key(key) for key in keys):
                raise UsageError(f"{node.file}: a private key as a name in {_named(node)}", code="not_json")
            waiting.extend(node.child(key) for key in keys)


def _named(node: Node) -> str:
    return node.where or "the outermost object"


def _without_keys(root: Node) -> Any:
    """The value with null wherever a text holds a private key."""
    if isinstance(root.value, dict):
        return {key: _without_keys(root.child(key)) for key in root.value}
    if isinstance(root.value, list):
        return [_without_keys(child) for child in root.items()]
    if isinstance(root.value, str) and holds_key(root.value):
        root.find(
            Kind.PRIVATE_KEY,
            found="a private key",
            wrote="nothing; it was not copied",
            do="replace this key on every server: whoever had the file has it",
            whole=True,
        )
        return None
    return root.value


def holds_key(text: str) -> bool:
    """Whether a text holds a private key, as PEM or base64 of it, wrapped or not."""
    if KEY_TEXT.search(text.encode("utf-8", "replace")):
        return True
    return any(KEY_TEXT.search(_decoded(match[0])) for match in ENCODED.finditer(text))


def _decoded(text: str) -> bytes:
    plain = re.sub(r"[\s=]", "", text)
    try:
        return base64.b64decode(plain[: len(plain) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""
