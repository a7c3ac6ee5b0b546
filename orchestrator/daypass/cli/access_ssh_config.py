"""`daypass access ssh-config`: plain ssh, scp, sftp, rsync, git and editors, while access lasts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.cli.acting import acting_person, as_person
from daypass.cli.files import read_text
from daypass.cli.grants import MOST_KEY_BYTES
from daypass.cli.options import Invocation, common
from daypass.cli.progress import wave_progress
from daypass.domain.open_access import OpenAccess
from daypass.workflow.open_access import open_access


@click.command("ssh-config")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --output json: certificates for this public key file.",
)
@click.option("--no-sign", is_flag=True, help="Only certificates that were signed before.")
@as_person
@common
def ssh_config(invocation: Invocation, *, public_key: Path | None, no_sign: bool, person: str | None) -> None:
    """Tell what plain ssh needs: servers, host keys, certificates for a key.

    \b
    Example:
      daypass access ssh-config --as alice --public-key ~/.ssh/daypass.pub --output json
    """
    caller = invocation.caller
    key = None
    if caller is not None:
        key = check_public_key(caller.public_key)
    elif public_key is not None:
        key = check_public_key(read_text(public_key, MOST_KEY_BYTES))
    found = _read(invocation, person, key, sign=not no_sign)
    invocation.screen.emit(asdict(found), lambda: None)


def _read(invocation: Invocation, person: str | None, key: PublicKey | None, *, sign: bool) -> OpenAccess:
    with invocation.open() as daypass:
        seams, who = acting_person(daypass.seams, person)
        with wave_progress(invocation.screen, "signing") as progress:
            keys = [] if key is None else [key]
            return open_access(seams, who.login, keys, daypass.now(), sign=sign, progress=progress)
