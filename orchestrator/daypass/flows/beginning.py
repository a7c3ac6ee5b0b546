"""Whether access that was granted for later may still begin, by its flow as it is now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daypass.domain.grants import Grant
from daypass.errors import DeniedError
from daypass.flows.case import Ask
from daypass.flows.entitled import doubtful_shifts
from daypass.flows.looking_up import build_case
from daypass.flows.policy import Flow, Policy
from daypass.flows.rules import (
    CoversServers,
    Facts,
    FlowRule,
    IsActive,
    IsTriggered,
    MayAsk,
    MayAskFor,
    MayGet,
)

# Length and hours were settled when it was granted, its window says them; what it demanded was said then.
STILL: tuple[FlowRule, ...] = (IsActive(), IsTriggered(), MayGet(), MayAskFor(), CoversServers())


@dataclass(frozen=True)
class Beginning:
    """What is to become of a grant whose time has come.

    Attributes:
        over: Why all of it ends, None where it doesn't.
        misfits: Servers that it ends on, with why.
        held: It can't be told now: nothing begins, and nothing ends.
    """

    over: str | None = None
    misfits: Mapping[str, str] = field(default_factory=dict)
    held: bool = False


def look_again(
    grant: Grant, requester: str, places: Mapping[str, tuple[str, ...]], policy: Policy, now: datetime
) -> Beginning:
    """Look at a grant at the beginning of its window.

    Args:
        requester: Login of who asked.
        places: Groups by server, of those where it is to begin.
    """
    flow = policy.flow(grant.flow)
    if flow is None:
        return Beginning(over=f"there is no flow {grant.flow} any more")
    if not flow.settings.active:
        return Beginning(over=f"the flow {grant.flow} is switched off")
    if grant.constraints.critical_options != flow.settings.certificate.critical_options or set(
        grant.constraints.extensions
    ) != set(flow.settings.certificate.extensions):
        return Beginning(over=f"the flow {grant.flow} binds certificates otherwise now")
    if doubtful_shifts(flow, policy, now) or {requester, grant.login} & policy.directory.doubtful.keys():
        return Beginning(held=True)
    asked = {name: Ask(requester, grant.login, (name,), groups) for name, groups in places.items()}
    found = {name: _why_not(flow, ask, policy, now) for name, ask in asked.items()}
    return Beginning(misfits={name: why for name, why in found.items() if why is not None})


def _why_not(flow: Flow, ask: Ask, policy: Policy, now: datetime) -> str | None:
    try:
        facts = Facts(ask, build_case(ask, policy, now), now)
    except DeniedError as error:
        return error.sentence
    rules = STILL
    if flow.requesters is not None and not flow.requesters.changes(facts.case):
        rules += (MayAsk(),)  # who was on shift when asking needn't be on shift now
    lacking = [rule.text(flow, facts, False) for rule in rules if not rule.holds(flow, facts)]
    return "; ".join(lacking) or None
