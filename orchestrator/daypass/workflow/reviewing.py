"""Reviews of break-glass access: opened with the grant, listed until somebody closes them with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from daypass.domain.grants import Grant
from daypass.domain.people import Person
from daypass.domain.reviews import Review
from daypass.errors import DeniedError, NotFoundError, UsageError
from daypass.flows import Policy
from daypass.flows.case import Case
from daypass.flows.conditions import people_meant
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.revoking import check_reason
from daypass.workflow.seams import Seams


def open_review(work: WriteWork, grant: Grant, notify: Iterable[str], now: datetime) -> Review:
    """Record that somebody has to look at a grant, in the unit of work that records the grant.

    Args:
        notify: Logins of those who are told.
    """
    review = Review(grant.id, grant.login, now, tuple(sorted(set(notify))))
    work.add_review(review)
    details = {"login": grant.login, "flow": grant.flow, "notify": list(review.notify)}
    work.append_event("review.opened", grant.id, details)
    return review


def find_review(view: ReadView, grant_id: str) -> Review:
    """The review of a grant, whatever the case its id was typed in.

    Raises:
        NotFoundError: There is none.
    """
    review = view.review(grant_id.upper()) or view.review(grant_id)
    if review is None:
        raise no_review(grant_id)
    return review


def no_review(grant_id: str) -> NotFoundError:
    """There is none, or none for whoever asks."""
    return NotFoundError(f"no review of a grant {grant_id!r}", hint="see: daypass review list")


def close_review(seams: Seams, grant_id: str, person: Person, reason: str, now: datetime) -> Review:
    """Close a review: once, with a reason, by somebody who has to do with it but wasn't part of it.

    That is whoever was told, and whoever the flow's `notify` means now; anybody where the flow is gone.

    Raises:
        NotFoundError: There is no such review.
        UsageError: `reason_missing`, or it was closed before (`review_closed`).
        DeniedError: `own_review` or `not_a_reviewer`.
        ConfigurationError: People or flows can't be read.
    """
    check_reason(reason)
    if not reason.strip():
        raise UsageError(
            "a review is closed with a reason",
            hint='say what was found: --reason "restarted db-1 after the alarm, as its log shows"',
            code="reason_missing",
        )
    policy = seams.policy()
    with seams.write(now) as work:
        review = find_review(work, grant_id)
        if review.closed_at is not None:
            raise UsageError(
                f"the review of {review.grant_id} was closed by {review.closed_by} at "
                f"{review.closed_at:%Y-%m-%d %H:%M} UTC: {review.reason}",
                code="review_closed",
            )
        _check_reviewer(work, policy, review, person, now)
        closed = replace(review, closed_at=now, closed_by=person.login, reason=reason)
        work.set_review(closed)
        work.append_event("review.closed", review.grant_id, {"person": person.login, "reason": reason})
    return closed


def concerns(view: ReadView, policy: Policy, review: Review, person: Person, now: datetime) -> bool:
    """Whether a person gets to see a review: one's own access, or one that the person may close."""
    reviewers = _reviewers(view, policy, review, now)
    return reviewers is None or person.login in reviewers | parties_of(view, review)


def parties_of(view: ReadView, review: Review) -> frozenset[str]:
    """Logins of who had the access, and who asked for it."""
    grant = view.grant(review.grant_id)
    request = view.request(grant.request_id) if grant and grant.request_id else None
    return frozenset({review.login} | ({request.requester, request.grantee} if request else set()))


def _check_reviewer(view: ReadView, policy: Policy, review: Review, person: Person, now: datetime) -> None:
    if person.login in parties_of(view, review):
        raise DeniedError(
            f"{person.login} had the access {review.grant_id}, or asked for it; "
            "nobody closes the review of one's own",
            hint="somebody else has to look at it",
            code="own_review",
        )
    reviewers = _reviewers(view, policy, review, now)
    if reviewers is not None and person.login not in reviewers:
        named = ", ".join(sorted(reviewers - parties_of(view, review))) or "nobody now"
        raise DeniedError(
            f"{person.login} isn't among those who review this access: {named}",
            hint="one of them has to look at it; who that is stands in the flow's `notify`",
            code="not_a_reviewer",
        )


def _reviewers(view: ReadView, policy: Policy, review: Review, now: datetime) -> frozenset[str] | None:
    """Logins of those who were told or would be now; None = anybody, since the flow is gone."""
    grant = view.grant(review.grant_id)
    flow = policy.flow(grant.flow) if grant else None
    if flow is None or flow.notify is None:
        return None
    names = (share.server for share in view.shares(grant_id=review.grant_id))
    had = policy.directory.person(review.login) or Person(review.login, "")
    case = Case(
        requester=had,
        grantee=had,
        servers=tuple(policy.servers[name] for name in names if name in policy.servers),
        groups=(),
        directory=policy.directory,
        at=now,
        integrations=policy.integrations,
    )
    return people_meant(flow.notify, case) | set(review.notify)
