"""`daypass gate`: people come in over SSH. Light: sshd starts `gate keys` for each key that is offered."""

from __future__ import annotations

import click

from daypass.cli.lazy import LazyGroup

COMMANDS = {
    "install": ("gate.install", "install", "Make this machine the broker that people come to. Needs root."),
    "check": ("gate.check", "check", "Try a broker from outside, with your own key."),
    "keys": ("gate.keys", "keys", "For sshd (AuthorizedKeysCommand): whose key is this?"),
    "serve": ("gate.serve", "serve", "For systemd: wait for both, with everything loaded."),
    "run": ("gate.run", "run", "For sshd (the command of a key): what that person typed."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def gate() -> None:
    """Let people come in over SSH: who they are follows from the key that logged in.

    \b
    Example:
      ssh daypass@broker request new --server web-1 --for 2h
    """
