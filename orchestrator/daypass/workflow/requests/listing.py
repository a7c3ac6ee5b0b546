"""Requests as people see them: their own, and those that wait for their answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from daypass.domain.grants import Grant, Share
from daypass.domain.people import Person
from daypass.domain.requests import Request, RequestState, Vote
from daypass.errors import ConfigurationError, NotFoundError
from daypass.flows import Policy
from daypass.store.interface import ReadView
from daypass.workflow.requests.deciding import Settled, find_request, look
from daypass.workflow.seams import Seams

MOST_LISTED = 1000  # of requests that are over; `daypass audit export` has them all


@dataclass(frozen=True)
class Shown:
    """One request with what is known of it.

    Attributes:
        votes: Answers that counted when they were given.
        looked: What its flow says of it now; None when it is decided, or that can't be told.
        grant: What came of it, where one is shown alone.
        shares: That grant on each of its servers.
    """

    request: Request
    votes: tuple[Vote, ...] = ()
    looked: Settled | None = None
    grant: Grant | None = None
    shares: tuple[Share, ...] = ()

    @property
    def may_answer(self) -> frozenset[str]:
        """Logins of those whose yes would help now."""
        standing = self.looked.approvals if self.looked else None
        return standing.may_vote if standing else frozenset()

    def concerns(self, login: str) -> bool:
        """Whether a person has to do with it: asked, is to get it, has answered or may."""
        voted = {vote.person for vote in self.votes}
        return login in {self.request.requester, self.request.grantee, *voted, *self.may_answer}


@dataclass(frozen=True)
class Listing:
    """Requests, newest first.

    Attributes:
        problem: Why nobody can say who may answer; None where that is known.
    """

    requests: tuple[Shown, ...]
    problem: ConfigurationError | None = None


def list_requests(
    seams: Seams, person: Person | None, states: Collection[RequestState] | None, now: datetime
) -> Listing:
    """What is asked: of a person all that concerns that person, for an operator everything.

    Args:
        states: None = all.
    """
    policy, problem = _policy(seams)
    with seams.store.read() as view:
        shown = [_shown(view, one, policy, now) for one in _found(view, person, states)]
    return Listing(tuple(one for one in shown if person is None or one.concerns(person.login)), problem)


def _found(view: ReadView, person: Person | None, states: Collection[RequestState] | None) -> list[Request]:
    """The newest, with all that a person asked for or is to get, however many others there are."""
    found = {one.id: one for one in view.requests(states=states, limit=MOST_LISTED)}
    if person is not None:
        found |= {one.id: one for one in view.requests(states, person.login, MOST_LISTED)}
    return sorted(found.values(), key=lambda one: (one.created_at, one.id), reverse=True)


def show_request(seams: Seams, request_id: str, person: Person | None, now: datetime) -> Shown:
    """One request.

    Raises:
        NotFoundError: There is none, or it is none of this person's business.
    """
    policy, _problem = _policy(seams)
    with seams.store.read() as view:
        shown = _with_access(view, _shown(view, find_request(view, request_id), policy, now))
    if person is not None and not shown.concerns(person.login):
        raise NotFoundError(f"no request {request_id!r}", hint="see: daypass request list")
    return shown


def _with_access(view: ReadView, shown: Shown) -> Shown:
    grant_id = shown.request.grant_id
    if grant_id is None:
        return shown
    return replace(shown, grant=view.grant(grant_id), shares=tuple(view.shares(grant_id=grant_id)))


def _policy(seams: Seams) -> tuple[Policy | None, ConfigurationError | None]:
    try:
        return seams.policy(), None
    except ConfigurationError as error:
        return None, error


def _shown(view: ReadView, request: Request, policy: Policy | None, now: datetime) -> Shown:
    votes = tuple(view.votes(request.id))
    if policy is None or request.state is not RequestState.PENDING:
        return Shown(request, votes)
    return Shown(request, votes, look(view, request, votes, policy, now))
