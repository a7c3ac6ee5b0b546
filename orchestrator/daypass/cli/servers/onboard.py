"""`daypass onboard`: make servers trust granted people's certificates."""

from __future__ import annotations

from collections.abc import Mapping

import click

from daypass import wiring
from daypass.cli.names import SERVER
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.errors import UsageError
from daypass.workflow.onboarding import onboard as onboard_servers


@click.command()
@click.argument("servers", nargs=-1, type=SERVER)
@click.option("--all", "everything", is_flag=True, help="Every server of every integration.")
@click.option("--take-over", is_flag=True, help="Take a server over from another Daypass orchestrator.")
@common
def onboard(invocation: Invocation, *, servers: tuple[str, ...], everything: bool, take_over: bool) -> int:
    """Set servers up, with a way back: a broken sshd configuration is never left behind.

    Each server is proven by a new login of the connector and of a throwaway account before the change is
    kept.

    \b
    Example:
      daypass onboard web-1 web-2
      daypass onboard --all
    """
    with wiring.open_daypass(invocation.config) as daypass:
        names = tuple(daypass.seams.servers) if everything else servers
        if not names:
            raise UsageError("no server is named", hint="daypass onboard NAME…, or daypass onboard --all")
        with wave_progress(invocation.screen, "onboarding") as progress:
            outcomes = onboard_servers(
                daypass.seams, names, daypass.now(), take_over=take_over, progress=progress
            )
    invocation.screen.emit(_as_json(outcomes), lambda: _show(invocation.screen, outcomes))
    done = sum(outcome.kind is OutcomeKind.APPLIED for outcome in outcomes.values())
    if done == len(outcomes):
        return EXIT_DONE
    return EXIT_PARTLY if done else EXIT_FAILED


def _as_json(outcomes: Mapping[str, Outcome]) -> dict[str, object]:
    return {
        name: {"outcome": str(o.kind), "code": o.code, "message": o.message, "facts": dict(o.facts)}
        for name, o in outcomes.items()
    }


def _show(screen: Screen, outcomes: Mapping[str, Outcome]) -> None:
    rows = [
        (name, "onboarded" if o.kind is OutcomeKind.APPLIED else o.kind, o.code or "-", o.message or "-")
        for name, o in sorted(outcomes.items())
    ]
    screen.table(["server", "outcome", "code", "message"], rows)
