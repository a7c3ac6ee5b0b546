"""`daypass doctor`: is this machine fit to run Daypass?"""

from __future__ import annotations

import click

from daypass import wiring
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.cli.render import Screen
from daypass.workflow.doctor import Finding, Grade

STYLES = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


@click.command()
@common
def doctor(invocation: Invocation) -> int:
    """Check this machine, the configuration and the state; say for each finding how to mend it.

    \b
    Example:
      daypass doctor --output json
    """
    findings = list(wiring.examine(invocation.config))
    invocation.screen.emit(
        [{"what": f.what, "grade": str(f.grade), "found": f.found, "hint": f.hint} for f in findings],
        lambda: _show(invocation.screen, findings),
    )
    return EXIT_FAILED if any(finding.grade is Grade.FAIL for finding in findings) else EXIT_DONE


def _show(screen: Screen, findings: list[Finding]) -> None:
    for finding in findings:
        screen.line(f"{finding.grade:<4} {finding.what}: {finding.found}", style=STYLES[finding.grade])
        if finding.hint and finding.grade is not Grade.OK:
            screen.line(f"     {finding.hint}")
