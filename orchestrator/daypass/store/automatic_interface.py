"""What the workflow knows of the store's automatic access."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from daypass.domain.automatic import AutomaticAccess


class AutomaticView(Protocol):
    """Automatic access in one consistent view of the record."""

    def automatic_access(self) -> list[AutomaticAccess]:
        """All of it, by flow, then login."""

    def automatic_of(self, flow: str, login: str) -> AutomaticAccess | None: ...


class AutomaticWork(AutomaticView, Protocol):
    """Automatic access in a unit of work."""

    def set_automatic(self, flow: str, login: str, grant_id: str, digest: str, keys: Collection[str]) -> None:
        """Add, or change: this grant is the one now."""

    def forget_automatic(self, flow: str, login: str) -> None:
        """No grant is this person's by this flow any more; nothing happens where none was."""
