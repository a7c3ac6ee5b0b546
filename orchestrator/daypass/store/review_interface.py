"""What the workflow knows of the store's reviews."""

from __future__ import annotations

from typing import Protocol

from daypass.domain.reviews import Review


class ReviewsView(Protocol):
    """Reviews in one consistent view of the record."""

    def review(self, grant_id: str) -> Review | None: ...

    def reviews(self, *, open_only: bool = False, limit: int | None = None) -> list[Review]:
        """Oldest first where only open ones are asked for, newest first otherwise."""


class ReviewsWork(ReviewsView, Protocol):
    """Reviews in a unit of work."""

    def add_review(self, review: Review) -> None:
        """Raises: StoreError: `store_conflict`: the grant has one, or isn't there."""

    def set_review(self, review: Review) -> None:
        """Raises: NotFoundError."""
