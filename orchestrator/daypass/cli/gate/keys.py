"""`daypass gate keys`: sshd asks whose key this is (sshd_config(5), AuthorizedKeysCommand)."""

from __future__ import annotations

import os
import pwd
import sys
import syslog
from pathlib import Path

import click

from daypass import __version__, wiring
from daypass.errors import ConfigurationError, DaypassError
from daypass.gate.key_index import KeyIndex, current
from daypass.gate.key_lines import key_line

INDEX = "keys.json"
EXIT_REFUSED = 1  # sshd takes no line from a command that failed
MOST_PROBLEMS = 5  # in one line of the log; the others are told by `daypass doctor`


@click.command()
@click.option("--config", required=True, type=click.Path(path_type=Path), help="Configuration file.")
@click.option(
    "--folder", required=True, type=click.Path(path_type=Path), help="Where the index of keys is kept."
)
@click.option("--broker", required=True, help="The name by which people know this machine.")
@click.argument("user", metavar="%u")
@click.argument("key_type", metavar="%t")
@click.argument("key", metavar="%k")
def keys(config: Path, folder: Path, broker: str, user: str, key_type: str, key: str) -> None:
    """Print the line of authorized keys for a key that stands at one person who is here.

    Nothing for any other key, and exit code 1 where that can't be told. What an operator should know goes to
    the system's log (`journalctl -t daypass-gate`).

    \b
    Example (in sshd_config; `daypass gate install` writes it):
      AuthorizedKeysCommand … gate keys --config … --folder … --broker … %u %t %k
    """
    syslog.openlog("daypass-gate", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
    own = pwd.getpwuid(os.geteuid()).pw_name
    if user != own:  # a command that stands outside of its Match block must open nobody else's account
        _tell(f"asked for the keys of {user!r}, and there are only those of {own!r}")
        sys.exit(EXIT_REFUSED)

    def build() -> KeyIndex:
        from daypass.gate.people import read_keys

        return read_keys(config, now)

    now = wiring.now()
    try:
        index = current(folder / INDEX, config, __version__, now.timestamp(), build)
        offered = f"{key_type} {key}"
        if offered in index.shared:
            _tell_shared(offered, index.shared[offered])
        elif offered in index.people:
            arguments = (str(config), str(folder), broker, index.people[offered], offered)
            click.echo(key_line(sys.executable, *arguments))
    except DaypassError as error:
        problems = error.problems[:MOST_PROBLEMS] if isinstance(error, ConfigurationError) else ()
        _tell("nobody can come in: " + "; ".join([error.sentence, *problems]))
        sys.exit(EXIT_REFUSED)


def _tell_shared(offered: str, logins: tuple[str, ...]) -> None:
    from daypass.ca.public_keys import blob_of, fingerprint_of

    named = ", ".join(logins)
    _tell(f"the key {fingerprint_of(blob_of(offered))} stands at {named}: refused for all of them")


def _tell(text: str) -> None:
    """One line in the log, whatever it quotes."""
    syslog.syslog(syslog.LOG_WARNING, ascii(text)[1:-1])
