"""What begins ahead of its time, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.grants import ShareState, Trigger
from daypass.domain.windows import window_from
from daypass.store import Store

from .samples import ACTOR, HOUR, NOW, grant, share

LATER = window_from(NOW + HOUR, HOUR)


def found(store: Store, at: timedelta, trigger: Trigger = Trigger.SELF_SERVE, window=LATER, **changes) -> int:
    """How many shares of one such grant begin at a moment."""
    with store.write(ACTOR, NOW) as work:
        made = share("01JD1", window=window, **changes)
        work.add_grant(grant("01JD1", trigger=trigger, window=window), [made])
        shares = work.shares_beginning(NOW + at)
        assert shares in ([], [made])
        return len(shares)


@pytest.mark.parametrize(
    ("at", "expected"), [(HOUR - timedelta(seconds=1), 0), (HOUR, 1), (HOUR + timedelta(minutes=59), 1)]
)
def test_share_begins_with_its_window(store: Store, at, expected):
    """Until a server was told of it."""
    assert found(store, at) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"trigger": Trigger.DIRECT},
        {"trigger": Trigger.AUTOMATIC},
        {"window": window_from(NOW, 3 * HOUR)},
        {"sent_sequence": 7},
        {"state": ShareState.ENDED},
    ],
)
def test_others_do_not_begin(store: Store, changes):
    """An operator's word, what flows follow anyway, what began at once, was sent, or is over."""
    assert found(store, HOUR, **changes) == 0
