"""Take a grant back before its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daypass.domain.grants import Grant, GrantState, Share
from daypass.domain.outcomes import Outcome
from daypass.errors import NotFoundError, UsageError
from daypass.store.interface import ReadView
from daypass.workflow.claims import claimed
from daypass.workflow.ending import REVOKED, end_grant
from daypass.workflow.seams import Seams
from daypass.workflow.settle import OVER
from daypass.workflow.waves import Progress, converge

LONGEST_REASON = 400  # characters; the limit that the source document sets for texts shown to people


@dataclass(frozen=True)
class RevokeAnswer:
    """A grant as it stands after it was taken back; servers not yet confirmed have open shares."""

    grant: Grant
    shares: tuple[Share, ...]
    outcomes: Mapping[str, Outcome]


def check_reason(reason: str) -> None:
    """Refuse a reason that is too long, or that a log can't show on one line.

    Raises:
        UsageError: With what is allowed.
    """
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(reason)} characters, {LONGEST_REASON} are allowed")
    if not reason.isprintable():
        raise UsageError("the reason holds characters that can't be printed")


def find_grant(view: ReadView, grant_id: str, login: str | None = None) -> Grant:
    """The grant of that id, whatever the case it was typed in.

    Args:
        login: Whose it must be: a person doesn't even learn that others' grants exist. None = anybody's.

    Raises:
        NotFoundError: There is none.
    """
    grant = view.grant(grant_id.upper()) or view.grant(grant_id)
    if grant is None or login not in (None, grant.login):
        raise NotFoundError(f"no grant {grant_id!r}", hint="see: daypass access list")
    return grant


def take_back(
    seams: Seams,
    grant_id: str,
    now: datetime,
    *,
    login: str | None = None,
    reason: str = REVOKED,
    progress: Progress | None = None,
) -> RevokeAnswer:
    """End a grant now: recorded first, then every server that may hold it is told. Safe to repeat.

    Args:
        login: Whose grant it must be; None = anybody's.

    Raises:
        NotFoundError: There is no such grant.
        UsageError: The reason can't be recorded as it is.
    """
    check_reason(reason)
    with seams.write(now) as work:
        grant = find_grant(work, grant_id, login)
        if grant.state is not GrantState.ENDED and grant.ended_at is None:
            grant = end_grant(seams, work, grant, at=min(now, grant.window.not_after), reason=reason, now=now)
        open_servers = [share.server for share in work.shares(grant_id=grant.id) if share.state not in OVER]
    with claimed(seams, open_servers, now):
        outcomes = converge(seams, open_servers, progress=progress)
    with seams.store.read() as view:
        return RevokeAnswer(find_grant(view, grant.id), tuple(view.shares(grant_id=grant.id)), outcomes)
