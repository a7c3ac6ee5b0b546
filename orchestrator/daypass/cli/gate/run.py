"""`daypass gate run`: one command of one person, who came in over SSH with a key of the directory.

sshd starts it instead of whatever the client wanted (sshd(8), `command="…"`): a shell, a file transfer,
another program. What the client typed is in SSH_ORIGINAL_COMMAND. Person and key are in the arguments, which
come from `daypass gate keys` by way of root's sshd. They aren't looked up in `SSH_USER_AUTH`
(`ExposeAuthInfo`): that file belongs to the account that all people share here.
"""

from __future__ import annotations

import os
import pwd
import sys
import threading
from pathlib import Path

import click

from daypass.errors import DaypassError
from daypass.gate.caller import Caller, address_of, kept_environment
from daypass.gate.slots import place
from daypass.gate.words import split_words

PLACES = "places"
EXIT_ENDED = 1
MOST_SECONDS = 900  # three times a wave's usual deadline; what it leaves undone is done by `reconcile`


@click.command()
@click.option("--config", required=True, type=click.Path(path_type=Path), help="Configuration file.")
@click.option(
    "--folder", required=True, type=click.Path(path_type=Path), help="A private folder of the gate's."
)
@click.option("--broker", required=True, help="The name by which people know this machine.")
@click.option("--person", required=True, metavar="LOGIN", help="Whose key it was.")
@click.option("--key", required=True, nargs=2, metavar="TYPE BASE64", help="The key that logged in.")
def run(config: Path, folder: Path, broker: str, person: str, key: tuple[str, str]) -> None:
    """Run one of the commands for people, as this person; without one, show what the person has.

    \b
    Example (sshd types it; `daypass gate keys` names it):
      SSH_ORIGINAL_COMMAND='access list' daypass gate run --person alice --key ssh-ed25519 AAAA… …
    """
    account = pwd.getpwuid(os.geteuid())
    text = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    caller = Caller(person, " ".join(key), address_of(os.environ), f"ssh {account.pw_name}@{broker}")
    _keep_little(account.pw_dir)
    end_after(MOST_SECONDS)
    try:
        words = split_words(text)
        with place(folder / PLACES, person):
            from daypass.cli.gate.offer import serve

            code = serve(caller, config, words)
    except DaypassError as error:
        code = _refused(caller, error)
    sys.exit(code)


def end_after(seconds: float) -> None:
    """Nobody holds a place for ever, by reading nothing of the answer for one.

    The process ends as if it were killed, which may happen to it at any moment: no step relies on its end.
    """
    timer = threading.Timer(seconds, os._exit, (EXIT_ENDED,))
    timer.daemon = True
    timer.start()


def _keep_little(home: str) -> None:
    """Nothing that a client sent along has a meaning from here on."""
    kept = kept_environment(os.environ, home)
    os.environ.clear()
    os.environ.update(kept)
    os.umask(0o077)
    os.chdir("/")


def _refused(caller: Caller, error: DaypassError) -> int:
    from daypass.cli.options import exit_code
    from daypass.cli.render import Screen

    Screen(typed=caller.typed).error(error)
    return exit_code(error)
