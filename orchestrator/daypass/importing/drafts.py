"""A flow on its way: what is known of it, and what speaks against switching it on."""

from __future__ import annotations

from dataclasses import dataclass, field

from daypass.importing.findings import Kind
from daypass.importing.source import Node


class NotWritten(Exception):
    """A flow that can't be said here without giving more than it gave there."""


@dataclass
class Draft:
    """A flow as it grows.

    Attributes:
        automatic: Nobody asks for it there.
        doubts: Comments; with one of them the flow is written switched off.
    """

    node: Node
    automatic: bool = False
    doubts: list[str] = field(default_factory=list)

    def doubt(self, node: Node, key: str, found: str, do: str) -> None:
        """A limit that it had there and that can't be said here."""
        comment = node.find(Kind.NO_EQUAL, key=key, found=found, wrote="the flow, switched off", do=do)
        self.doubts.append(comment)
