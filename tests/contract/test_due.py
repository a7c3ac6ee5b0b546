"""What there is to do at a moment: shares to try or to end, grants that ran out, accounts to remove."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.grants import AccountState, GrantState, ShareState
from daypass.domain.windows import window_from
from daypass.store import Store

from .samples import ACTOR, HOUR, NOW, account, add, grant, share

QUARTER = HOUR / 4
LATER = window_from(NOW + HOUR, HOUR)


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"state": ShareState.PENDING}, True),
        ({"state": ShareState.PENDING, "next_try_at": NOW}, True),
        ({"state": ShareState.PENDING, "next_try_at": NOW + QUARTER}, False),
        ({"state": ShareState.PENDING, "next_try_at": NOW + 9000 * HOUR}, True),
        ({"state": ShareState.PENDING, "window": LATER}, False),
        ({"state": ShareState.ENDING}, True),
        ({"state": ShareState.ENDING, "next_try_at": NOW + QUARTER}, False),
        ({"state": ShareState.ENDING, "next_try_at": NOW + 9000 * HOUR}, True),
        ({"state": ShareState.APPLIED}, False),
        ({"state": ShareState.ENDED}, False),
        ({"state": ShareState.REMOVED}, False),
    ],
)  # fmt: skip
def test_share_is_due_when_there_is_work_to_do_now(store: Store, changes, due):
    """Pending from its beginning, ending at once, both after their pause; applied at its end.

    A pause longer than any was written while the clock ran ahead, and holds up nothing.
    """
    with store.write(ACTOR, NOW) as work:
        add(work, **changes)
        assert bool(work.shares_due(NOW)) is due


def test_applied_share_is_due_at_the_very_end_of_its_window(store: Store):
    """Windows are half-open: the end itself is outside."""
    end = share().window.not_after
    with store.write(ACTOR, NOW) as work:
        add(work, state=ShareState.APPLIED)
        assert work.shares_due(end - timedelta(seconds=1)) == []
        assert work.shares_due(end) == [share(state=ShareState.APPLIED)]


def test_grant_is_past_at_the_end_of_its_window_while_it_runs(store: Store):
    """Approved and active ones; ending and ended ones were dealt with."""
    with store.write(ACTOR, NOW) as work:
        for state in GrantState:
            work.add_grant(grant(state.upper(), state=state), [])
        assert work.grants_past(NOW) == []
        assert [one.id for one in work.grants_past(grant().window.not_after)] == ["ACTIVE", "APPROVED"]


def test_pauses_hold_for_passes_and_not_for_people(store: Store):
    """Whoever asks without pauses gets everything that is left to do."""
    paused = {"state": ShareState.ENDING, "next_try_at": NOW + QUARTER}
    removal = account(
        last_grant_ended_at=NOW, user_cleanup_days=0, removal_attempts=1, removal_next_try_at=NOW + QUARTER
    )
    with store.write(ACTOR, NOW) as work:
        add(work, **paused)
        work.set_account(removal)
        assert (work.shares_due(NOW), work.accounts_due_for_removal(NOW)) == ([], [])
        assert work.shares_due(NOW, pauses=False) == [share(**paused)]
        assert work.accounts_due_for_removal(NOW, pauses=False) == [removal]
        assert work.accounts_due_for_removal(NOW + QUARTER) == [removal]


@pytest.mark.parametrize(
    ("changes", "after_days", "due"),
    [
        ({"last_grant_ended_at": NOW}, 90, True),
        ({"last_grant_ended_at": NOW}, 89, False),
        ({"last_grant_ended_at": NOW, "user_cleanup_days": 0}, 0, True),
        ({"last_grant_ended_at": NOW, "user_cleanup_days": None}, 9999, False),
        ({"last_grant_ended_at": None}, 9999, False),
        ({"last_grant_ended_at": NOW, "state": AccountState.REMOVED}, 9999, False),
    ],
)
def test_account_is_due_for_removal_after_its_cleanup_window(store: Store, changes, after_days, due):
    """Counted from the last grant's end; null = never, 0 = at once, once = enough."""
    with store.write(ACTOR, NOW) as work:
        work.set_account(account(state=AccountState.CLOSED) if not changes else account(**changes))
        found = work.accounts_due_for_removal(NOW + timedelta(days=after_days))
        assert found == ([account(**changes)] if due else [])
