"""What decides whether a flow fits a request; one class per rule, each with its reason in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from daypass.config.part import SHORTEST
from daypass.domain.durations import length_text
from daypass.flows.case import Ask, Case
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

    @property
    def for_oneself(self) -> bool:
        return self.case.requester is not None and self.case.requester.login == self.case.grantee.login


class FlowRule(Protocol):
    """One rule."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        """Whether the flow fits the request as far as this rule is concerned."""


class IsActive:
    """A flow that is switched off is as if it weren't there."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        ok = flow.settings.active
        return Reason("active", ok, "the flow is switched on" if ok else "the flow is switched off")


class IsTriggered:
    """Somebody asks for self-served access, nobody for automatic access."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        asked = facts.case.requester is not None
        ok = asked == (flow.settings.trigger == "self_serve")
        if flow.settings.trigger == "self_serve":
            return Reason("trigger", ok, "people ask for this access")
        return Reason("trigger", ok, "nobody asks for this access: those whom it is for have it")


class MayAsk:
    """Requesters: who may ask."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        person = facts.case.requester
        if person is None or flow.requesters is None:
            return Reason("requesters", flow.requesters is None, "nobody is asked who may ask")
        ok = flow.requesters.holds(person, facts.case)
        may = "may" if ok else "may not"
        return Reason("requesters", ok, f"{person.login} {may} ask: {flow.requesters_text}")


class MayGet:
    """Grantees: who may have it."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        person = facts.case.grantee
        ok = flow.grantees.holds(person, facts.case)
        may = "may" if ok else "may not"
        return Reason("grantees", ok, f"{person.login} {may} have it: {flow.grantees_text}")


class MayAskFor:
    """For oneself, for others, or both."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        if facts.case.requester is None:
            return Reason("request_for", True, "nobody asks")
        wanted = "self" if facts.for_oneself else "others"
        ok = wanted in flow.settings.request_for
        whom = "oneself" if facts.for_oneself else "somebody else"
        return Reason("request_for", ok, f"asking for {whom} is {'' if ok else 'not '}allowed")


class CoversServers:
    """Every server with every group must be covered by a target."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        groups = frozenset(facts.case.groups)
        for server in facts.case.servers:
            missing = groups
            meant = False
            for target in flow.targets:
                if not missing:
                    break
                if not missing.isdisjoint(target.groups) and target.has(server):
                    missing -= target.groups
                elif not meant:
                    meant = target.has(server)
            if missing == groups and not meant:
                return Reason("targets", False, f"{server.name} isn't among its servers")
            if missing:
                return Reason("targets", False, f"{', '.join(sorted(missing))} isn't given on {server.name}")
        return Reason("targets", True, "it is about these servers and groups")


class AllowsLength:
    """`max_duration`: never longer, and never without end."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        longest = flow.settings.max_duration
        length = wanted_length(flow, facts.ask)
        ok = SHORTEST <= length <= longest
        text = f"{length_text(length)} {'is' if ok else 'is not'} within {length_text(longest)}"
        return Reason("max_duration", ok, text)


class WithinTimeframe:
    """`timeframe`: access begins inside it, and ends with it."""

    def check(self, flow: Flow, facts: Facts) -> Reason:
        if flow.settings.timeframe is None:
            return Reason("timeframe", True, "at any time")
        hours = flow.settings.timeframe.weekly
        local = facts.start.astimezone(hours.zone)
        soon = facts.start + SHORTEST
        ok = hours.holds(facts.start) and hours.closes(facts.start, soon) == soon
        inside = "within" if ok else "outside"
        return Reason("timeframe", ok, f"{local:%a %Y-%m-%d %H:%M} is {inside} {hours}")


# In the order in which people ask themselves; each is looked at, so that all reasons are told at once.
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

    def check(self, flow: Flow, facts: Facts) -> Reason:
        if not flow.settings.justification_is_required:
            return Reason("justification", True, "no justification is needed")
        ok = bool(facts.ask.justification.strip())
        return Reason("justification", ok, "the request says why" if ok else "the request must say why")


class KeepsConstraints:
    """Certificates with other bounds than those of access that the person has already don't overlap.

    A forced command or source address binds one certificate; a second one without it would undo it.
    """

    def check(self, flow: Flow, facts: Facts) -> Reason:
        options = flow.settings.certificate.critical_options
        end = facts.start + wanted_length(flow, facts.ask)
        names = {server.name for server in facts.case.servers}
        for other in facts.ask.open_access:
            overlaps = other.window.not_before < end and facts.start < other.window.not_after
            if overlaps and other.server in names and dict(other.critical_options) != options:
                text = f"grant {other.grant_id} on {other.server} has certificates with other bounds"
                return Reason("certificate", False, text)
        return Reason("certificate", True, "no other access with other bounds")


# Looked at for the flow that was chosen: what the request lacks is told, no other flow is tried for it.
DEMANDS: tuple[FlowRule, ...] = (GivesReason(), KeepsConstraints())
