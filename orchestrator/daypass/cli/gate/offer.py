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

from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Invocation, exit_code
from daypass.cli.render import Screen, as_typed, safe
from daypass.errors import DaypassError, UsageError
from daypass.gate.caller import Caller
from daypass.gate.words import QUOTE_TWICE

MOST_KEY_BYTES = 16384  # twice what a public key line may be
KEY_SECONDS = 30  # for a key to arrive over standard input
ALWAYS = ("output", "verbose")
# What is never a person's to say: whose configuration, who it is, files of this machine.
# Nobody waits here: whoever waits looks now and then (client/waiting.py).
WITHHELD: Mapping[str, object] = {"save": None, "public_key": None, "key": None} | dict.fromkeys(
    ("remove", "home", "yes", "check", "key_type", "no_passphrase", "waits", "give_up_after")
)

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
    ("access", "ssh-config"): ("no_sign", "archive", "key_name", "domains"),
    ("review", "list"): ("closed_too",),
    ("review", "show"): ("grant_id",),
    ("review", "close"): ("grant_id", "reason"),
}
HELP = """Access to servers, for a while.

\b
Example:
  daypass request new --server web-1 --group ops --for 2h --reason "'INC-7: nginx is down'"
"""
GROUPS = {
    "request": ("requests.group", "request"),
    "access": ("access.group", "access"),
    "review": ("access.reviews", "review"),
}
SHORT = {
    "request": "Ask for access; say yes or no to what others ask for.",
    "access": "See access, extend it, end it.",
    "review": "See and close reviews of break-glass access.",
    "certificate": "Print the certificate of access for the key that logs in.",
    "help": "Show this. Without any command: what you have, and what waits for you.",
}
TAKES_A_KEY = (("request", "new"), ("access", "ssh-config"), ("certificate",))


def serve(caller: Caller, config: Path, words: Sequence[str]) -> int:
    """Run the command; its exit code (design.md, Commands)."""
    root = Offered(caller, config)
    screen = Screen(typed=caller.typed)
    try:
        chosen = list(words or _page(caller, config, screen))
        if not chosen:
            return EXIT_DONE
        code = root.main(chosen, prog_name=caller.typed, standalone_mode=False, obj=caller)
    except click.UsageError as error:
        return _told(caller, error)
    except click.Abort:
        return EXIT_FAILED
    except DaypassError as error:
        screen.error(error)
        return exit_code(error)
    return code if isinstance(code, int) else EXIT_DONE


def _page(caller: Caller, config: Path, screen: Screen) -> Sequence[str]:
    """Show the page; with a terminal, the words of what is picked from it."""
    from daypass.cli.gate.page import read_page, show_page
    from daypass.cli.gate.pick import pick

    page = read_page(Invocation(config, screen, caller), caller)
    show_page(screen, page, caller.typed)
    return (pick(screen, page) or ()) if screen.asks else ()


def _told(caller: Caller, error: click.UsageError) -> int:
    usage = UsageError(
        safe(error.format_message()),
        hint=QUOTE_TWICE if "extra argument" in error.format_message() else f"see: {caller.typed} help",
    )
    Screen().error(usage)
    return EXIT_USAGE


class Offered(click.Group):
    """Everything that this person may type; the code behind a command is loaded when it is named."""

    def __init__(self, caller: Caller, config: Path) -> None:
        settings = {"help_option_names": ["-h", "--help"]}
        super().__init__(help=as_typed(HELP, caller.typed), context_settings=settings)
        self._caller = caller
        self._config = config

    def list_commands(self, _context: click.Context) -> list[str]:
        return [*GROUPS, "certificate", "help"]

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name == "help":
            return click.Command("help", callback=_help, help=SHORT["help"], add_help_option=False)
        if name == "certificate":
            from daypass.cli.gate.certificate import certificate

            return _offered(self._caller, self._config, (name,), certificate, ("grant_id",))
        return self._group(name) if name in GROUPS else None

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT.items()))

    def _group(self, name: str) -> click.Group:
        module, attribute = GROUPS[name]
        group: click.Group = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
        offered = click.Group(name, help=group.help)
        for (of, command), kept in OFFERED.items():
            if of == name:
                path = (of, command)
                offered.add_command(_offered(self._caller, self._config, path, group.commands[command], kept))
        return offered


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

    from daypass.ca.public_keys import check_public_key

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(KEY_SECONDS)
    try:
        content = sys.stdin.buffer.read(MOST_KEY_BYTES)
    finally:
        signal.alarm(0)
    return check_public_key(content.decode("ascii", "replace")).line
