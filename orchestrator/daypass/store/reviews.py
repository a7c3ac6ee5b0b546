"""Reviews in the store: reading and writing, on one open transaction."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from daypass.domain.reviews import Review
from daypass.errors import NotFoundError
from daypass.store import tables


class SqlReviewsView:
    """Implements `ReviewsView`."""

    _connection: Connection

    def review(self, grant_id: str) -> Review | None:
        query = select(tables.reviews).where(tables.reviews.c.grant_id == grant_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else review_from(row)

    def reviews(self, *, open_only: bool = False, limit: int | None = None) -> list[Review]:
        table = tables.reviews
        query = select(table).order_by(table.c.opened_at.desc(), table.c.grant_id.desc())
        if open_only:
            query = select(table).where(table.c.closed_at.is_(None))
            query = query.order_by(table.c.opened_at, table.c.grant_id)
        return [review_from(row) for row in self._connection.execute(query.limit(limit))]


class SqlReviewsWork(SqlReviewsView):
    """Implements `ReviewsWork`."""

    def add_review(self, review: Review) -> None:
        self._connection.execute(insert(tables.reviews), asdict(review))

    def set_review(self, review: Review) -> None:
        table = tables.reviews
        statement = update(table).where(table.c.grant_id == review.grant_id).values(asdict(review))
        if self._connection.execute(statement).rowcount == 0:
            raise NotFoundError(f"There is no review of the grant {review.grant_id}.")


def review_from(row: Row[Any]) -> Review:
    values = dict(row._mapping)
    return Review(**values | {"notify": tuple(values["notify"])})
