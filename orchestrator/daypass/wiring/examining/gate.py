"""The gate on this machine, where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from daypass.config import Settings
from daypass.gate.installing import Broker, differences
from daypass.gate.machine import InstallError, ask
from daypass.gate.sshd_block import DROP_IN
from daypass.gate.units import TIMER
from daypass.workflow.doctor.findings import Check
from daypass.workflow.doctor.gate import GateFacts, judge_gate


def checks(settings: Settings) -> Iterator[Check]:
    yield Check("gate", lambda: judge_gate(_facts(settings)), "sudo daypass doctor")


def _facts(settings: Settings) -> GateFacts | None:
    try:
        text = Path(DROP_IN).read_text("utf-8")
    except FileNotFoundError:
        return None
    broker, served = _option(text, "--broker"), _option(text, "--config")
    if served and Path(served).resolve() != settings.source.resolve():
        return GateFacts(broker, served, (), "")
    return GateFacts(broker, "", tuple(differences(Broker(settings, broker))), _timer())


def _option(text: str, option: str) -> str:
    """A word of the command in the drop-in; empty where somebody took it out."""
    command = next((line for line in text.splitlines() if "AuthorizedKeysCommand " in line), "")
    words = shlex.split(command)
    return words[words.index(option) + 1] if option in words[:-1] else ""


def _timer() -> str:
    try:
        return ask("systemctl", "is-active", Path(TIMER).name).stdout.strip()
    except InstallError:
        return ""
