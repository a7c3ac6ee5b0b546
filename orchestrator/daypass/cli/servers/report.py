"""`daypass report`: what stands on servers, compared with their ledgers and with the record."""

from __future__ import annotations

from collections.abc import Mapping

import click

from daypass import wiring
from daypass.cli.confirming import confirm
from daypass.cli.names import SERVER
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, counted
from daypass.domain.outcomes import Outcome
from daypass.domain.reports import HostReport
from daypass.workflow import reporting


@click.command()
@click.argument("servers", nargs=-1, metavar="[SERVER]...", type=SERVER)
@click.option("--deep", is_flag=True, help="Look for setuid files on all of the servers' disks, too.")
@click.option("--fix", is_flag=True, help="Send the full document where that puts findings right.")
@click.option("--check", is_flag=True, help="With --fix: only show what it would put right.")
@click.option("--yes", is_flag=True, help="With --fix: don't ask.")
@common
def report(
    invocation: Invocation, *, servers: tuple[str, ...], deep: bool, fix: bool, check: bool, yes: bool
) -> int:
    """Ask servers what stands there: drifted groups, edited files, extra keys, unknown accounts, leftovers.

    Without names, all onboarded servers. Nothing is changed unless --fix is given. Exit code 0 when nothing
    was found, 1 when something was (with --fix: when something is left), 3 when a server gave no report.

    \b
    Example:
      daypass report
      daypass report web-1 --deep
      daypass report --fix --check
    """
    screen = invocation.screen
    with wiring.open_daypass(invocation.config) as daypass:
        seams = daypass.seams
        names = reporting.onboarded(seams, servers)
        with wave_progress(screen, "asking") as progress:
            found = reporting.report(seams, names, daypass.now(), deep=deep, progress=progress)
        wanted = reporting.repairable(found) if fix else {}
        repaired: Mapping[str, Outcome] = {}
        if wanted and not check:
            if not screen.is_json:
                _show(screen, found)
            confirm(screen, f"Send {counted(len(wanted), 'server')} the full document?", confirmed=yes)
            with wave_progress(screen, "repairing") as progress:
                repaired = reporting.repair(seams, tuple(wanted), daypass.now(), progress)
            with wave_progress(screen, "asking again") as progress:
                found |= reporting.report(seams, tuple(wanted), daypass.now(), deep=deep, progress=progress)
    value = {
        "servers": {name: _as_json(outcome) for name, outcome in found.items()},
        "would_repair" if check else "repaired": {
            name: {"findings": count, "outcome": str(repaired[name].kind) if name in repaired else None}
            for name, count in wanted.items()
        },
    }
    screen.emit(value, lambda: _show(screen, found, wanted if check else {}))
    return exit_code_of(found)


def exit_code_of(found: Mapping[str, Outcome]) -> int:
    """0 nothing found, 1 something (or no report at all), 3 where a server gave no report."""
    reports = [outcome.report for outcome in found.values() if outcome.report is not None]
    if found and not reports:
        return EXIT_FAILED
    if len(reports) < len(found):
        return EXIT_PARTLY
    return EXIT_FAILED if any(one.findings or one.left_out for one in reports) else EXIT_DONE


def _as_json(outcome: Outcome) -> dict[str, object]:
    value: dict[str, object] = {
        "outcome": str(outcome.kind),
        "code": outcome.code,
        "message": outcome.message,
    }
    return value | (_report_json(outcome.report) if outcome.report is not None else {})


def _report_json(report: HostReport) -> dict[str, object]:
    return {
        "host_id": report.host_id,
        "machine_id": report.machine_id,
        "sequence": report.sequence,
        "drift_seconds": report.drift_seconds,
        "accounts_open": report.accounts_open,
        "accounts_closed": report.accounts_closed,
        "findings": [vars(finding) for finding in report.findings],
        "left_out": report.left_out,
        "unproven": [vars(one) for one in report.unproven],
    }


def _show(
    screen: Screen, found: Mapping[str, Outcome], would_repair: Mapping[str, int] | None = None
) -> None:
    rows = []
    for name, outcome in sorted(found.items()):
        if outcome.report is None:
            rows.append((name, outcome.code or outcome.kind, outcome.message or "no report", "-"))
            continue
        rows += [(name, one.code, one.sentence, one.repair) for one in outcome.report.findings]
        if outcome.report.left_out:
            rows.append((name, "left_out", f"{outcome.report.left_out} more findings", "-"))
    if rows:
        screen.table(["server", "finding", "what", "put right by"], rows)
    good = sum(outcome.report is not None and not outcome.report.findings for outcome in found.values())
    screen.line(f"{counted(len(found), 'server')} asked, {good} without a finding")
    for name, outcome in sorted(found.items()):
        for one in outcome.report.unproven if outcome.report is not None else ():
            text = f"{name}: {one.login} holds {one.why} (grant {one.grant}): verified by report, not proven"
            screen.note(text, style="yellow")
    for name, count in sorted((would_repair or {}).items()):
        screen.line(f"{name}: --fix would put {counted(count, 'finding')} right; nothing was changed")
