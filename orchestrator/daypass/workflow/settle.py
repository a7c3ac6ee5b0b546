"""What a host's answer makes of the store's shares, accounts and grants. Pure.

A share is settled only against what the document that was sent said of it: an answer to a document that did
not list it, or listed it the other way, says nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from daypass.domain.grants import (
    LONGEST_PAUSE,
    Account,
    AccountState,
    Grant,
    GrantState,
    Share,
    ShareState,
)
from daypass.domain.outcomes import IN_WORK, AccountAnswer, Outcome, OutcomeKind
from daypass.plan import AccountPlan, Listed

FIRST_PAUSE = timedelta(seconds=30)  # growing pauses (design.md, life of a grant)

OVER = (ShareState.ENDED, ShareState.REMOVED)
LIVE_SHARES = (ShareState.PENDING, ShareState.APPLIED, ShareState.ENDING)
LIVE_ACCOUNTS = (AccountState.WANTED, AccountState.OPEN, AccountState.CLOSED)
ACCOUNT_STATES = {"active": AccountState.OPEN, "closed": AccountState.CLOSED}


def pause_after(attempts: int) -> timedelta:
    """30 s, 1 min, 2 min … 15 min."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def settle_share(share: Share, listed: Listed, outcome: Outcome, now: datetime) -> Share:
    """The share after the outcome of a document that listed it as `listed`."""
    account = outcome.answer.accounts.get(share.login) if outcome.answer else None
    gives = share.state in (ShareState.PENDING, ShareState.APPLIED)
    if gives and listed is Listed.PRESENT:
        held = account is None or share.grant_id in account.grants
        if account and held and share.grant_id not in account.lacking:
            return _confirmed(share, ShareState.APPLIED, now)
        share = replace(share, confirmed_at=share.confirmed_at if held else None)
        return _try_again(share, _known_state(share, account), account, outcome, now)
    if share.state is ShareState.ENDING and listed is Listed.ABSENT:
        if account and share.grant_id not in account.grants and account.state != "failed":
            return _confirmed(share, ShareState.ENDED, now)
        return _try_again(share, ShareState.ENDING, account, outcome, now)
    return share


def _known_state(share: Share, account: AccountAnswer | None) -> ShareState:
    """Applied stays applied while nothing is known; the host's own word that it isn't makes it pending."""
    return share.state if account is None else ShareState.PENDING


def _confirmed(share: Share, state: ShareState, now: datetime) -> Share:
    return replace(
        share,
        state=state,
        attempts=0,
        next_try_at=None,
        outcome=str(OutcomeKind.APPLIED),
        outcome_code=None,
        outcome_message=None,
        confirmed_at=now,
    )


def _try_again(
    share: Share, state: ShareState, account: AccountAnswer | None, outcome: Outcome, now: datetime
) -> Share:
    attempts = share.attempts + 1
    kind = OutcomeKind.FAILED if outcome.kind is OutcomeKind.APPLIED else outcome.kind
    return replace(
        share,
        state=state,
        attempts=attempts,
        next_try_at=now + pause_after(attempts),
        outcome=str(kind),
        outcome_code=(account.code if account else None) or outcome.code,
        outcome_message=(account.message if account else None) or outcome.message,
    )


def settle_account(account: Account, plan: AccountPlan, outcome: Outcome, now: datetime) -> Account:
    """The account after the outcome; it counts as removed only where the document asked for that."""
    answer = outcome.answer.accounts.get(account.login) if outcome.answer else None
    if answer is not None and plan.remove and answer.state in ("removed", "absent") and not answer.unfinished:
        return replace(account, state=AccountState.REMOVED, removed_at=now, removal_message=None)
    if answer is not None:
        account = replace(account, state=ACCOUNT_STATES.get(answer.state, account.state))
    return removal_again(account, answer, outcome, now) if plan.remove else account


def removal_again(account: Account, answer: AccountAnswer | None, outcome: Outcome, now: datetime) -> Account:
    """A removal that isn't complete goes on at once where the server is at work on it, else after a pause."""
    if answer is not None and answer.unfinished is not None and answer.unfinished[0] == IN_WORK:
        sentence = answer.unfinished[1]
        return replace(account, removal_attempts=0, removal_next_try_at=None, removal_message=sentence)
    attempts = account.removal_attempts + 1
    told = answer and ((answer.unfinished and answer.unfinished[1]) or answer.message)
    return replace(
        account,
        removal_attempts=attempts,
        removal_next_try_at=now + pause_after(attempts),
        removal_message=told or outcome.message or outcome.code or str(outcome.kind),
    )


def grant_state(grant: Grant, shares: Sequence[Share], now: datetime) -> GrantState:
    """Where a grant stands, from its shares: ended means that every server has confirmed it."""
    if all(share.state in OVER for share in shares):
        return GrantState.ENDED
    if grant.ended_at is not None or grant.window.not_after <= now:
        return GrantState.ENDING
    return GrantState.ACTIVE if any(in_effect(share) for share in shares) else GrantState.APPROVED


def in_effect(share: Share) -> bool:
    """Whether the server gives the grant, as it is or, while a change is pending, as it was before."""
    return share.state is ShareState.APPLIED or (
        share.state is ShareState.PENDING and share.confirmed_at is not None
    )
