"""The gate, on a machine that is a broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from daypass.workflow.doctor.findings import Finding, fail, ok, warn

WHAT = "gate"


class GateFacts(NamedTuple):
    """What stands of the gate on this machine.

    Attributes:
        broker: The name that it was installed with.
        elsewhere: The configuration that it serves, where that isn't this one; empty = this one.
        changed: Files that aren't as they were installed.
        stopped: Units that aren't active, with what systemd says of them.
        resident: Whether the process that has all loaded takes connections.
    """

    broker: str
    elsewhere: str = ""
    changed: Sequence[str] = ()
    stopped: Mapping[str, str] = {}
    resident: bool = True


def judge_gate(facts: GateFacts | None) -> Iterator[Finding]:
    """None = it isn't installed here."""
    if facts is None:
        return
    if facts.elsewhere:
        yield ok(WHAT, f"the one on this machine serves {facts.elsewhere}")
        return
    if facts.changed:
        again = f"sudo daypass gate install --broker {facts.broker or 'NAME'}"
        yield fail(WHAT, f"not as it was installed: {', '.join(facts.changed)}", again)
    for unit, state in facts.stopped.items():
        yield fail(WHAT, f"{unit} is {state}", f"sudo systemctl enable --now {unit}")
    if not facts.resident and not facts.stopped:
        said = "the process that has everything loaded doesn't answer, so each command takes seconds"
        yield warn(WHAT, said, "sudo systemctl restart daypass-gate.service")
    if not facts.changed and not facts.stopped and facts.resident:
        yield ok(WHAT, f"as installed, for ssh daypass@{facts.broker}")
