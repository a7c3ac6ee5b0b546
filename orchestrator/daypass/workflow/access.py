"""What somebody has, had, and may still do with it. Reads only; a person sees own access alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from daypass.domain.certificates import Certificate
from daypass.domain.grants import Grant, GrantState, Share, Which
from daypass.domain.requests import Request, Vote
from daypass.errors import ConfigurationError
from daypass.flows.extending import Extension, Objection
from daypass.store.interface import ReadView
from daypass.workflow.changing import is_over
from daypass.workflow.extending import extension_of
from daypass.workflow.revoking import find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.status import LIVE_GRANTS, GrantStatus

STATES = {Which.LIVE: LIVE_GRANTS, Which.PAST: (GrantState.ENDED,), Which.ALL: None}


@dataclass(frozen=True)
class AccessDetails:
    """Everything of one grant.

    Attributes:
        certificates: By number.
        request: What it came from; None where nobody asked.
        votes: What was said of the request.
        notes: Integration to its custom access details, where it has some.
        extension: Whether its end could be moved by its flow; None for a grant that is over.
    """

    grant: Grant
    shares: tuple[Share, ...]
    certificates: tuple[Certificate, ...]
    request: Request | None
    votes: tuple[Vote, ...]
    notes: Mapping[str, str]
    extension: Extension | None


def list_access(
    seams: Seams, which: Which, *, login: str | None = None, limit: int | None = None
) -> tuple[GrantStatus, ...]:
    """Grants with their servers, newest first.

    Args:
        login: Only this person's; None = an operator asks.
    """
    with seams.store.read() as view:
        # Live ones are found by their states: with a limit, a database looks through a million ended ones.
        found = view.grants(states=STATES[which], login=login, limit=None if which is Which.LIVE else limit)
        return tuple(GrantStatus(grant, tuple(view.shares(grant_id=grant.id))) for grant in found[:limit])


def show_access(seams: Seams, grant_id: str, now: datetime, *, login: str | None = None) -> AccessDetails:
    """Everything of one grant.

    Args:
        login: Whose grant it must be; None = an operator asks.

    Raises:
        NotFoundError: There is no such grant of this person's.
    """
    with seams.store.read() as view:
        grant = find_grant(view, grant_id, login)
        shares = tuple(view.shares(grant_id=grant.id))
        return AccessDetails(
            grant=grant,
            shares=shares,
            certificates=tuple(view.certificates(grant.id)),
            request=view.request(grant.request_id) if grant.request_id else None,
            votes=tuple(view.votes(grant.request_id)) if grant.request_id else (),
            notes=access_notes(seams, (share.integration for share in shares)),
            extension=None if is_over(grant, now) else _extension(seams, view, grant, now),
        )


def access_notes(seams: Seams, integrations: Iterable[str]) -> Mapping[str, str]:
    """The custom access details of these integrations as they are now, in this order."""
    known = (seams.integrations.get(name) for name in dict.fromkeys(integrations))
    return {one.name: one.custom_access_details for one in known if one and one.custom_access_details}


def _extension(seams: Seams, view: ReadView, grant: Grant, now: datetime) -> Extension:
    """Access is shown though the directory is missing or broken; what is broken stands in its place."""
    try:
        return extension_of(view, grant, seams.policy, now)
    except ConfigurationError as error:
        return Extension((Objection(error.code, error.sentence, error.hint),))
