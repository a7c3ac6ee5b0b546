"""`daypass gate serve`: the resident process, with everything loaded that a command at the gate may need."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path

import click

import daypass
from daypass.cli.render import Screen
from daypass.errors import DaypassError
from daypass.gate.resident import Resident, listen, tell_systemd

# Libraries load these when they are used for the first time.
OF_OTHERS = (
    "ansible_runner.config.runner",
    "ansible_runner.runner",
    "encodings.ascii",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
# Programs of their own, plugins of Ansible's and Alembic's.
NOT_OURS_TO_LOAD = re.compile(r".*\.(__main__|apprise_process|callbacks\..*|migrations\..*)")
EXIT_FAILED = 1


@click.command()
@click.option("--config", required=True, type=click.Path(path_type=Path), help="Configuration file.")
@click.option(
    "--folder", required=True, type=click.Path(path_type=Path), help="A private folder of the gate's."
)
@click.option("--broker", required=True, help="The name by which people know this machine.")
def serve(config: Path, folder: Path, broker: str) -> None:
    """Wait for what sshd asks and people type, with everything loaded. systemd starts it.

    Each command is a process of its own, which reads configuration and directory anew. The gate works without
    this, and slower. It ends when the installed program changes, and systemd starts the new one.

    \b
    Example (`daypass gate install` writes the unit):
      daypass gate serve --config /etc/daypass/daypass.yaml --folder /var/lib/daypass/gate --broker …
    """
    from daypass.wiring.opening import leave_no_core

    leave_no_core()
    load_everything()
    os.chdir("/")
    words = ("--config", str(config), "--folder", str(folder), "--broker", broker)
    try:
        listener, _lock = listen(folder)
        tell_systemd("READY=1")
        Resident(listener, words, _act, alive=lambda: tell_systemd("WATCHDOG=1")).serve()
    except DaypassError as error:
        Screen().error(error)
        raise SystemExit(EXIT_FAILED) from None


def load_everything() -> None:
    """All of ours, whichever command needs it, and what that needs."""
    ours = [found.name for found in pkgutil.walk_packages(daypass.__path__, "daypass.")]
    for name in (*ours, *OF_OTHERS):
        if not NOT_OURS_TO_LOAD.fullmatch(name):
            importlib.import_module(name)


def _act(words: Sequence[str]) -> int | None:
    """As if sshd had started it."""
    from daypass.cli import main

    code: int | None = main(["gate", *words], prog_name="daypass")
    return code
