"""`daypass gate install`: make this machine the broker that people come to."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click

from daypass import config
from daypass.cli.options import EXIT_DONE, Invocation, common
from daypass.gate.installing import USER, Broker, check_fit, differences, host_key_lines
from daypass.gate.installing import install as set_up
from daypass.gate.listener import find_listener
from daypass.gate.strangers import ADVISED_FILE, advised_lines


@click.command()
@click.option("--broker", metavar="NAME", help="The name by which people know this machine.  [its own]")
@click.option("--check", is_flag=True, help="Say what would be done; change nothing.")
@common
def install(invocation: Invocation, *, broker: str | None, check: bool) -> int:
    """Let people come in over SSH: account, permissions, sshd's drop-in, a timer. Needs root.

    sshd's configuration is tried on a copy first, systemd puts the old one back unless sshd answers, and
    nobody else's settings change. The timer runs `daypass reconcile` each minute. May be repeated. The
    program must be root's alone to change.

    \b
    Example:
      sudo daypass gate install --config /etc/daypass/daypass.yaml --broker broker.example.com --check
    """
    screen = invocation.screen
    settings = config.load(invocation.config, os.environ, Path.cwd())
    wanted = Broker(settings, broker or socket.getfqdn())
    check_fit(wanted)
    todo = list(differences(wanted))
    if not check:
        set_up(wanted, screen.note)
    keys, advised = host_key_lines(wanted), advised_lines(find_listener().settings("root"))
    screen.emit(
        {
            "check": check,
            "changes": todo,
            "command": wanted.typed,
            "known_hosts": keys,
            "advised": {"file": ADVISED_FILE, "lines": advised},
        },
        lambda: _show(invocation, wanted, todo, keys, check),
    )
    if advised:
        screen.note(
            "who connects and says nothing holds a place at sshd; not ours to set, as it counts for all:"
        )
        screen.note(f"  write into {ADVISED_FILE}: {'; '.join(advised)}")
    return EXIT_DONE


def _show(invocation: Invocation, wanted: Broker, todo: list[str], keys: list[str], check: bool) -> None:
    screen = invocation.screen
    for one in todo if check else ():
        screen.line(f"would {one}")
    if check and not todo:
        screen.line("nothing to do")
    if check:
        screen.note("nothing was changed (--check)")
        return
    screen.line(f"people type: {wanted.typed} help", style="bold")
    screen.line("its host keys, for their ~/.ssh/known_hosts:")
    for key in keys:
        screen.line(f"  {key}")
    screen.note(f"look at it from outside: daypass gate check {USER}@{wanted.name}")
