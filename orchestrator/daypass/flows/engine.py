"""One request against all flows: yes, no, or after whose approval, with every reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from daypass.config.part import SHORTEST
from daypass.domain.windows import Window, window_from
from daypass.errors import DeniedError
from daypass.flows.approvals import Approvals, approvals
from daypass.flows.case import Ask
from daypass.flows.conditions import people_meant
from daypass.flows.looking_up import build_case
from daypass.flows.policy import Flow, Policy
from daypass.flows.rules import (
    DEMANDS,
    FITTING,
    Facts,
    IsActive,
    Reason,
    WithinTimeframe,
    reason_of,
    wanted_length,
)


class Verdict(StrEnum):
    """The answer."""

    GRANTED = "granted"
    NEEDS_APPROVAL = "needs_approval"
    DENIED = "denied"


@dataclass(frozen=True)
class Judged:
    """One flow with what each rule says of it; the words are made when somebody asks for them."""

    subject: Flow
    facts: Facts = field(repr=False)

    @property
    def flow(self) -> str:
        return self.subject.name

    @cached_property
    def fits(self) -> bool:
        return all(rule.holds(self.subject, self.facts) for rule in FITTING)

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(reason_of(rule, self.subject, self.facts) for rule in FITTING)


@dataclass(frozen=True)
class Decision:
    """The answer to one request.

    Attributes:
        code: Why it is denied, `granted` or `needs_approval` otherwise.
        sentence: The answer in words.
        flow: The flow that decided; None where none fits.
        judged: Every flow in the order of the file, as far as the request could be looked at.
        demands: What the chosen flow wants to have.
        window: When access would be, were it granted now.
        approvals: Who is to say yes; None where nothing is to be approved.
        critical_options: What the certificate is bound to.
        extensions: What the certificate may do.
        notify: Logins of those who are told at once (break-glass).
        review: Whether somebody has to look at it afterwards (break-glass).
    """

    verdict: Verdict
    code: str
    sentence: str
    flow: str | None = None
    judged: tuple[Judged, ...] = ()
    demands: tuple[Reason, ...] = ()
    window: Window | None = None
    approvals: Approvals | None = None
    critical_options: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    notify: frozenset[str] = frozenset()
    review: bool = False


def decide(ask: Ask, policy: Policy, now: datetime) -> Decision:
    """Decide one request at `now`; of several flows that fit, the first one in the file counts.

    1. The words: people who are here, servers and groups that there are.
    2. Every flow, by every rule. None fits: denied.
    3. What the first that fits demands of the request.
    4. Whose yes is needed, and whether enough people could give it.
    """
    try:
        case = build_case(ask, policy, now)
    except DeniedError as error:
        return Decision(Verdict.DENIED, error.code, error.sentence)
    facts = Facts(ask, case, max(now, ask.start or now))
    judged = tuple(Judged(flow, facts) for flow in policy.flows)
    chosen = next((one for one in judged if one.fits), None)
    if chosen is None:
        return Decision(Verdict.DENIED, "no_flow", "no access flow allows this", judged=judged)
    return _by_flow(chosen.subject, facts, policy, judged, now)


def decide_by(name: str, ask: Ask, policy: Policy, now: datetime) -> Decision:
    """Decide a request once more, by the flow that it was made under, as that flow is now.

    Denied with `flow_gone`; `flow_inactive`; `outside_timeframe` where nothing else is in the way, so that it
    may fit later; `does_not_fit` with what is in the way; or as `decide`.
    """
    flow = policy.flow(name)
    if flow is None:
        return Decision(Verdict.DENIED, "flow_gone", f"there is no flow {name!r} any more", name)
    try:
        case = build_case(ask, policy, now)
    except DeniedError as error:
        return Decision(Verdict.DENIED, error.code, error.sentence, name)
    facts = Facts(ask, case, max(now, ask.start or now))
    judged = (Judged(flow, facts),)
    if judged[0].fits:
        return _by_flow(flow, facts, policy, judged, now)
    lacking = [reason for reason in judged[0].reasons if not reason.ok]
    code = _MISFITS.get(lacking[0].rule, "does_not_fit") if len(lacking) == 1 else "does_not_fit"
    sentence = f"{name} doesn't fit any more: {'; '.join(reason.text for reason in lacking)}"
    return Decision(Verdict.DENIED, code, sentence, name, judged)


_MISFITS = {IsActive.name: "flow_inactive", WithinTimeframe.name: "outside_timeframe"}


def _by_flow(flow: Flow, facts: Facts, policy: Policy, judged: tuple[Judged, ...], now: datetime) -> Decision:
    demands = tuple(reason_of(rule, flow, facts) for rule in DEMANDS)
    lacking = [reason for reason in demands if not reason.ok]
    if lacking:
        sentence = "; ".join(reason.text for reason in lacking)
        return Decision(Verdict.DENIED, f"{lacking[0].rule}_lacking", sentence, flow.name, judged, demands)
    standing = approvals(flow, facts.ask, now, (), policy, now)
    if not standing.possible:
        sentence = f"nobody could say yes: {standing.waiting_for}"
        return Decision(Verdict.DENIED, "no_approver", sentence, flow.name, judged, demands)
    waits = bool(flow.steps)
    settings = flow.settings
    return Decision(
        verdict=Verdict.NEEDS_APPROVAL if waits else Verdict.GRANTED,
        code="needs_approval" if waits else "granted",
        sentence=f"after a yes of: {standing.waiting_for}" if waits else "yes, nobody has to be asked",
        flow=flow.name,
        judged=judged,
        demands=demands,
        window=access_window(flow, facts),
        approvals=standing if waits else None,
        critical_options=settings.certificate.critical_options,
        extensions=settings.certificate.extensions,
        notify=people_meant(flow.notify, facts.case) if flow.notify and settings.break_glass else frozenset(),
        review=settings.break_glass,
    )


def access_window(flow: Flow, facts: Facts) -> Window:
    """When access would be: as long as asked, but not beyond the timeframe."""
    window = window_from(facts.start, max(SHORTEST, wanted_length(flow, facts.ask)))
    if flow.hours is None:
        return window
    closes = flow.hours.closes(window.not_before, window.not_after)
    return Window(window.not_before, closes)
