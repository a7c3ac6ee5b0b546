"""Rules of what a host's answer makes of shares, accounts and grants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daypass.domain.grants import Account, AccountState, Grant, GrantState, Share, ShareState
from daypass.domain.outcomes import AccountAnswer, HostAnswer, Outcome, OutcomeKind
from daypass.domain.windows import Window
from daypass.plan import AccountPlan, Listed
from daypass.workflow.settle import LONGEST_PAUSE, grant_state, pause_after, settle_account, settle_share

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
GRANT_ID = "01JD8F3K9M2N4P6Q8R0S2T4V6W"
GRANT = Grant(GRANT_ID, "alice", "daypass alice", "direct", "", "operator:root", WINDOW, NOW)
PENDING = Share(GRANT_ID, "web-1", "prod", "alice", (), (), WINDOW, sent_sequence=7)
ENDING = replace(PENDING, state=ShareState.ENDING)
ALICE = Account("web-1", "alice", 70007, "daypass alice", "/bin/bash", "refuse", "archive", 90)


def answered(state: str, *grants: str, status: str = "converged", code: str | None = None) -> Outcome:
    account = AccountAnswer(state, grants, code=code, message=code and "why")
    kind = OutcomeKind.APPLIED if code is None else OutcomeKind.REFUSED
    return Outcome(kind, answer=HostAnswer(status, "a" * 32, None, 7, {"alice": account}))


UNREACHABLE = Outcome(OutcomeKind.UNREACHABLE, code="timed_out", message="no answer")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN)


def test_a_grant_that_the_host_names_is_applied():
    """Applied means that the host said so."""
    share = settle_share(replace(PENDING, attempts=3), Listed.PRESENT, answered("active", GRANT_ID), NOW)
    assert (share.state, share.attempts, share.confirmed_at) == (ShareState.APPLIED, 0, NOW)


@pytest.mark.parametrize("outcome", [UNREACHABLE, UNKNOWN])
@pytest.mark.parametrize("share", [PENDING, ENDING, replace(PENDING, state=ShareState.APPLIED)])
def test_without_an_answer_nothing_is_counted_as_done_or_undone(share, outcome):
    """Unreachable and unknown leave the state as it was and set the next try."""
    listed = Listed.ABSENT if share is ENDING else Listed.PRESENT
    settled = settle_share(share, listed, outcome, NOW)
    assert (settled.state, settled.attempts) == (share.state, 1)
    assert settled.next_try_at == NOW + pause_after(1)


def test_a_refusal_keeps_the_share_pending_with_the_hosts_reason():
    """The person is told why, and the next pass tries again."""
    share = settle_share(PENDING, Listed.PRESENT, answered("refused", code="account_exists"), NOW)
    assert (share.state, share.outcome_code) == (ShareState.PENDING, "account_exists")


def test_a_grant_in_effect_as_it_was_before_a_change_is_pending():
    """The host names it as lacking: its change was refused, so it isn't counted as done."""
    lacking = AccountAnswer("refused", (GRANT_ID,), lacking=(GRANT_ID,), code="clock_drift")
    answer = HostAnswer("converged", "a" * 32, None, 7, {"alice": lacking})
    before = replace(PENDING, confirmed_at=NOW)
    share = settle_share(before, Listed.PRESENT, Outcome(OutcomeKind.REFUSED, answer=answer), NOW)
    assert (share.state, share.outcome_code, share.confirmed_at) == (ShareState.PENDING, "clock_drift", NOW)


@pytest.mark.parametrize("state", ["closed", "absent", "removed", "active", "refused"])
def test_an_ending_share_is_ended_when_the_host_does_not_name_it_any_more(state):
    """Ended means confirmed by the server."""
    assert settle_share(ENDING, Listed.ABSENT, answered(state), NOW).state is ShareState.ENDED


@pytest.mark.parametrize("outcome", [answered("failed", code="command_failed"), answered("active", GRANT_ID)])
def test_an_ending_share_stays_open_while_the_host_has_not_closed_it(outcome):
    """A closing that failed, or that the host doesn't speak of, is tried again."""
    share = settle_share(ENDING, Listed.ABSENT, outcome, NOW)
    assert (share.state, share.attempts) == (ShareState.ENDING, 1)


def test_the_answer_to_an_older_document_does_not_end_a_share():
    """A document that still listed the grant says nothing about its end, even if the host didn't open it."""
    assert settle_share(ENDING, Listed.PRESENT, answered("refused", code="old_rights"), NOW) == ENDING


def test_a_stale_document_applies_what_the_newer_one_gave():
    """Two waves crossed; the host holds the grant all the same."""
    outcome = answered("active", GRANT_ID, status="stale")
    assert settle_share(PENDING, Listed.PRESENT, outcome, NOW).state is ShareState.APPLIED


def test_an_applied_grant_that_the_host_lost_is_pending_again():
    """The host's word on what it gives counts."""
    share = replace(PENDING, state=ShareState.APPLIED)
    assert (
        settle_share(share, Listed.PRESENT, answered("failed", code="sshd_overridden"), NOW).state
        is ShareState.PENDING
    )


def test_pauses_grow_and_stay_below_the_longest():
    """30 s, 60 s … 15 min, for ever."""
    pauses = [pause_after(attempts) for attempts in range(1, 200)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=30), LONGEST_PAUSE)


def test_an_account_counts_as_removed_only_where_removal_was_asked_for():
    """An account that is absent for another reason may come back with the next document."""
    gone = answered("absent")
    assert (
        settle_account(ALICE, AccountPlan("alice", {}, remove=True), gone, NOW).state is AccountState.REMOVED
    )
    assert settle_account(ALICE, AccountPlan("alice", {}), gone, NOW).state is AccountState.WANTED


@pytest.mark.parametrize(
    ("states", "ended", "expected"),
    [
        ([ShareState.PENDING], False, GrantState.APPROVED),
        ([ShareState.APPLIED, ShareState.PENDING], False, GrantState.ACTIVE),
        ([ShareState.ENDED, ShareState.ENDING], True, GrantState.ENDING),
        ([ShareState.ENDED, ShareState.REMOVED], True, GrantState.ENDED),
    ],
)
def test_a_grant_ends_when_its_last_server_has_confirmed(states, ended, expected):
    """One grant may be applied on some servers and still pending on others."""
    grant = replace(GRANT, ended_at=NOW) if ended else GRANT
    assert grant_state(grant, [replace(PENDING, state=state) for state in states], NOW) is expected
