"""The gate on this machine, where there is one. Without root: all of sshd's settings are for `gate check`."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from daypass.config import Settings
from daypass.gate.installing import GROUP, USER, Broker
from daypass.gate.knock import SOCKET
from daypass.gate.machine import InstallError, ask, read
from daypass.gate.sshd_block import DROP_IN, drop_in
from daypass.gate.units import RESIDENT, TIMER
from daypass.workflow.doctor.findings import Check
from daypass.workflow.doctor.gate import GateFacts, judge_gate

MOST_SECONDS = 5  # for the resident to take a connection


def checks(settings: Settings) -> Iterator[Check]:
    yield Check("gate", lambda: judge_gate(facts_of(settings)), "sudo daypass gate install --check")


def facts_of(settings: Settings, drop_in_file: str = DROP_IN) -> GateFacts | None:
    """What stands there; None where it isn't installed."""
    text = read(drop_in_file)
    if text is None:
        return None
    name, served = _option(text, "--broker"), _option(text, "--config")
    if served and Path(served).resolve() != settings.source.resolve():
        return GateFacts(name, served)
    broker = Broker(settings, name)
    changed = [path for path, wanted in broker.units.items() if read(path) != wanted]
    # Whether MaxStartups is ours depends on the rest of sshd's configuration, which root alone may ask for.
    if text not in [drop_in(USER, GROUP, broker.keys_command, startups=ours) for ours in (True, False)]:
        changed.insert(0, drop_in_file)
    return GateFacts(name, "", changed, dict(_stopped()), _answers(broker.folder / SOCKET))


def _option(text: str, option: str) -> str:
    """A word of the command in the drop-in; empty where somebody took it out."""
    command = next((line for line in text.splitlines() if "AuthorizedKeysCommand " in line), "")
    words = shlex.split(command)
    return words[words.index(option) + 1] if option in words[:-1] else ""


def _stopped() -> Iterator[tuple[str, str]]:
    """Units that aren't active; none where systemd can't be asked."""
    for unit in (Path(TIMER).name, Path(RESIDENT).name):
        try:
            state = ask("systemctl", "is-active", unit).stdout.strip()
        except InstallError:
            return
        if state not in ("active", ""):
            yield unit, state


def _answers(path: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as connection:
        connection.settimeout(MOST_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
