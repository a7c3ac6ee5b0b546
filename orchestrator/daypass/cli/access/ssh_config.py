"""`daypass access ssh-config`: plain ssh, scp, sftp, rsync, git and editors, while access lasts."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.cli.access.client_setup import Wishes, clear, domain_option, set_up, wishes
from daypass.cli.acting import acting_person, as_person
from daypass.cli.files import read_text
from daypass.cli.grants.giving import MOST_KEY_BYTES
from daypass.cli.options import EXIT_DONE, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import NOTHING, Screen, time_text
from daypass.client.archive import archive_of
from daypass.client.domains import check_domains
from daypass.client.places import home_of
from daypass.client.ssh_config import KeyPlace
from daypass.domain.key_names import DEFAULT_KEY_NAME, is_key_name, is_taken
from daypass.domain.open_access import OpenAccess
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.wiring import Daypass


@click.command("ssh-config")
@click.option("--remove", is_flag=True, help="Take everything away that this command keeps here, but keys.")
@click.option("--home", type=click.Path(path_type=Path), help="Another home than one's own.")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --output json: certificates for this public key file.",
)
@click.option("--no-sign", is_flag=True, help="With --output json: only what was signed before.")
@click.option(
    "--archive",
    is_flag=True,
    help="A tar archive for a machine without Daypass: … | tar -x -C ~/.ssh",
)
@click.option("--key-name", help="With --archive: the key's file name there.  [user_key_name]")
@domain_option
@wishes
@as_person
@common
def ssh_config(
    invocation: Invocation,
    *,
    remove: bool | None,
    home: Path | None,
    public_key: Path | None,
    no_sign: bool,
    archive: bool,
    key_name: str | None,
    domains: tuple[str, ...],
    yes: bool | None,
    check: bool | None,
    key_type: str | None,
    no_passphrase: bool | None,
    person: str | None,
) -> int:
    """Make `ssh SERVER` work, and scp, sftp, rsync, git, editors, while access lasts.

    Keeps a file for ssh below ~/.ssh/daypass-access, with host keys, jump hosts and the right certificates;
    each run takes away what has ended. A line in ~/.ssh/config includes it. The key pair is made where it is
    missing, and only its public half leaves this machine. Exit code 3 when a server has no certificate.

    With --output json it tells what a client needs for that, and changes no file here.

    \b
    Example:
      daypass access ssh-config --as alice
      daypass access ssh-config --as alice --output json
    """
    screen = invocation.screen
    if remove:
        return clear(screen, home_of(home), yes=bool(yes), check=bool(check))
    if invocation.caller is not None or screen.is_json or archive:
        return _tell(
            invocation, person, _given(invocation, public_key), not no_sign, archive, key_name, domains
        )
    wished = Wishes(bool(yes), bool(check), str(key_type), not no_passphrase, domains)
    with invocation.open() as daypass:
        fetch = partial(_read, daypass, screen, person)
        return set_up(screen, fetch, home_of(home), daypass.now(), wished)


def _given(invocation: Invocation, file: Path | None) -> PublicKey | None:
    """The key that came with the login or behind it, or one of a file."""
    if invocation.caller is not None:
        return check_public_key(invocation.caller.public_key)
    return check_public_key(read_text(file, MOST_KEY_BYTES)) if file else None


def _tell(
    invocation: Invocation,
    person: str | None,
    key: PublicKey | None,
    sign: bool,
    archive: bool,
    key_name: str | None,
    domains: tuple[str, ...],
) -> int:
    """The answer in one of its forms; nothing is changed here."""
    screen = invocation.screen
    with invocation.open() as daypass:
        found = _read(daypass, screen, person, key, sign=sign)
        now = daypass.now()
    if archive:
        sys.stdout.buffer.write(_archive(found, key, key_name, now, check_domains(domains)))
    else:
        screen.emit(asdict(found), lambda: _show(screen, found, now))
    return EXIT_DONE


def _archive(
    found: OpenAccess, key: PublicKey | None, name: str | None, now: datetime, domains: tuple[str, ...]
) -> bytes:
    if key is None:
        raise UsageError("the archive is for one key", hint="add --public-key FILE", code="key_needed")
    chosen = name or next((server.key_name for server in found.servers), DEFAULT_KEY_NAME)
    if not is_key_name(chosen) or is_taken(chosen):
        raise UsageError(f"{chosen!r} isn't the file name of a key", hint="such as id_ed25519")
    return archive_of(found, KeyPlace(key.fingerprint, f"~/.ssh/{chosen}"), now, domains)


def _read(
    daypass: Daypass, screen: Screen, person: str | None, key: PublicKey | None, *, sign: bool
) -> OpenAccess:
    """What is open, with certificates for this key."""
    from daypass.workflow.open_access import open_access

    seams, who = acting_person(daypass.seams, person)
    with wave_progress(screen, "signing") as progress:
        keys = [] if key is None else [key]
        return open_access(seams, who.login, keys, daypass.now(), sign=sign, progress=progress)


def _show(screen: Screen, found: OpenAccess, now: datetime) -> None:
    """For people at the gate: what their own machine would be told."""
    rows = [
        (
            server.name,
            server.host,
            server.port,
            grant.id,
            time_text(grant.not_after, now),
            grant.problem or NOTHING,
        )
        for server in found.servers
        for grant in server.grants
    ]
    if rows:
        screen.table(["server", "host", "port", "grant", "until", "why no certificate"], rows)
    else:
        screen.line("you have no access now")
    screen.note("to put it in place where you are: daypass access ssh-config --archive | tar -x -C ~/.ssh")
