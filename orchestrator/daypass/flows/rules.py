"""What decides whether a flow fits a request; one class per rule, each with its reason in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple, Protocol

from daypass.config.part import SHORTEST
from daypass.domain.durations import length_text
from daypass.domain.servers import Server
from daypass.flows.case import Ask, Case, OpenAccess
from daypass.flows.policy import Flow


class Reason(NamedTuple):
    """What one rule says: its name, its answer, and why, in words for people."""

    rule: str
    ok: bool
    text: str


@dataclass(frozen=True)
class Facts:
    """All that rules look at.

    Attributes:
        start: When access would begin.
    """

    ask: Ask
    case: Case
    start: datetime

    @cached_property
    def groups(self) -> frozenset[str]:
        return frozenset(self.case.groups)

    @cached_property
    def for_oneself(self) -> bool:
        return self.case.requester is not None and self.case.requester.login == self.case.grantee.login


class FlowRule(Protocol):
    """One rule: its answer, which must be quick, and the words for it."""

    @property
    def name(self) -> str:
        """What the setting is called."""

    def holds(self, flow: Flow, facts: Facts) -> bool:
        """Whether the flow fits the request as far as this rule is concerned."""

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        """Why."""


def reason_of(rule: FlowRule, flow: Flow, facts: Facts) -> Reason:
    """The rule's answer with its words."""
    ok = rule.holds(flow, facts)
    return Reason(rule.name, ok, rule.text(flow, facts, ok))


class IsActive:
    """A flow that is switched off is as if it weren't there."""

    name = "active"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return flow.settings.active

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        return "the flow is switched on" if ok else "the flow is switched off"


class IsTriggered:
    """Somebody asks for self-served access, nobody for automatic access."""

    name = "trigger"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return (facts.case.requester is not None) == (flow.settings.trigger == "self_serve")

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        if flow.settings.trigger == "self_serve":
            return "people ask for this access"
        return "nobody asks for this access: those whom it is for have it"


class MayAsk:
    """Requesters: who may ask."""

    name = "requesters"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        if facts.case.requester is None or flow.requesters is None:
            return flow.requesters is None
        return flow.requesters.holds(facts.case.requester, facts.case)

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        if facts.case.requester is None or flow.requesters is None:
            return "nobody asks"
        return f"{facts.case.requester.login} {'may' if ok else 'may not'} ask: {flow.requesters}"


class MayGet:
    """Grantees: who may have it."""

    name = "grantees"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return flow.grantees.holds(facts.case.grantee, facts.case)

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        return f"{facts.case.grantee.login} {'may' if ok else 'may not'} have it: {flow.grantees}"


class MayAskFor:
    """For oneself, for others, or both."""

    name = "request_for"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        if facts.case.requester is None:
            return True
        return ("self" if facts.for_oneself else "others") in flow.settings.request_for

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        if facts.case.requester is None:
            return "nobody asks"
        whom = "oneself" if facts.for_oneself else "somebody else"
        return f"asking for {whom} is {'' if ok else 'not '}allowed"


class CoversServers:
    """Every server with every group must be covered by a target."""

    name = "targets"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return all(not _missing(flow, server, facts) for server in facts.case.servers)

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        for server in facts.case.servers:
            if not any(target.has(server) for target in flow.targets):
                return f"{server.name} isn't among its servers"
            if missing := _missing(flow, server, facts):
                return f"{', '.join(sorted(missing))} isn't given on {server.name}"
        return "it is about these servers and groups"


def _missing(flow: Flow, server: Server, facts: Facts) -> frozenset[str]:
    """Groups that no target gives on this server."""
    missing = facts.groups
    for target in flow.targets:
        if not missing.isdisjoint(target.groups) and target.has(server):
            missing -= target.groups
            if not missing:
                break
    return missing


class AllowsLength:
    """`max_duration`: never longer, and never without end."""

    name = "max_duration"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return SHORTEST <= wanted_length(flow, facts.ask) <= flow.settings.max_duration

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        length, longest = wanted_length(flow, facts.ask), flow.settings.max_duration
        return f"{length_text(length)} {'is' if ok else 'is not'} within {length_text(longest)}"


class WithinTimeframe:
    """`timeframe`: access begins inside it, and ends with it."""

    name = "timeframe"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        hours = flow.hours
        if hours is None:
            return True
        soon = facts.start + SHORTEST
        return hours.holds(facts.start) and hours.closes(facts.start, soon) == soon

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        if flow.hours is None:
            return "at any time"
        local = facts.start.astimezone(flow.hours.zone)
        return f"{local:%a %Y-%m-%d %H:%M} is {'within' if ok else 'outside'} {flow.hours}"


# In the order in which people ask themselves.
FITTING: tuple[FlowRule, ...] = (
    IsActive(),
    IsTriggered(),
    MayAsk(),
    MayGet(),
    MayAskFor(),
    CoversServers(),
    AllowsLength(),
    WithinTimeframe(),
)


def wanted_length(flow: Flow, ask: Ask) -> timedelta:
    """What is asked for, or the flow's own default."""
    return ask.length or flow.settings.default_duration or flow.settings.max_duration


class GivesReason:
    """`justification_required`: said why."""

    name = "justification"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return not flow.settings.justification_is_required or bool(facts.ask.justification.strip())

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        if not flow.settings.justification_is_required:
            return "no justification is needed"
        return "the request says why" if ok else "the request must say why"


class KeepsConstraints:
    """Certificates with other bounds than those of access that the person has already don't overlap.

    A forced command or source address binds one certificate; a second one without it would undo it.
    """

    name = "certificate"

    def holds(self, flow: Flow, facts: Facts) -> bool:
        return _other_bounds(flow, facts) is None

    def text(self, flow: Flow, facts: Facts, ok: bool) -> str:
        other = _other_bounds(flow, facts)
        if other is None:
            return "no other access with other bounds"
        return f"grant {other.grant_id} on {other.server} has certificates with other bounds"


def _other_bounds(flow: Flow, facts: Facts) -> OpenAccess | None:
    """Access of the same person to one of the servers, at the same time, with other bounds."""
    options = flow.settings.certificate.critical_options
    end = facts.start + wanted_length(flow, facts.ask)
    names = {server.name for server in facts.case.servers}
    for other in facts.ask.open_access:
        overlaps = other.window.not_before < end and facts.start < other.window.not_after
        if overlaps and other.server in names and dict(other.critical_options) != options:
            return other
    return None


# Looked at for the flow that was chosen: what the request lacks is told, no other flow is tried for it.
DEMANDS: tuple[FlowRule, ...] = (GivesReason(), KeepsConstraints())
