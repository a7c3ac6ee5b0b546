"""The command line: parse words, call the workflow, render the answer. No decisions here.

Commands are loaded when they are named, so that `daypass --help` and completion don't pay for all of them.
"""

from __future__ import annotations

import importlib

import click

from daypass import __version__

# command -> (module below daypass.cli, attribute)
COMMANDS = {
    "init": ("init", "init"),
    "doctor": ("doctor", "doctor"),
    "status": ("status", "status"),
    "servers": ("servers", "servers"),
    "onboard": ("onboard", "onboard"),
    "grant": ("grants", "grant"),
    "revoke": ("grants", "revoke"),
    "reconcile": ("reconcile", "reconcile"),
    "certificate": ("certificates", "certificate"),
    "ca": ("certificates", "ca"),
    "audit": ("audit", "audit"),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="daypass")
def main() -> None:
    """Give people SSH access to Linux servers for a while, and take it away again.

    \b
    First steps:
      daypass init                          state folder, CA key, database, daypass.yaml
      daypass servers scan                  record the servers' host keys
      daypass onboard                       make the servers trust certificates of granted people
      daypass grant --login alice --server web-1 --for 2h --public-key ~/.ssh/id_ed25519.pub
    """
