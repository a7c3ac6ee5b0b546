"""`daypass ssh SERVER`: from nothing to logged in, by one command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from daypass import wiring
from daypass.cli.durations import Length
from daypass.cli.names import GROUP, SERVER
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, told
from daypass.cli.render import Screen, console_of, time_text
from daypass.cli.requests.waiting import followed, limit_option, tell_end
from daypass.cli.via.commands import typed
from daypass.cli.via.gate import gate_of
from daypass.cli.via.words import AsTyped, words_of
from daypass.client.arranging import arrange
from daypass.client.followed import Verdict
from daypass.client.including import is_included
from daypass.client.keys import KEY_TYPES, PLAIN_TYPE, make_pair, public_key_of
from daypass.client.places import home_of
from daypass.client.reach import ask_for, fetch_from, look_at, open_until
from daypass.client.via import PROGRAM, Gate, GateError
from daypass.domain.key_names import DEFAULT_KEY_NAME
from daypass.errors import UsageError
from daypass.inventory.names import check_name
from daypass.inventory.problems import FieldRefused

ASKED = ("groups", "length", "reason", "ticket", "fields")  # as in `request new`


@click.command()
@click.argument("server", metavar="SERVER", type=SERVER)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", type=GROUP, help="A user group.  [Default]"
)
@click.option("--for", "length", type=AsTyped(Length()), help="How long: 2h30m, 45m.  [the flow's default]")
@click.option("--reason", help="Why; who answers reads it. Up to 400 characters.")
@click.option("--ticket", help="Name of a ticket.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A custom field.")
@limit_option
@click.option("--terminal", "-t", is_flag=True, help="A terminal for the command, as ssh -t.")
@click.option(
    "--key-type",
    type=click.Choice(KEY_TYPES),
    default=PLAIN_TYPE,
    show_default=True,
    help="Of a key that is made here; ed25519-sk is one in a FIDO authenticator.",
)
@click.option("--no-passphrase", is_flag=True, help="A key that is made here gets none.")
@click.option("--verbose", "-v", count=True, help="Codes of errors.")
@click.pass_context
def ssh(context: click.Context, /, **given: Any) -> None:
    """Log in to a server through the gate, with access that is open or is asked for now.

    Open access with these groups is used. Else it is asked for and waited for, as by `request new --wait`,
    with the same exit codes. The key pair is made where it is missing, certificate and ssh's configuration
    are put in place, and your own ssh logs in; from there on the exit code is ssh's.

    \b
    Example:
      daypass --via ssh://daypass@broker ssh web-1 --group ops --for 1h --reason "INC-4711: nginx is down"
      daypass --via ssh://daypass@broker ssh web-1 -- systemctl status nginx
    """
    # What the server says is the answer; all else goes beside it.
    screen = Screen(verbose=given["verbose"], typed=typed(context), console=console_of(sys.stderr))
    with told(screen) as ended:
        gate, server = gate_of(context), _server(given["server"])
        ended.code = _get(gate, screen, server, words_of(context, ASKED), given)
        if ended.code == EXIT_DONE:
            argv = _ready(gate, screen, server, given)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python ignores, and ssh wouldn't expect
            os.execvp(argv[0], argv)  # noqa: S606 (no shell is meant to be there)
    context.exit(ended.code)


def _server(name: str) -> str:
    """A server's name, which is ssh's destination, too, and never an option of it.

    Raises:
        UsageError: It can't be one; nothing was sent.
    """
    try:
        return check_name(name)
    except FieldRefused as refused:
        raise UsageError(f"{name!r} isn't a server's name", hint=refused.finding.allowed) from None


def _get(gate: Gate, screen: Screen, server: str, words: list[str], given: Mapping[str, Any]) -> int:
    """Access that is open, or is given now; the exit code where there is none."""
    now = wiring.now()
    until = open_until(gate, server, given["groups"], now)
    if until is not None:
        screen.note(f"access to {server} is open until {time_text(until, now)}")
        return EXIT_DONE
    asked = ask_for(gate, [f"--server={server}", *words], public_key_of(home_of().key(DEFAULT_KEY_NAME)))
    end = asked
    if asked.verdict is None:
        request_id = asked.request.id
        found = followed(screen, look_at(gate, request_id), request_id, given["give_up_after"], "")
        if found is None:
            return EXIT_FAILED
        end = found
    return tell_end(screen, end, end.verdict or Verdict.PARTLY)


def _ready(gate: Gate, screen: Screen, server: str, given: Mapping[str, Any]) -> list[str]:
    """Key, certificate and configuration are put in place; the ssh command.

    Raises:
        DaypassError: No login would work.
    """

    def make(private: Path) -> None:
        screen.note(f"making the key pair {private}")
        make_pair(private, key_type=given["key_type"], passphrase=not given["no_passphrase"])

    home = home_of()
    placed = arrange(fetch_from(gate), home, wiring.now(), make)
    if server not in placed.rendered.usable:
        why = placed.rendered.unusable.get(server, "the gate doesn't say how to reach it")
        raise GateError(f"no login to {server}: {why}", hint="daypass access list", code="no_certificate")
    included = is_included(home)
    if not included:
        screen.note("to make plain ssh work, too: daypass access ssh-config")
    argv = [
        PROGRAM,
        *([] if included else ["-F", str(placed.config)]),
        *(["-t"] if given["terminal"] else []),
    ]
    return [*argv, server, *(["--", *given["command"]] if given["command"] else [])]
