"""A later end for access that a flow gave: by the flow as it is now, without asking anybody again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from daypass.config.part import SHORTEST
from daypass.domain.certificates import Constraints
from daypass.domain.durations import length_text
from daypass.domain.windows import Window
from daypass.errors import DeniedError
from daypass.flows.case import Ask
from daypass.flows.looking_up import build_case
from daypass.flows.policy import Flow, Policy
from daypass.flows.rules import CoversServers, Facts, FlowRule, MayAsk, MayAskFor, MayGet

ASK_ANEW = "ask for new access: daypass request new"


class Objection(NamedTuple):
    """Why not: a stable name, the reason in words for people, and what to do."""

    code: str
    text: str
    hint: str = ASK_ANEW


@dataclass(frozen=True)
class Given:
    """Access that a flow gave, as it stands.

    Attributes:
        requester: Login of who asked for it; None where nobody did.
        servers: Those on which it isn't over.
        groups: As they were approved; none = `Default`.
        constraints: What its certificates are bound to.
        times_extended: How often its end was moved, by whomever.
    """

    flow: str
    requester: str | None
    grantee: str
    servers: tuple[str, ...]
    groups: tuple[str, ...]
    window: Window
    constraints: Constraints = field(default_factory=Constraints)
    times_extended: int = 0


@dataclass(frozen=True)
class Extension:
    """The answer.

    Attributes:
        objections: Everything that speaks against it; none = it may be.
        times_left: How often the flow would still move the end, this time included.
        each: By how much at most, each time; None where the flow doesn't at all.
        window: With the new end; None where there are objections.
        cut: Whether the new end is the flow's hours', sooner than asked.
    """

    objections: tuple[Objection, ...]
    times_left: int = 0
    each: timedelta | None = None
    window: Window | None = None
    cut: bool = False


# What must still hold as it did when access was given; its lengths and hours are looked at apart.
STILL: tuple[tuple[str, FlowRule], ...] = (
    ("requester_not_meant", MayAsk()),
    ("person_not_meant", MayGet()),
    ("request_for_others", MayAskFor()),
    ("target_not_covered", CoversServers()),
)


def decide_extension(
    given: Given, policy: Policy, now: datetime, length: timedelta | None = None
) -> Extension:
    """Decide at `now`, for access that isn't over.

    1. The flow that gave it, which must be there and switched on.
    2. People, servers and groups, as if the same were asked for now; and the same certificates.
    3. How often, how long, and until when the flow's hours last.

    Args:
        length: How much later than now agreed; None = as much as the flow gives at once.
    """
    flow = policy.flow(given.flow)
    if flow is None:
        return Extension((Objection("flow_gone", f"the access flow {given.flow!r} isn't there any more"),))
    left, each = _left(flow, given), flow.settings.extension_duration
    end, wanted = given.window.not_after, length or each or timedelta(0)
    closes = _closes(flow, given, end + wanted, now)
    objections = (
        *_of_flow(flow, given, policy, now),
        *_of_times(flow, left),
        *_of_length(each, wanted),
        *_of_hours(flow, closes - end, wanted),
    )
    if objections:
        return Extension(objections, left, each)
    return Extension((), left, each, Window(given.window.not_before, closes), cut=closes < end + wanted)


def _left(flow: Flow, given: Given) -> int:
    return max(0, flow.settings.max_extensions - given.times_extended)


def _of_flow(flow: Flow, given: Given, policy: Policy, now: datetime) -> Iterator[Objection]:
    if not flow.settings.active:
        yield Objection("flow_inactive", f"the access flow {flow.name!r} is switched off")
    ask = Ask(given.requester, given.grantee, given.servers, given.groups)
    try:
        facts = Facts(ask, build_case(ask, policy, now), now)
    except DeniedError as error:
        yield Objection(error.code, error.sentence)
        return
    for code, rule in STILL:
        if not rule.holds(flow, facts):
            yield Objection(code, rule.text(flow, facts, False))
    wanted = flow.settings.certificate
    same = wanted.critical_options == dict(given.constraints.critical_options)
    if not same or set(wanted.extensions) != set(given.constraints.extensions):
        yield Objection("certificate_changed", f"the flow {flow.name!r} now binds certificates otherwise")


def _of_times(flow: Flow, left: int) -> Iterator[Objection]:
    most = flow.settings.max_extensions
    if not most:
        yield Objection("not_extendable", f"the flow {flow.name!r} allows no extension")
    elif not left:
        times = "once" if most == 1 else f"{most} times"
        yield Objection("no_extensions_left", f"the flow {flow.name!r} allows {times}, and that is used up")


def _of_length(each: timedelta | None, wanted: timedelta) -> Iterator[Objection]:
    if each is not None and not SHORTEST <= wanted <= each:
        allowed = f"{length_text(SHORTEST)} to {length_text(each)} at a time"
        text = f"an extension is {allowed}, found {length_text(wanted)}"
        yield Objection("extension_length", text, f"ask for less: --for {length_text(each).replace(' ', '')}")


def _of_hours(flow: Flow, gained: timedelta, wanted: timedelta) -> Iterator[Objection]:
    if flow.hours is not None and gained < min(wanted, SHORTEST):
        yield Objection("outside_timeframe", f"the access is over when the flow's hours are: {flow.hours}")


def _closes(flow: Flow, given: Given, wanted: datetime, now: datetime) -> datetime:
    """The end that is wanted, or the moment at which the flow's hours end before it."""
    moment = max(now, given.window.not_before)
    if flow.hours is None:
        return wanted
    return flow.hours.closes(moment, wanted) if flow.hours.holds(moment) else moment
