"""Who is told how far the examination is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from several threads."""

    def expect(self, count: int) -> None:
        """So many more things will be looked at."""

    def advance(self) -> None:
        """One of them has been."""


class Unseen:
    """Nobody is told."""

    def expect(self, count: int) -> None: ...

    def advance(self) -> None: ...
