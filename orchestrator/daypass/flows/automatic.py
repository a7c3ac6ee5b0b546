"""Automatic access: what is to change so that everyone has what the flows give by themselves. Pure.

One grant of a person by a flow at a time. It follows people, servers, groups and keys, and its end is moved
while the person is meant (docs/adr/0019).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.config.access_flows import AccessFlow
from daypass.config.part import SHORTEST
from daypass.domain.automatic import AutomaticAccess
from daypass.flows.checking import some
from daypass.flows.entitled import Entitled, Note, Wanted, doubtful_shifts
from daypass.flows.policy import Flow, Policy

# Before the end: a server that failed is tried again within 15 minutes, and nobody wants to be warned 5
# minutes ahead of an end that moves.
LEAST_LEAD = timedelta(minutes=20)


@dataclass(frozen=True)
class Open:
    """A new grant.

    Attributes:
        before: What the record holds of this person and flow; a grant that is live ends with it.
        reason: Why that one ends.
    """

    wanted: Wanted
    until: datetime
    before: AutomaticAccess | None = None
    reason: str = ""


@dataclass(frozen=True)
class Keep:
    """A grant that is made to fit.

    Attributes:
        until: Its new end, None = as it is.
    """

    access: AutomaticAccess
    wanted: Wanted
    until: datetime | None


@dataclass(frozen=True)
class End:
    """Nothing is to be given any more; what has ended already is only forgotten."""

    access: AutomaticAccess
    reason: str


Change = Open | Keep | End


@dataclass(frozen=True)
class AutomaticPlan:
    """What is to change, closings first, and what is left out."""

    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()


def plan_automatic(
    policy: Policy, accesses: Collection[AutomaticAccess], ready: Collection[str], now: datetime
) -> AutomaticPlan:
    """Compare what people are to have with what the record says they have.

    Where a shift can't be told, nothing is changed for a flow that goes by it: access ends with its window.

    Args:
        ready: Servers that access can be given on.
    """
    by_flow: dict[str, dict[str, AutomaticAccess]] = defaultdict(dict)
    for access in accesses:
        by_flow[access.flow][access.login] = access
    flows = {flow.name: flow for flow in policy.flows if is_on(flow.settings)}
    ends: list[Change] = [*flows_gone([flow.settings for flow in policy.flows], accesses)]
    changes: list[Change] = []
    notes: list[Note] = []
    for name, flow in flows.items():
        if doubtful := sorted(doubtful_shifts(flow, policy, now)):
            text = f"nothing is changed while it can't be told who is on shift: {some(doubtful)}"
            notes.append(Note(name, "shift_unknown", text))
            continue
        entitled = Entitled(flow, policy, ready, now)
        notes.extend(entitled.notes)
        had = by_flow.get(name, {})
        unmeant = had.keys() - entitled.wanted.keys()
        if unknown := sorted(unmeant & policy.directory.doubtful.keys()):
            text = f"nothing is changed while it can't be told whether they are here: {some(unknown)}"
            notes.append(Note(name, "person_doubtful", text))
        ends.extend(
            End(had[login], NOT_MEANT) for login in sorted(unmeant - policy.directory.doubtful.keys())
        )
        changes.extend(_changes(entitled, had, now, notes))
    return AutomaticPlan((*ends, *changes), tuple(notes))


NOT_MEANT = "the flow doesn't give it any more"
BOUND_OTHERWISE = "the flow binds certificates otherwise now"


def _changes(
    entitled: Entitled, had: dict[str, AutomaticAccess], now: datetime, notes: list[Note]
) -> Iterable[Change]:
    withheld: list[str] = []
    for login, wanted in entitled.wanted.items():
        access = had.get(login)
        if access is not None and access.window.not_after > now and access.ended_at is not None:
            withheld.append(login)
            continue
        if access is None or access.window.not_after <= now or _bound_otherwise(access, wanted.flow):
            until = entitled.until(wanted)
            if until - now >= SHORTEST:
                yield Open(wanted, until, access, BOUND_OTHERWISE)
            continue
        until_later = _later(entitled, wanted, access, now)
        if until_later is not None or access.digest != wanted.digest:
            yield Keep(access, wanted, until_later)
    if withheld:
        text = f"taken back, so not given again before it would have ended: {some(withheld)}"
        notes.append(Note(entitled.flow.name, "taken_back", text))


def is_on(flow: AccessFlow) -> bool:
    """Whether a flow gives access by itself."""
    return flow.active and flow.trigger == "automatic"


def flows_gone(flows: Iterable[AccessFlow], accesses: Iterable[AutomaticAccess]) -> list[End]:
    """The end of what flows gave that don't any more; people needn't be known for that."""
    by_name = {flow.name: flow for flow in flows}
    gone = (access for access in accesses if (flow := by_name.get(access.flow)) is None or not is_on(flow))
    return [End(access, _why_gone(by_name.get(access.flow), access.flow)) for access in gone]


def _why_gone(flow: AccessFlow | None, name: str) -> str:
    if flow is None:
        return f"there is no flow {name} any more"
    return f"the flow {name} is asked now" if flow.active else f"the flow {name} is switched off"


def _bound_otherwise(access: AutomaticAccess, flow: Flow) -> bool:
    wanted = flow.settings.certificate
    same_bounds = dict(access.critical_options) == wanted.critical_options
    return not same_bounds or sorted(access.extensions) != sorted(wanted.extensions)


def _later(entitled: Entitled, wanted: Wanted, access: AutomaticAccess, now: datetime) -> datetime | None:
    """The new end of a grant that is soon over, where it can be later."""
    if access.window.not_after - now >= lead(wanted.flow.settings.max_duration):
        return None
    until = entitled.until(wanted)
    return until if until - access.window.not_after >= SHORTEST else None


def lead(length: timedelta) -> timedelta:
    """How long before its end a grant of this length is renewed: a quarter, with time for a second try."""
    return min(length / 2, max(length / 4, LEAST_LEAD))
