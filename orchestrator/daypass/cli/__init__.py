"""The command line: parse words, call the workflow, render the answer. No decisions here.

Commands are loaded when they are named, so that `daypass --help` and completion don't pay for all of them.
"""

from __future__ import annotations

import os
from typing import Any

import click

from daypass import __version__
from daypass.cli.via import VIA, ViaGroup, show_page

# command -> (module below daypass.cli, attribute, what the list of commands says)
COMMANDS = {
    "init": ("upkeep.init", "init", "Make configuration, state folder, CA key and database."),
    "doctor": ("upkeep.doctor", "doctor", "Check this machine, the configuration and the state."),
    "status": ("upkeep.status", "status", "Show live grants and servers."),
    "servers": ("servers.group", "servers", "Check server lists, show servers, record their host keys."),
    "onboard": ("servers.onboard", "onboard", "Make servers trust granted people's certificates."),
    "offboard": ("servers.offboard", "offboard", "Leave servers as they were before."),
    "report": ("servers.report", "report", "Ask servers what stands there, and what differs."),
    "grant": ("grants.giving", "grant", "Give a person access now, for a while."),
    "revoke": ("grants.giving", "revoke", "Take a grant back now."),
    "extend": ("grants.changes", "extend", "Move a grant's end, without ending a session."),
    "review": ("access.reviews", "review", "Show and close reviews of break-glass access."),
    "request": ("requests.group", "request", "Ask for access; say yes or no to what others ask for."),
    "access": ("access.group", "access", "See access that was given, extend it, end it."),
    "ssh": ("via.ssh", "ssh", "Get access to a server through the gate, and log in there."),
    "flows": ("policy.flows", "flows", "Check access flows, explain what they decide."),
    "directory": ("policy.directory", "directory", "See who is known; confirm that people have left."),
    "reconcile": ("upkeep.reconcile", "reconcile", "End what is due, retry what failed, clean up. For cron."),
    "certificate": (
        "grants.signed",
        "certificate",
        "Show certificates of grants, sign one for another key.",
    ),
    "ca": ("grants.signed", "ca", "Show the certificate authority."),
    "gate": ("gate", "gate", "Let people come in over SSH."),
    "notices": ("upkeep.notices", "notices", "See what waits to be told, try the channels."),
    "import": ("policy.importing", "import_group", "Take over the definitions of another product."),
    "audit": ("audit.group", "audit", "Read the audit log, prove that it is whole, export it."),
    "completion": ("completion.command", "completion", "Make bash, zsh or fish complete commands and names."),
}
COMPLETE_VARIABLE = "_DAYPASS_COMPLETE"  # set by a shell that completes, see completion/shells.py


class Program(ViaGroup):
    """The whole command line, which shells ask for completions as well."""

    def main(self, *args: Any, **settings: Any) -> Any:
        if COMPLETE_VARIABLE in os.environ:
            from daypass.cli.completion.command import answer

            answer(self)
        return super().main(*args, **settings)


@click.group(
    cls=Program,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option(
    "--via",
    metavar="ADDRESS",
    envvar=VIA,
    help=f"Run people's commands at this gate: ssh://daypass@BROKER[:PORT].  [${VIA}]",
)
@click.version_option(__version__, prog_name="daypass")
@click.pass_context
def main(context: click.Context, via: str | None) -> None:
    """Give people SSH access to Linux servers for a while, and take it away again.

    \b
    First steps:
      daypass init                          state folder, CA key, database, daypass.yaml
      daypass servers scan                  record the servers' host keys
      daypass onboard --all                 make the servers trust certificates of granted people
      daypass grant --login alice --server web-1 --for 2h --public-key ~/.ssh/id_ed25519.pub

    \b
    From your own machine, where a broker is set up (daypass gate install):
      daypass --via ssh://daypass@broker request new --server web-1 --for 2h --reason "nginx is down"
    """
    if context.invoked_subcommand is None:
        show_page(context, via)
