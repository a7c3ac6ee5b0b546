"""The clock. Called by `wiring` alone: all others get `now` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC, whole microseconds."""
    return datetime.now(UTC)
