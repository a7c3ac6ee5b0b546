"""`daypass flows`: what the access flows say, before anybody asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from daypass import wiring
from daypass.cli.durations import Length
from daypass.cli.names import GROUP, PERSON, SERVER
from daypass.cli.options import EXIT_DENIED, EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.cli.policy.people_words import show_age
from daypass.cli.render import NOTHING, Screen, time_text
from daypass.config import Settings
from daypass.domain.durations import length_text
from daypass.errors import StoreError, UsageError
from daypass.flows import Ask, Decision, OpenAccess, Policy, Verdict, decide
from daypass.flows.checking import FlowFinding, check_policy
from daypass.flows.engine import Judged

MOST_FLOWS_SHOWN = 10
SUPPOSED = (
    "(said in the request)"  # a question asks what the flows say; the justification comes with a request
)


@click.group()
def flows() -> None:
    """Check access flows, explain what they decide."""


@flows.command()
@common
def check(invocation: Invocation) -> int:
    """Find what flows can't mean: names of nobody, servers that aren't there, flows that never decide.

    Exit code 1 when something was found.

    \b
    Example:
      daypass flows check
    """
    policy = wiring.read_policy(invocation.config)
    show_age(invocation.screen, policy.directory, wiring.now())
    findings = check_policy(policy, wiring.now())
    invocation.screen.emit(
        {"flows": len(policy.flows), "findings": [vars(finding) for finding in findings]},
        lambda: _show_findings(invocation.screen, policy, findings),
    )
    return EXIT_FAILED if findings else EXIT_DONE


def _show_findings(screen: Screen, policy: Policy, findings: list[FlowFinding]) -> None:
    if findings:
        screen.table(["flow", "finding"], [(finding.where, finding.text) for finding in findings])
    else:
        count = len(policy.flows)
        screen.line(f"{count} flow{'' if count == 1 else 's'}, nothing to mend")


def as_moment(text: str | None, now: datetime) -> datetime:
    """`2026-12-24 03:00`, local where no zone is given, or now.

    Raises:
        UsageError: It isn't a time.
    """
    if text is None:
        return now
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = 'write --at "2026-12-24 03:00", or with a zone: 2026-12-24T03:00+01:00'
        raise UsageError(f"{text!r} isn't a time", hint=hint) from None


@flows.command()
@click.option("--login", required=True, type=PERSON, help="Who would have access: login or e-mail address.")
@click.option(
    "--server", "servers", required=True, multiple=True, metavar="NAME", type=SERVER, help="On which server."
)
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", type=GROUP, help="With which group.  [Default]"
)
@click.option("--at", "at", metavar="TIME", help="When, local where no zone is given.  [now]")
@click.option("--for", "length", type=Length(), help="How long.  [the flow's default]")
@click.option("--requester", type=PERSON, help="Who would ask.  [whoever would have access]")
@common
def explain(
    invocation: Invocation,
    *,
    login: str,
    servers: tuple[str, ...],
    groups: tuple[str, ...],
    at: str | None,
    length: timedelta | None,
    requester: str | None,
) -> int:
    """Say yes, no, or after whose approval, and why: as if the request were made at that moment.

    Access that the person has already counts, as far as there is a record. Nothing is asked and nothing is
    recorded. Exit code 4 when the answer is no.

    \b
    Example:
      daypass flows explain --login alice --server db-1 --group ops --at "2026-12-24 03:00"
    """
    settings, policy = wiring.read_rules(invocation.config)
    show_age(invocation.screen, policy.directory, wiring.now())
    moment = as_moment(at, wiring.now())
    ask = Ask(requester or login, login, servers, groups, length=length, justification=SUPPOSED)
    ask = replace(ask, open_access=_other_access(invocation.screen, settings, policy, ask))
    decision = decide(ask, policy, moment)
    invocation.screen.emit(
        _decision_json(decision, policy),
        lambda: _show_decision(invocation.screen, decision, policy, moment),
    )
    return EXIT_DENIED if decision.verdict is Verdict.DENIED else EXIT_DONE


def _other_access(screen: Screen, settings: Settings, policy: Policy, ask: Ask) -> tuple[OpenAccess, ...]:
    """What the record has of the person on these servers; that it can't be read is told, not passed over."""
    person = policy.directory.active(ask.grantee)
    if person is None:
        return ()
    try:
        return wiring.other_access(settings, person.login, ask.servers)
    except StoreError as error:
        screen.note(f"other access of {person.login} isn't looked at: {error.sentence}", style="yellow")
        return ()


def _decision_json(decision: Decision, policy: Policy) -> dict[str, Any]:
    standing = decision.approvals
    return {
        "verdict": str(decision.verdict),
        "code": decision.code,
        "sentence": decision.sentence,
        "flow": decision.flow,
        "justification_required": _justified(decision, policy),
        "not_before": decision.window.not_before if decision.window else None,
        "not_after": decision.window.not_after if decision.window else None,
        "critical_options": dict(decision.critical_options),
        "extensions": list(decision.extensions),
        "notify": sorted(decision.notify),
        "review": decision.review,
        "approvals": standing
        and {
            "may_answer": sorted(standing.may_vote),
            "waiting_for": standing.waiting_for,
            "steps": standing.steps,
            "next_escalation": standing.next_escalation,
        },
        "demands": [reason._asdict() for reason in decision.demands],
        "flows": [
            {"flow": one.flow, "fits": one.fits, "reasons": [reason._asdict() for reason in one.reasons]}
            for one in decision.judged
        ],
    }


def _justified(decision: Decision, policy: Policy) -> bool:
    flow = policy.flow(decision.flow) if decision.flow else None
    return flow is not None and flow.settings.justification_is_required


def _show_decision(screen: Screen, decision: Decision, policy: Policy, now: datetime) -> None:
    styles = {Verdict.GRANTED: "bold green", Verdict.NEEDS_APPROVAL: "bold yellow"}
    word = {Verdict.GRANTED: "yes", Verdict.NEEDS_APPROVAL: "yes, but"}.get(decision.verdict, "no")
    sentence = decision.sentence.removeprefix("yes, ")
    screen.line(f"{word}: {sentence}", style=styles.get(decision.verdict, "bold red"))
    for line in _details(decision, policy, now):
        screen.line(f"  {line}")
    chosen = next((one for one in decision.judged if one.flow == decision.flow), None)
    if chosen is not None:
        screen.line()
        rows = [(r.rule, "yes" if r.ok else "no", r.text) for r in (*chosen.reasons, *decision.demands)]
        screen.table(["rule", "answer", "why"], rows, title=f"flow {chosen.flow}, the first that fits")
    _show_others(screen, [one for one in decision.judged if one is not chosen])


def _details(decision: Decision, policy: Policy, now: datetime) -> list[str]:
    lines = []
    if decision.window is not None:
        length = length_text(decision.window.length)
        lines.append(f"until {time_text(decision.window.not_after, now)}, {length} if it began then")
    if decision.approvals is not None:
        names = sorted(decision.approvals.may_vote)
        more = f" and {len(names) - MOST_FLOWS_SHOWN} more" if len(names) > MOST_FLOWS_SHOWN else ""
        who = ", ".join(names[:MOST_FLOWS_SHOWN]) or "nobody at that time"
        lines.append(f"who may answer: {who}{more}")
        if decision.approvals.next_escalation is not None:
            lines.append(f"others may, too, from {time_text(decision.approvals.next_escalation, now)}")
    if decision.verdict is not Verdict.DENIED and _justified(decision, policy):
        lines.append("the request has to say why")
    lines.extend(f"certificates are bound to {k} {v}" for k, v in decision.critical_options.items())
    if decision.review:
        told = ", ".join(sorted(decision.notify)) or "nobody"
        lines.append(f"break-glass: told at once: {told}; a review is due afterwards")
    return lines


def _show_others(screen: Screen, others: list[Judged]) -> None:
    """The other flows, those that come nearest first."""
    if not others:
        return
    nearest = sorted(others, key=lambda one: sum(not reason.ok for reason in one.reasons))
    shown = nearest if screen.verbose else nearest[:MOST_FLOWS_SHOWN]
    screen.line()
    rows = [(one.flow, "; ".join(r.text for r in one.reasons if not r.ok) or NOTHING) for one in shown]
    screen.table(["flow", "why not"], rows, title="other flows, nearest first")
    if len(shown) < len(others):
        screen.note(f"and {len(others) - len(shown)} more; -v shows all")
