"""`daypass init`: everything that a fresh orchestrator needs."""

from __future__ import annotations

from pathlib import Path

import click

from daypass import wiring
from daypass.cli.options import Invocation, common
from daypass.cli.render import Screen
from daypass.workflow.initialising import Made

NEXT_STEPS = (
    ("daypass doctor", "is anything missing?"),
    ("daypass servers scan", "record host keys that the server list doesn't hold"),
    ("daypass onboard --all", "make the servers trust certificates of granted people"),
    ("daypass grant --help", "give a person access"),
)


@click.command()
@click.option(
    "--servers", type=click.Path(path_type=Path), help="Server list for a new daypass.yaml.  [servers.json]"
)
@click.option("--integration", default="servers", show_default=True, help="Name of its integration.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="User group to offer besides Default; may be given several times.",
)
@click.option(
    "--connector-key",
    metavar="FILE|env:NAME",
    help="Where the private key is that Ansible logs in with.  [env:DAYPASS_CONNECTOR_KEY]",
)
@click.option(
    "--copy-from",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Give a new database the record of this SQLite one.",
)
@common
def init(
    invocation: Invocation,
    *,
    servers: Path | None,
    integration: str,
    groups: tuple[str, ...],
    connector_key: str | None,
    copy_from: Path | None,
) -> None:
    """Make the configuration (if missing), the state folder, the CA key and the database. Safe to repeat.

    \b
    Example:
      daypass init --servers servers.json --connector-key ~/.ssh/connector --group ops
      daypass init --copy-from .daypass/daypass.sqlite3     once `database` names another one
    """
    made = wiring.initialise(
        invocation.config,
        servers=servers,
        integration=integration,
        groups=groups,
        connector_key=connector_key,
        copy_from=copy_from,
    )
    invocation.screen.emit(
        {
            "config": made.config,
            "state_dir": made.state_dir,
            "made": list(made.made),
            "ca_public_key": made.ca_public_key,
        },
        lambda: _show(invocation.screen, made),
    )
    shaping = any((servers, groups, connector_key))
    if shaping and made.config.name not in {Path(what).name for what in made.made}:
        invocation.screen.note(f"{made.config} was there and is kept; the options only shape a new one")


def _show(screen: Screen, made: Made) -> None:
    for what in made.made:
        screen.line(f"made {what}")
    if not made.made:
        screen.line("everything is there already")
    screen.line(f"CA public key: {made.ca_public_key}")
    screen.line("next:")
    for command, why in NEXT_STEPS:
        screen.line(f"  {command:<24} {why}")
