"""What people may type at the gate: `request`, `access` and `review`, less what is an operator's.

Each is the very command of `daypass.cli`, with a list of the parameters that it keeps. One that is neither
kept nor withheld here is an error, so that an option that a command gets later isn't offered unseen.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from daypass.ca.public_keys import check_public_key
from daypass.cli.gate_certificate import certificate
from daypass.cli.options import EXIT_FAILED, EXIT_USAGE, exit_code
from daypass.cli.render import Screen, as_typed, safe
from daypass.errors import DaypassError, UsageError
from daypass.gate.caller import Caller
from daypass.gate.words import QUOTE_TWICE

MOST_KEY_BYTES = 16384  # twice what a public key line may be
KEY_SECONDS = 30  # for a key to arrive over standard input
ALWAYS = ("output", "verbose")
# What is never a person's to say: whose configuration, who it is, files of this machine.
WITHHELD: Mapping[str, object] = {"save": None, "public_key": None, "key": None}

# command -> (module, attribute of the group, parameters that are kept)
OFFERED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("request", "new"): (
        *("servers", "tags", "groups", "length", "start", "reason", "grantee", "ticket", "fields", "check"),
    ),
    ("request", "list"): ("everything", "states"),
    ("request", "show"): ("request_id",),
    ("request", "approve"): ("request_id", "length", "reason"),
    ("request", "deny"): ("request_id", "reason"),
    ("request", "cancel"): ("request_id", "reason"),
    ("access", "list"): ("which", "limit"),
    ("access", "show"): ("grant_id",),
    ("access", "extend"): ("grant_id", "length", "reason", "check"),
    ("access", "end"): ("grant_id", "reason", "yes", "check"),
    ("review", "close"): ("grant_id", "reason"),
}
HELP = """Access to servers, for a while.

\b
Example:
  daypass request new --server web-1 --group ops --for 2h --reason "'INC-7: nginx is down'"
"""
GROUPS = {
    "request": ("requests", "request"),
    "access": ("access", "access"),
    "review": ("reviews", "review"),
}
TAKES_A_KEY = (("request", "new"), ("certificate",))


def serve(caller: Caller, config: Path, words: Sequence[str]) -> int:
    """Run the command; its exit code (design.md, Commands)."""
    root = offer(caller, config)
    try:
        code = root.main(list(words) or ["--help"], prog_name=caller.typed, standalone_mode=False, obj=caller)
    except click.UsageError as error:
        return _told(caller, error)
    except click.Abort:
        return EXIT_FAILED
    except DaypassError as error:
        Screen(typed=caller.typed).error(error)
        return exit_code(error)
    return code if isinstance(code, int) else 0


def _told(caller: Caller, error: click.UsageError) -> int:
    usage = UsageError(
        safe(error.format_message()),
        hint=QUOTE_TWICE if "extra argument" in error.format_message() else f"see: {caller.typed} help",
    )
    Screen().error(usage)
    return EXIT_USAGE


def offer(caller: Caller, config: Path) -> click.Group:
    """Everything that this person may type."""
    root = click.Group(
        help=as_typed(HELP, caller.typed),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, (module, attribute) in GROUPS.items():
        group: click.Group = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
        offered = click.Group(name, help=group.help)
        for (of, command), kept in OFFERED.items():
            if of == name:
                offered.add_command(_offered(caller, config, (of, command), group.commands[command], kept))
        root.add_command(offered)
    root.add_command(_offered(caller, config, ("certificate",), certificate, ("grant_id",)))
    root.add_command(click.Command("help", callback=_help, help="Show this.", add_help_option=False))
    return root


@click.pass_context
def _help(context: click.Context) -> None:
    parent = context.parent
    if parent is not None:
        click.echo(parent.get_help())


def _offered(
    caller: Caller, config: Path, path: tuple[str, ...], command: click.Command, kept: tuple[str, ...]
) -> click.Command:
    """The command with the parameters that are kept; the others have their one value."""
    fixed = {**WITHHELD, "config": config, "person": caller.login}
    params = [param for param in command.params if param.name in (*kept, *ALWAYS)]
    rest = {str(param.name) for param in command.params} - {*kept, *ALWAYS}
    if odd := rest - set(fixed):
        raise TypeError(f"{' '.join(path)}: neither offered nor withheld: {', '.join(sorted(odd))}")
    callback = _with_fixed(command.callback, {name: fixed[name] for name in rest})
    if path in TAKES_A_KEY:
        callback = _with_sent_key(callback)
        told = "A public key that comes over standard input.  [the key that logged in]"
        params.append(click.Option(["--public-key", "sent"], type=click.Choice(["-"]), help=told))
    return click.Command(
        path[-1],
        params=params,
        callback=callback,
        help=as_typed(command.help or "", caller.typed),
    )


def _with_fixed(callback: Callable[..., Any] | None, fixed: Mapping[str, object]) -> Callable[..., Any]:
    def call(**given: object) -> object:
        return callback(**given, **fixed) if callback else None

    return call


def _with_sent_key(callback: Callable[..., Any]) -> Callable[..., Any]:
    """For a command that is about the key that logged in, or about one that is sent along."""

    def call(*, sent: str | None, **given: object) -> object:
        context = click.get_current_context()
        if sent is not None and isinstance(context.obj, Caller):
            context.obj = replace(context.obj, public_key=_key_from_stdin(), sent_key=True)
        return callback(**given)

    return call


def _key_from_stdin() -> str:
    """One public key; nobody holds a place by sending nothing.

    Raises:
        UsageError: `key_not_sent`, or what came isn't a public key.
    """

    def too_late(_number: int, _frame: object) -> None:
        raise UsageError(
            f"no public key came within {KEY_SECONDS} seconds",
            hint="send one: … --public-key - < ~/.ssh/id_ed25519.pub",
            code="key_not_sent",
        )

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(KEY_SECONDS)
    try:
        content = sys.stdin.buffer.read(MOST_KEY_BYTES)
    finally:
        signal.alarm(0)
    return check_public_key(content.decode("ascii", "replace")).line
