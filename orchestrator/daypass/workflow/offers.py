"""What a person could ask for: the flows that are for this person, with their servers and groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.domain.people import Person
from daypass.flows import Ask, Policy
from daypass.flows.case import Case
from daypass.flows.policy import Flow
from daypass.flows.rules import Facts, IsActive, IsTriggered, MayAsk, MayAskFor, MayGet, WithinTimeframe

RULES = (IsActive(), IsTriggered(), MayAsk(), MayGet(), MayAskFor())
NOW = WithinTimeframe()


@dataclass(frozen=True)
class Offer:
    """One flow as somebody who may ask sees it.

    Attributes:
        servers: Names, sorted; each at least with one of the groups.
        groups: Names, sorted.
        now: Whether its hours allow access right now.
        asks: Whether somebody has to say yes.
    """

    flow: str
    servers: tuple[str, ...]
    groups: tuple[str, ...]
    most: timedelta
    usual: timedelta | None
    now: bool
    asks: bool


def offers(policy: Policy, person: Person, now: datetime) -> Iterator[Offer]:
    """Flows by which this person may ask for access of one's own, in the order of the file.

    Conditions about servers (their owners) can't be looked at without servers: the request decides.
    """
    case = Case(
        requester=person,
        grantee=person,
        servers=(),
        groups=(),
        directory=policy.directory,
        at=now,
        integrations=policy.integrations,
    )
    facts = Facts(Ask(person.login, person.login, (), ()), case, now)
    for flow in policy.flows:
        if all(rule.holds(flow, facts) for rule in RULES):
            yield _offer(flow, policy, facts)


def _offer(flow: Flow, policy: Policy, facts: Facts) -> Offer:
    settings = flow.settings
    servers = {server.name for target in flow.targets for server in target.select(policy.index)}
    return Offer(
        flow=flow.name,
        servers=tuple(sorted(servers)),
        groups=tuple(sorted({group for target in flow.targets for group in target.groups})),
        most=settings.max_duration,
        usual=settings.default_duration,
        now=NOW.holds(flow, facts),
        asks=bool(flow.steps),
    )
