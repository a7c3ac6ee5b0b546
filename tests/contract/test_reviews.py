"""Reviews, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.reviews import Review
from daypass.errors import NotFoundError, StoreError
from daypass.store import Store

from .samples import ACTOR, HOUR, NOW, grant

OPEN = Review("01JD1", "alice", NOW, ("carol", "emil"))
CLOSED = Review("01JD2", "bob", NOW + HOUR, (), NOW + 2 * HOUR, "emil", "as INC-7 says")


@pytest.fixture
def filled(store: Store) -> Store:
    """An open review, and a closed one that is younger."""
    with store.write(ACTOR, NOW) as work:
        for review in (OPEN, CLOSED):
            work.add_grant(grant(review.grant_id, login=review.login), [])
            work.add_review(review)
    return store


def test_review_comes_back_as_it_was(filled: Store):
    """Every field survives, the empty optional too."""
    with filled.read() as view:
        assert view.review("01JD1") == OPEN
        assert view.review("01JD2") == CLOSED
        assert view.review("01JD3") is None


def test_open_reviews_are_listed_oldest_first_and_all_newest_first(filled: Store):
    """Who has waited longest stands first; of all of them, the last ones matter."""
    later = replace(OPEN, grant_id="01JD0", opened_at=NOW + HOUR)
    with filled.write(ACTOR, NOW) as work:
        work.add_grant(grant("01JD0"), [])
        work.add_review(later)
        assert work.reviews(open_only=True) == [OPEN, later]
        assert work.reviews() == [CLOSED, later, OPEN]
        assert work.reviews(limit=1) == [CLOSED]


def test_review_changes_only_if_it_is_there(filled: Store):
    """Nothing is made anew by mistake."""
    closed = replace(OPEN, closed_at=NOW, closed_by="emil", reason="fine")
    with filled.write(ACTOR, NOW) as work:
        work.set_review(closed)
        assert work.review("01JD1") == closed
        assert work.reviews(open_only=True) == []
        with pytest.raises(NotFoundError):
            work.set_review(replace(OPEN, grant_id="01JD9"))


@pytest.mark.parametrize("grant_id", ["01JD1", "01JD9"])
def test_grant_has_one_review_and_a_review_a_grant(filled: Store, grant_id):
    """The database itself refuses a second one, and one of nothing."""
    with pytest.raises(StoreError), filled.write(ACTOR, NOW) as work:
        work.add_review(replace(OPEN, grant_id=grant_id))
