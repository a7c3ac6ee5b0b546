"""A later end for a grant that is live; sessions go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daypass.ca.public_keys import check_public_key
from daypass.domain.certificates import Certificate
from daypass.domain.durations import length_text
from daypass.domain.grants import Grant
from daypass.domain.windows import Window
from daypass.errors import UsageError
from daypass.store.interface import WriteWork
from daypass.workflow.changing import ChangeAnswer, change, next_certificate, open_servers, usable
from daypass.workflow.granting import SHORTEST_GRANT, check_length
from daypass.workflow.overlapping import check_constraints
from daypass.workflow.revoking import check_reason
from daypass.workflow.seams import Seams
from daypass.workflow.waves import Progress


def extend(
    seams: Seams,
    grant_id: str,
    now: datetime,
    *,
    length: timedelta | None = None,
    until: datetime | None = None,
    reason: str = "",
    check: bool = False,
    progress: Progress | None = None,
) -> ChangeAnswer:
    """Move a grant's end, on every server, without ending a session.

    Args:
        length: How much later than now agreed, or
        until: the new end.
        check: Look whether it could be; record, sign and send nothing.

    Raises:
        NotFoundError: There is no such grant.
        UsageError: The grant has ended, or the new end isn't later.
        DeniedError: It would last longer than allowed, or into access that is bound otherwise
            (`constraints_differ`), or the person has left.
    """
    check_reason(reason)

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, Certificate]:
        window, times = _longer(seams, grant, length, until), grant.times_extended + 1
        longer = replace(grant, window=window, times_extended=times)
        check_constraints(work, grant.login, open_servers(work, grant), longer.window, grant.constraints)
        work.set_grant(longer)
        public_key = check_public_key(usable(work, grant)[-1].public_key)
        certificate = next_certificate(seams, work, longer, public_key)
        details = {
            "from": grant.window.not_after.isoformat(),
            "to": longer.window.not_after.isoformat(),
            "serial": str(certificate.serial),
            "reason": reason,
        }
        work.append_event("grant.extended", grant.id, details)
        return longer, certificate

    return change(seams, grant_id, now, record, check, progress)


def _longer(seams: Seams, grant: Grant, length: timedelta | None, until: datetime | None) -> Window:
    """The grant's window with its new end, if that is allowed."""
    start, end = grant.window.not_before, grant.window.not_after
    wanted = until.astimezone(UTC).replace(microsecond=0) if until else end + (length or timedelta(0))
    if wanted - end < SHORTEST_GRANT:
        raise UsageError(
            f"the new end {wanted:%Y-%m-%d %H:%M:%S} UTC isn't later than {end:%Y-%m-%d %H:%M:%S} UTC "
            f"by {length_text(SHORTEST_GRANT)} or more",
            hint=f"to end it sooner: daypass revoke {grant.id}",
            code="end_not_later",
        )
    check_length(seams, wanted - start)
    return Window(start, wanted)
