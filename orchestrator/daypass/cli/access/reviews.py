"""`daypass review`: break-glass access that somebody still has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from daypass.cli.acting import acting, acting_person, as_person
from daypass.cli.names import REVIEW
from daypass.cli.options import Invocation, common
from daypass.cli.render import Screen, time_text
from daypass.domain.grants import Grant, Share
from daypass.domain.reviews import Review

MOST_LISTED = 100


@click.group()
def review() -> None:
    """Reviews of break-glass access."""


@review.command("list")
@click.option("--all", "closed_too", is_flag=True, help=f"The newest {MOST_LISTED}, closed ones too.")
@as_person
@common
def list_reviews(invocation: Invocation, *, closed_too: bool, person: str | None) -> None:
    """Show break-glass access that nobody has looked at yet, oldest first.

    With --as, and at the gate: a person's own, and what the person may close.

    \b
    Example:
      daypass review list
    """
    from daypass.workflow.reviewing import concerns

    with invocation.open() as daypass:
        now = daypass.now()
        seams, who = acting(daypass.seams, person)
        with seams.store.read() as view:
            found = view.reviews(limit=MOST_LISTED) if closed_too else view.reviews(open_only=True)
            if who is not None:
                found = [one for one in found if concerns(view, seams.policy(), one, who, now)]
    invocation.screen.emit(
        {"reviews": [review_json(one) for one in found]}, lambda: _show_list(invocation.screen, found, now)
    )


@review.command("show")
@click.argument("grant_id", metavar="GRANT", type=REVIEW)
@as_person
@common
def show(invocation: Invocation, *, grant_id: str, person: str | None) -> None:
    """Show what is known of a break-glass access: who, where, when, why, and what was found.

    \b
    Example:
      daypass review show 01JD8F3K9M2N4P6Q8R0S2T4V6W
    """
    from daypass.workflow.reviewing import concerns, find_review, no_review
    from daypass.workflow.revoking import find_grant

    with invocation.open() as daypass:
        now = daypass.now()
        seams, who = acting(daypass.seams, person)
        with seams.store.read() as view:
            one = find_review(view, grant_id)
            if who is not None and not concerns(view, seams.policy(), one, who, now):
                raise no_review(grant_id)
            grant, shares = find_grant(view, one.grant_id), view.shares(grant_id=one.grant_id)
    whole = review_json(one) | {
        "flow": grant.flow,
        "justification": grant.reason,
        "request": grant.request_id,
        "actor": grant.actor,
        "state": str(grant.state),
        "not_before": grant.window.not_before,
        "not_after": grant.window.not_after,
        "ended_at": grant.ended_at,
        "servers": {share.server: list(share.groups) for share in shares},
    }
    invocation.screen.emit(whole, lambda: _show_one(invocation.screen, one, grant, shares, now))


@review.command("close")
@click.argument("grant_id", metavar="GRANT", type=REVIEW)
@click.option("--reason", required=True, help="What was found; kept in the audit log.")
@as_person
@common
def close(invocation: Invocation, *, grant_id: str, reason: str, person: str | None) -> None:
    """Close a review: somebody has looked at what was done with the access.

    Whoever had it, or asked for it, can't. It is for those whom the flow's `notify` names.

    \b
    Example:
      daypass review close 01JD8F3K9M2N4P6Q8R0S2T4V6W --as emil --reason "as INC-7 says"
    """
    from daypass.workflow.reviewing import close_review

    with invocation.open() as daypass:
        seams, reviewer = acting_person(daypass.seams, person)
        closed = close_review(seams, grant_id, reviewer, reason, daypass.now())
    invocation.screen.emit(
        review_json(closed),
        lambda: invocation.screen.line(
            f"the review of {closed.grant_id} of {closed.login} is closed by {closed.closed_by}"
        ),
    )


def review_json(review: Review) -> dict[str, object]:
    """A review as programs get it."""
    return {
        "grant": review.grant_id,
        "login": review.login,
        "opened_at": review.opened_at,
        "notify": list(review.notify),
        "open": review.is_open,
        "closed_at": review.closed_at,
        "closed_by": review.closed_by or None,
        "reason": review.reason or None,
    }


def show_open(screen: Screen, reviews: Sequence[Review], now: datetime) -> None:
    """Open reviews, each on a line."""
    for one in reviews:
        told = ", ".join(one.notify) or "nobody"
        screen.line(
            f"review open since {time_text(one.opened_at, now)}: break-glass grant {one.grant_id} of "
            f"{one.login}, told: {told}",
            style="yellow",
        )


def _show_list(screen: Screen, reviews: Sequence[Review], now: datetime) -> None:
    if not reviews:
        screen.line("no reviews are open")
        return
    rows = [
        (
            one.grant_id,
            one.login,
            time_text(one.opened_at, now),
            ", ".join(one.notify) or "-",
            "open" if one.is_open else f"closed by {one.closed_by}",
            one.reason or "-",
        )
        for one in reviews
    ]
    screen.table(["grant", "login", "since", "told", "state", "reason"], rows)


def _show_one(screen: Screen, one: Review, grant: Grant, shares: Sequence[Share], now: datetime) -> None:
    screen.line(f"grant {grant.id} of {grant.login}, by flow {grant.flow}: {grant.state}")
    screen.line(f"  why: {grant.reason or '-'}")
    screen.line(f"  given by: {grant.actor}" + (f", request {grant.request_id}" if grant.request_id else ""))
    screen.line(f"  from {time_text(grant.window.not_before, now)}")
    screen.line(f"  until {time_text(grant.ended_at or grant.window.not_after, now)}")
    screen.table(["server", "groups"], [(share.server, ", ".join(share.groups) or "-") for share in shares])
    if one.closed_at is None:
        show_open(screen, [one], now)
    else:
        screen.line(f"review closed by {one.closed_by} at {time_text(one.closed_at, now)}: {one.reason}")
