"""Recording what came back from a server: of its shares, its accounts, and of the host itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from daypass.domain.certificates import Certificate
from daypass.domain.grants import Account, AccountState, GrantState, Share, ShareState
from daypass.domain.hosts import Host
from daypass.domain.outcomes import HostAnswer, Outcome, OutcomeKind
from daypass.plan import AccountPlan, Listed, ServerPlan
from daypass.store.interface import WriteWork
from daypass.workflow.joining import record_joined
from daypass.workflow.naming import with_names
from daypass.workflow.noticing import note_ended, note_failing
from daypass.workflow.seams import Seams
from daypass.workflow.settle import (
    LIVE_ACCOUNTS,
    LIVE_SHARES,
    grant_state,
    removal_again,
    settle_account,
    settle_share,
)


def record(seams: Seams, plan: ServerPlan, outcome: Outcome) -> None:
    """Settle everything that a document listed against what came back, in one transaction."""
    now = seams.clock()
    with seams.write(now) as work:
        outcome = _record_host(work, plan, with_names(work, outcome))
        certificates = work.certificates_on(plan.server, (ShareState.PENDING,))
        for share in work.shares(server=plan.server, states=LIVE_SHARES):
            account_plan = plan.accounts.get(share.login)
            listed = account_plan.grants.get(share.grant_id) if account_plan else None
            if (
                account_plan is None
                or listed is None
                or _moved_on(share, certificates.get(share.grant_id, []), listed, account_plan)
            ):
                continue
            note_share(seams, work, share, settle_share(share, listed, outcome, now), now)
        for account in work.accounts(server=plan.server, states=LIVE_ACCOUNTS):
            if account.login in plan.accounts:
                _record_account(work, account, plan.accounts[account.login], outcome, now)


def _moved_on(share: Share, certificates: Sequence[Certificate], listed: Listed, plan: AccountPlan) -> bool:
    """Whether a grant was extended or got another certificate since this document was made: then the server
    hasn't been told yet, whatever it answers.
    """
    if share.state is not ShareState.PENDING or listed is not Listed.PRESENT:
        return False
    return not plan.gives_all_of(share, certificates)


def record_unsent(seams: Seams, server: str, outcome: Outcome, removals: frozenset[str]) -> None:
    """Nothing could be sent: the server's shares and removals stay open, with the reason."""
    now = seams.clock()
    with seams.write(now) as work:
        for share in work.shares(server=server, states=LIVE_SHARES):
            listed = Listed.ABSENT if share.state is ShareState.ENDING else Listed.PRESENT
            note_share(seams, work, share, settle_share(share, listed, outcome, now), now)
        for account in work.accounts(server=server, states=LIVE_ACCOUNTS):
            if account.login in removals:
                work.set_account(removal_again(account, None, outcome, now))


def _record_account(
    work: WriteWork, account: Account, plan: AccountPlan, outcome: Outcome, now: datetime
) -> None:
    settled = settle_account(account, plan, outcome, now)
    told = outcome.answer.accounts.get(account.login) if outcome.answer else None
    record_joined(work, account, told)
    if settled.state is not AccountState.REMOVED:
        if settled != account:
            work.set_account(settled)
        return
    # A grant that was recorded while the removal was under way makes the account anew: it must stay known.
    if not work.shares(server=account.server, login=account.login, states=LIVE_SHARES):
        work.mark_removed(account.server, account.login, now)
        details = {"login": account.login, "warnings": list(told.warnings) if told else []}
        work.append_event("account.removed", account.server, details)


def _record_host(work: WriteWork, plan: ServerPlan, outcome: Outcome) -> Outcome:
    """Note what the host has seen; one that is ahead of us is an alarm, and why nothing opened."""
    host, answer = work.host(plan.server), outcome.answer
    if host is None or answer is None:
        return outcome
    if not _answers(answer, host, plan):
        return _disregarded(outcome)
    if answer.rebuilt is not None:
        work.append_event("host.ledger_rebuilt", plan.server, {"reason": answer.rebuilt})
    if answer.sequence > max(host.sequence, host.confirmed_sequence):
        details = {"host": answer.sequence, "ours": host.sequence, "sent": plan.sequence}
        work.append_event("host.sequence_ahead", plan.server, details)
    confirmed = max(host.confirmed_sequence, answer.sequence)
    work.set_host(
        replace(host, confirmed_sequence=confirmed, machine_id=answer.machine_id or host.machine_id)
    )
    return _ahead(outcome, host.sequence, answer.sequence) if answer.sequence > host.sequence else outcome


def _answers(answer: HostAnswer, host: Host, plan: ServerPlan) -> bool:
    """Whether this host says this of this document; a host without a readable ledger names no id."""
    if answer.host_id not in (None, host.host_id):
        return False
    return answer.status != "converged" or answer.sequence == plan.sequence


def _disregarded(outcome: Outcome) -> Outcome:
    """Without the answer, which proves nothing; a refusal keeps its reason."""
    if outcome.kind is not OutcomeKind.APPLIED:
        return replace(outcome, answer=None)
    message = "the answer is another host's, or to another document; it proves nothing"
    return Outcome(OutcomeKind.UNKNOWN, "answer_mismatch", message)


def _ahead(outcome: Outcome, ours: int, theirs: int) -> Outcome:
    message = (
        f"the server has followed sequence {theirs}, ours is {ours}: a restored database, "
        "or a second orchestrator; find out which, then go on with: daypass reconcile --rebase SERVER"
    )
    return replace(outcome, kind=OutcomeKind.REFUSED, code="sequence_ahead", message=message)


def note_share(seams: Seams, work: WriteWork, before: Share, after: Share, now: datetime) -> None:
    """Record a share's new state with its event, and what it makes of the whole grant."""
    if after == before:
        return
    work.set_share(after)
    if (before.state, before.outcome_code) != (after.state, after.outcome_code):
        work.append_event(
            f"share.{after.state}" if after.outcome_code is None else "share.delayed",
            after.grant_id,
            {
                "server": after.server,
                "login": after.login,
                "state": str(after.state),
                "code": after.outcome_code,
            },
        )
    note_failing(seams, work, before, after, now)
    _record_grant(seams, work, after.grant_id, now)


def _record_grant(seams: Seams, work: WriteWork, grant_id: str, now: datetime) -> None:
    grant = work.grant(grant_id)
    if grant is None:
        return
    state = grant_state(grant, work.shares(grant_id=grant_id), now)
    if state is not grant.state:
        work.set_grant(replace(grant, state=state))
        if state is GrantState.ENDED:
            work.append_event("grant.ended", grant_id, {"login": grant.login})
            note_ended(seams, work, grant, now)
