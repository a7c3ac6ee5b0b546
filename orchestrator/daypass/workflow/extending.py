"""A later end for a grant that is live, by an operator or by the flow that gave it; sessions go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daypass.ca.public_keys import check_public_key
from daypass.directory import Directory
from daypass.domain.certificates import Certificate
from daypass.domain.durations import length_text
from daypass.domain.grants import DIRECT_FLOW, Grant, Trigger
from daypass.domain.windows import Window
from daypass.errors import DeniedError, UsageError
from daypass.flows import Policy
from daypass.flows.extending import Extension, Given, Objection, decide_extension
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.changing import ChangeAnswer, change, is_over, next_certificate, open_servers, usable
from daypass.workflow.denials import denials_recorded
from daypass.workflow.ending import GIVING
from daypass.workflow.granting import SHORTEST_GRANT, check_length
from daypass.workflow.overlapping import check_constraints
from daypass.workflow.revoking import check_reason, find_grant
from daypass.workflow.seams import Seams
from daypass.workflow.signing import names_key
from daypass.workflow.waves import Progress

DENIED = "grant.extension_denied"


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

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, tuple[Certificate, ...]]:
        window = _longer(seams, grant, length, until)
        check_constraints(work, grant.login, open_servers(work, grant), window, grant.constraints)
        return _prolong(seams, work, grant, window, reason)

    with denials_recorded(seams, DENIED, grant_id.upper(), _asked(length, reason), now, check=check):
        return change(seams, grant_id, now, record, check, progress)


def extend_by_flow(
    seams: Seams,
    grant_id: str,
    now: datetime,
    *,
    login: str,
    length: timedelta | None = None,
    reason: str = "",
    check: bool = False,
    progress: Progress | None = None,
) -> tuple[ChangeAnswer, Extension]:
    """Move the end of one's own grant, as often and as far as its flow allows it now.

    Decided in the unit of work that counts it: two extensions at once are never one too many.

    Args:
        login: Whose grant it must be.
        length: How much later than now agreed; None = as much as the flow gives at once.
        check: As `extend`.

    Raises:
        NotFoundError: This person has no such grant.
        UsageError: `grant_ended`.
        DeniedError: The flow doesn't allow it; every reason, the first one's code.
    """
    check_reason(reason)
    policy = seams.policy()  # read before the unit of work: calendars may have to be fetched
    decided: list[Extension] = []

    def window_of(view: ReadView, grant: Grant) -> Window:
        extension = extension_of(view, grant, lambda: policy, now, length)
        if extension.window is None:
            raise _denied(extension.objections)
        decided.append(extension)
        return extension.window

    def record(work: WriteWork, grant: Grant) -> tuple[Grant, tuple[Certificate, ...]]:
        return _prolong(seams, work, grant, window_of(work, grant), reason)

    with seams.store.read() as view:
        grant = find_grant(view, grant_id, login)
    with denials_recorded(seams, DENIED, grant.id, _asked(length, reason), now, check=check):
        with seams.store.read() as view:  # a no comes before anything that could go wrong with keys
            if not is_over(grant, now):
                window_of(view, grant)
        return change(seams, grant.id, now, record, check, progress), decided[-1]


def _asked(length: timedelta | None, reason: str) -> dict[str, object]:
    return {"length_seconds": int(length.total_seconds()) if length else None, "reason": reason}


def extension_of(
    view: ReadView,
    grant: Grant,
    policy: Callable[[], Policy],
    now: datetime,
    length: timedelta | None = None,
) -> Extension:
    """What the flow of a grant that isn't over says of a later end.

    Raises:
        ConfigurationError: As the policy, which only grants of a flow need.
    """
    if grant.flow == DIRECT_FLOW:
        return Extension((_direct(grant),))
    shares = [share for share in view.shares(grant_id=grant.id) if share.state in GIVING]
    request = view.request(grant.request_id) if grant.request_id else None
    asked = request.requester if request else grant.login
    given = Given(
        flow=grant.flow,
        requester=None if grant.trigger is Trigger.AUTOMATIC else asked,
        grantee=grant.login,
        servers=tuple(share.server for share in shares),
        groups=tuple(sorted({group for share in shares for group in share.groups})),
        window=grant.window,
        constraints=grant.constraints,
        times_extended=grant.times_extended,
    )
    extension = decide_extension(given, policy(), now, length)
    if extension.window is not None:
        try:
            check_constraints(view, grant.login, given.servers, extension.window, grant.constraints)
            keys_to_sign(view, grant, policy().directory)
        except DeniedError as error:
            objection = Objection(error.code, error.sentence, error.hint)
            return replace(extension, objections=(objection,), window=None, cut=False)
    return extension


def _direct(grant: Grant) -> Objection:
    text = "an operator gave this access without a flow, and extends it"
    return Objection("direct_grant", text, f"an operator types: daypass extend {grant.id} --for 30m")


def _denied(objections: tuple[Objection, ...]) -> DeniedError:
    sentence = "; ".join(objection.text for objection in objections)
    return DeniedError(sentence, hint=objections[0].hint, code=objections[0].code)


def _prolong(
    seams: Seams, work: WriteWork, grant: Grant, window: Window, reason: str
) -> tuple[Grant, tuple[Certificate, ...]]:
    """Record the new end, and a certificate more for every key that the grant has."""
    longer = replace(grant, window=window, times_extended=grant.times_extended + 1)
    work.set_grant(longer)
    keys, dropped = keys_to_sign(work, grant, seams.directory())
    reserved = tuple(next_certificate(seams, work, longer, check_public_key(key)) for key in keys)
    details: dict[str, object] = {
        "login": grant.login,
        "flow": grant.flow,
        "from": grant.window.not_after.isoformat(),
        "to": window.not_after.isoformat(),
        "times_extended": longer.times_extended,
        "certificates": [{"serial": str(one.serial), "public_key": one.fingerprint} for one in reserved],
        "reason": reason,
    }
    if dropped:
        details["keys_dropped"] = [check_public_key(key).fingerprint for key in dropped]
    work.append_event("grant.extended", grant.id, details)
    return longer, reserved


def keys_to_sign(
    view: ReadView, grant: Grant, directory: Directory | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of a grant that a later end is signed for, and those that the directory has dropped since.

    A key that the directory never named came by somebody's own word, which stands.

    Raises:
        DeniedError: `keys_dropped`: none is left.
    """
    word: dict[str, bool] = {}  # key -> whether it stands without the directory
    for one in usable(view, grant):
        word[one.public_key] = word.get(one.public_key, True) and not one.from_directory
    if directory is None:
        return tuple(word), ()
    kept = tuple(key for key, own in word.items() if own or names_key(directory, grant.login, key))
    if not kept:
        raise DeniedError(
            "the directory doesn't name the keys of this access any more",
            hint="ask for new access with a key of today: daypass request new",
            code="keys_dropped",
        )
    return kept, tuple(key for key in word if key not in kept)


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
