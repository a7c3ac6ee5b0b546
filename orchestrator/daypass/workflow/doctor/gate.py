"""The gate, on a machine that is a broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from daypass.workflow.doctor.findings import Finding, fail, ok

WHAT = "gate"


class GateFacts(NamedTuple):
    """What stands of the gate on this machine.

    Attributes:
        broker: The name that it was installed with.
        elsewhere: The configuration that it serves, where that isn't this one; empty = this one.
        differences: What `gate install` would do, a sentence each.
        timer: What systemd says of the timer: `active`, or something else; empty = it couldn't be asked.
    """

    broker: str
    elsewhere: str
    differences: Sequence[str]
    timer: str


def judge_gate(facts: GateFacts | None) -> Iterator[Finding]:
    """None = it isn't installed here."""
    if facts is None:
        return
    if facts.elsewhere:
        yield ok(WHAT, f"the one on this machine serves {facts.elsewhere}")
        return
    again = f"sudo daypass gate install --broker {facts.broker}"
    for one in facts.differences:
        yield fail(WHAT, f"not as it was installed: installing it again would {one}", again)
    if facts.timer not in ("active", ""):
        hint = "sudo systemctl enable --now daypass-reconcile.timer"
        yield fail(WHAT, f"the timer of reconcile is {facts.timer}", hint)
    if not facts.differences and facts.timer in ("active", ""):
        yield ok(WHAT, f"as installed, for ssh daypass@{facts.broker}")
