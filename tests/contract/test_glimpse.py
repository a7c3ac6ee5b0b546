"""What completion reads of the record, on both databases."""

from __future__ import annotations

from pathlib import Path

from daypass.domain.grants import GrantState
from daypass.domain.requests import RequestState
from daypass.domain.reviews import Review
from daypass.store import Store
from daypass.store.glimpse import Found, StoreGlimpse

from .samples import ACTOR, NOW, grant, share
from .test_requests import asked


def test_what_is_open_with_whose_it_is_and_where(store: Store, database: str | Path):
    """Newest first, by what is typed of the id; what is over isn't among it."""
    with store.write(ACTOR, NOW) as work:
        work.add_grant(grant("01A"), [share("01A", "web-1"), share("01A", "db-1")])
        work.add_grant(grant("01B", state=GrantState.ENDING), [share("01B")])
        work.add_grant(grant("01C", state=GrantState.ENDED), [share("01C")])
        work.add_grant(grant("02D"), [])
        work.add_review(Review("01C", "alice", NOW, ("emil",)))
        work.add_request(asked("R1"))
        work.add_request(asked("R2", state=RequestState.DENIED, grantee="bob"))
    glimpse = StoreGlimpse(database)
    assert glimpse.open_grants("01") == [Found("01B", "alice", "web-1", 1), Found("01A", "alice", "db-1", 2)]
    assert glimpse.open_grants("02D") == [Found("02D", "alice", None, 0)]
    assert glimpse.open_reviews("") == [Found("01C", "alice", "web-1", 1)]
    assert glimpse.requests("", pending=True) == [Found("R1", "alice", "db-1", 2)]
    assert [one.id for one in glimpse.requests("R", pending=False)] == ["R2", "R1"]
