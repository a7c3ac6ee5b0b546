"""Flows that never decide, since one before them fits whenever they would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from daypass.flows.case import Case
from daypass.flows.conditions import AllOf, AnyOf, IsManager, IsOwner, PeopleRule, people_meant
from daypass.flows.policy import Flow, Policy


@dataclass(frozen=True)
class Reach:
    """What a flow covers today; people None = it depends on the request or the hour.

    Attributes:
        places: Server names with a user group.
    """

    flow: Flow
    requesters: frozenset[str] | None
    grantees: frozenset[str] | None
    places: frozenset[tuple[str, str]]


def shadowed(policy: Policy, case: Case) -> Iterator[tuple[str, str]]:
    """Names of such flows, each with the earlier flow's name; only what is certain today is told."""
    earlier: list[Reach] = []
    for flow in policy.flows:
        if not flow.settings.active:
            continue
        reach = _reach(flow, policy, case)
        for before in earlier:
            if reach.places and _covers(before, reach):
                yield flow.name, before.flow.name
                break
        earlier.append(reach)


def _reach(flow: Flow, policy: Policy, case: Case) -> Reach:
    places = frozenset(
        (server.name, group)
        for target in flow.targets
        for server in target.select(policy.index)
        for group in target.groups
    )
    asking = None if flow.requesters is None else _people(flow.requesters, case)
    return Reach(flow, asking, _people(flow.grantees, case), places)


def _people(rule: PeopleRule, case: Case) -> frozenset[str] | None:
    if rule.changes(case) or _is_relative(rule):
        return None
    return people_meant(rule, case)


def _is_relative(rule: PeopleRule) -> bool:
    if isinstance(rule, AllOf | AnyOf):
        return any(map(_is_relative, rule.inner))
    return isinstance(rule, IsOwner | IsManager)


def _covers(before: Reach, after: Reach) -> bool:
    one, other = before.flow.settings, after.flow.settings
    return (
        one.trigger == other.trigger
        and after.places <= before.places
        and other.max_duration <= one.max_duration
        and (one.timeframe is None or one.timeframe == other.timeframe)
        and set(other.request_for) <= set(one.request_for)
        and _all_within(after.requesters, before.requesters, one.requesters == other.requesters)
        and _all_within(after.grantees, before.grantees, before.flow.grantees == after.flow.grantees)
    )


def _all_within(some: frozenset[str] | None, others: frozenset[str] | None, same: bool) -> bool:
    return same or (some is not None and others is not None and some <= others)
