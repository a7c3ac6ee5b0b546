"""An operator's direct grant: decide, record, sign, apply (design.md, "The way of the data")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.ca.public_keys import check_public_key
from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP, DIRECT_FLOW
from daypass.domain.windows import window_from
from daypass.errors import DeniedError, UsageError
from daypass.host_rules import check_group, check_login
from daypass.workflow.denials import denials_recorded
from daypass.workflow.giving import GrantAnswer, NewGrant, put_into_effect, record_grant
from daypass.workflow.leaving import check_here
from daypass.workflow.readiness import check_ready, servers_meant
from daypass.workflow.revoking import check_reason
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress

SHORTEST_GRANT = timedelta(
    minutes=1
)  # below that, a grant may end before a wave over a slow link has opened it
LONGEST_COMMENT = 128  # characters of GECOS; longer ones are cut by common tools


@dataclass(frozen=True)
class GrantRequest:
    """The operator's words, as typed.

    Attributes:
        servers: Names.
        tags: `(key, value)`; a server with all of them is meant too.
        public_key: The text of the person's public key file.
        comment: GECOS text; empty = the e-mail address in the directory, else `daypass <login>`.
    """

    login: str
    servers: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    length: timedelta
    public_key: str
    reason: str = ""
    comment: str = ""


def give(seams: Seams, request: GrantRequest, now: datetime, progress: Progress | None = None) -> GrantAnswer:
    """Give access now: everything is checked first, then recorded, then signed, then applied.

    Raises:
        UsageError, NotFoundError: Something in the words is wrong.
        DeniedError: The person has left, a group isn't offered by the integration, or the time is too long.
    """
    asked = {
        "servers": list(request.servers),
        "tags": [list(tag) for tag in request.tags],
        "groups": list(request.groups),
        "length_seconds": int(request.length.total_seconds()),
    }
    with denials_recorded(seams, "grant.denied", request.login, asked, now):
        new = decide(seams, request, now)
        with seams.write(now) as work:
            grant = record_grant(seams, work, new, now)
    return put_into_effect(seams, grant, now, progress)


def decide(seams: Seams, request: GrantRequest, now: datetime) -> NewGrant:
    """The grant that is meant, if the whole request is allowed; nothing is recorded before."""
    public_key = check_public_key(request.public_key)
    check_login(request.login)
    directory = seams.directory()
    check_here(directory, request.login)
    for group in request.groups:
        if group != DEFAULT_GROUP:
            check_group(group)
    _check_texts(request)
    check_length(seams, request.length)
    targets = servers_meant(seams, request.servers, request.tags)
    check_ready(seams, request.login, targets, request.groups)
    person = directory.person(request.login) if directory else None
    return NewGrant(
        login=request.login,
        comment=request.comment or (person.email if person else ""),
        flow=DIRECT_FLOW,
        reason=request.reason,
        window=window_from(now, request.length),
        servers=targets,
        groups=request.groups,
        public_keys=(public_key,),
    )


def _check_texts(request: GrantRequest) -> None:
    check_reason(request.reason)
    comment = request.comment
    if len(comment) > LONGEST_COMMENT or not all(c.isprintable() and c not in ":,\\" for c in comment):
        raise UsageError(
            f"the comment {comment!r} can't stand in /etc/passwd", hint="use the person's e-mail address"
        )


def check_length(seams: Seams, length: timedelta) -> None:
    """Refuse a window that is too short or too long (DeniedError)."""
    longest = seams.settings.direct_grant_max
    if not SHORTEST_GRANT <= length <= longest:
        raise DeniedError(
            f"a direct grant lasts from {length_text(SHORTEST_GRANT)} to {length_text(longest)}, "
            f"found {length_text(length)}",
            hint="ask for a shorter time, or change direct_grant_max in daypass.yaml",
            code="length_not_allowed",
        )
