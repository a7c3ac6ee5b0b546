"""`daypass offboard`: take servers out of Daypass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from daypass import wiring
from daypass.cli.confirming import confirm, confirm_by_name
from daypass.cli.names import SERVER
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, counted
from daypass.domain.grants import ShareState
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.errors import UsageError
from daypass.workflow import offboarding
from daypass.workflow.offboarding import Leaving


@click.command()
@click.argument("servers", nargs=-1, required=True, type=SERVER)
@click.option("--check", is_flag=True, help="Show what would end and go; nothing is changed.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--keep-homes", is_flag=True, help="Leave every home where it is.")
@click.option(
    "--forget", is_flag=True, help="The server is gone for good: end everything in the record alone."
)
@click.option("--confirm", "typed", metavar="NAME", help="With --forget, the name, where nobody can type it.")
@common
def offboard(
    invocation: Invocation,
    *,
    servers: tuple[str, ...],
    check: bool,
    yes: bool,
    keep_homes: bool,
    forget: bool,
    typed: str | None,
) -> int:
    """Leave servers as they were before `onboard`.

    All grants on them end first, then accounts (homes by their policy), sshd's trust, timers, files and
    groups go, in this order; the trust with a way back, kept unless a new login of the connector worked.
    Safe to repeat. With --forget nothing is sent: a server that is gone for good, or out of the server list,
    is given up, and the record says that nobody has confirmed it.

    \b
    Example:
      daypass offboard web-1 --check
      daypass offboard web-1 --yes
      daypass offboard web-9 --forget
    """
    if forget and (len(set(servers)) != 1 or keep_homes or yes):
        raise UsageError(
            "--forget takes one server, and neither --yes nor --keep-homes",
            hint="daypass offboard NAME --forget",
        )
    with wiring.open_daypass(invocation.config) as daypass:
        leaving = offboarding.look_at(daypass.seams, servers)
        if not invocation.screen.is_json:
            _show_leaving(invocation.screen, leaving)
        if forget:
            return _forget(invocation.screen, daypass, leaving[0], typed, check=check)
        if not check:
            question = f"Take everything of Daypass off {counted(len(leaving), 'server')}?"
            confirm(invocation.screen, question, confirmed=yes)
        with wave_progress(invocation.screen, "off-boarding") as progress:
            if check:
                outcomes = offboarding.check_offboarding(
                    daypass.seams, servers, keep_homes=keep_homes, progress=progress
                )
            else:
                outcomes = offboarding.offboard(
                    daypass.seams, servers, daypass.now(), keep_homes=keep_homes, progress=progress
                )
    value = {"check": check, "servers": _as_json(outcomes, leaving)}
    invocation.screen.emit(value, lambda: _show(invocation.screen, outcomes, check=check))
    return _exit_code(outcomes)


def _exit_code(outcomes: Mapping[str, Outcome]) -> int:
    done = sum(outcome.kind is OutcomeKind.APPLIED for outcome in outcomes.values())
    if done == len(outcomes):
        return EXIT_DONE
    return EXIT_PARTLY if done else EXIT_FAILED


def _forget(
    screen: Screen, daypass: wiring.Daypass, leaving: Leaving, typed: str | None, *, check: bool
) -> int:
    if not check:
        confirm_by_name(screen, leaving.server, typed, option="--confirm")
        offboarding.forget(daypass.seams, leaving.server, daypass.now())
    value = {"check": check, "forgotten": leaving.server, "confirmed": False, "ends": _ends(leaving)}
    screen.emit(value, lambda: _show_forgotten(screen, leaving, check=check))
    return EXIT_DONE


def _ends(leaving: Leaving) -> dict[str, object]:
    return {
        "accounts": [account.login for account in leaving.accounts],
        "grants": {share.grant_id: share.login for share in leaving.shares},
    }


def _as_json(outcomes: Mapping[str, Outcome], leaving: Sequence[Leaving]) -> dict[str, object]:
    ends = {one.server: _ends(one) for one in leaving}
    return {
        name: {
            "outcome": str(one.kind),
            "code": one.code,
            "message": one.message,
            "removing": one.facts.get("removing") or [],
            **ends[name],
        }
        for name, one in outcomes.items()
    }


def _show_leaving(screen: Screen, leaving: Sequence[Leaving]) -> None:
    rows = [
        (
            one.server,
            ", ".join(account.login for account in one.accounts) or "-",
            ", ".join(f"{s.login} {s.grant_id}" for s in one.shares if s.state is not ShareState.ENDING)
            or "-",
            "-" if one.listed else "in no server list",
        )
        for one in leaving
    ]
    screen.table(["server", "accounts that go", "grants that end", "note"], rows)


def _show(screen: Screen, outcomes: Mapping[str, Outcome], *, check: bool) -> None:
    word = "can be off-boarded" if check else "off-boarded"
    rows = [
        (name, word if o.kind is OutcomeKind.APPLIED else o.kind, o.code or "-", o.message or "-")
        for name, o in sorted(outcomes.items())
    ]
    screen.table(["server", "outcome", "code", "message"], rows)
    if check:
        for name, outcome in sorted(outcomes.items()):
            for item in outcome.facts.get("removing") or []:
                screen.line(f"{name}: would go: {item}")
    elif any(outcome.kind is not OutcomeKind.APPLIED for outcome in outcomes.values()):
        screen.note("repeat it for the others; a server that is gone for good: --forget", style="yellow")


def _show_forgotten(screen: Screen, leaving: Leaving, *, check: bool) -> None:
    if check:
        screen.line(f"{leaving.server} would be given up; nothing was changed")
        return
    screen.line(f"{leaving.server} is given up; nobody has confirmed anything there")
    screen.note("certificates end with their grants; a machine that comes back: daypass onboard --take-over")
