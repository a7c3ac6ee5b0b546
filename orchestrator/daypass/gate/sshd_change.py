"""sshd's part of `gate install`: tried on a copy, put in place with a way back, kept when sshd answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from daypass.gate.listener import Listener
from daypass.gate.machine import InstallError, ask, do, read, write
from daypass.gate.sshd_block import DROP_IN, startups_are_free, violations
from daypass.gate.way_back import armed

BYSTANDERS = ("root", "nobody")  # whom the drop-in must leave as they were
PROOF_SECONDS = 20.0
Tell = Callable[[str], None]
Settled = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class DropIn:
    """What is to hold.

    Attributes:
        command: The block's AuthorizedKeysCommand, without what sshd puts in.
    """

    user: str
    text: str
    command: Sequence[str]


def put_in_place(wanted: DropIn, listener: Listener, tell: Tell) -> None:
    """Put the drop-in in place with a way back, prove that sshd answers.

    Raises:
        InstallError: It isn't there; sshd is as it was.
    """
    before = {login: listener.settings(login) for login in BYSTANDERS}
    if read(DROP_IN) == wanted.text:
        _check(wanted, listener, before, None)
        return
    with armed(listener.unit):
        write(DROP_IN, wanted.text)
        do("systemctl", "reload", listener.unit)
        _check(wanted, listener, before, None)
        _prove_answer(wanted, listener)
    tell(f"wrote {DROP_IN}; sshd answers, and refuses a key that nobody has")


def try_out(wanted: DropIn, listener: Listener) -> None:
    """Try the whole configuration with the drop-in, in a file that nobody else reads.

    Raises:
        InstallError: What wouldn't hold, or what would change for others; nothing was done.
    """
    before = {login: listener.settings(login) for login in BYSTANDERS}
    with tempfile.TemporaryDirectory(prefix="daypass-gate-") as folder:
        candidate, whole = Path(folder) / "gate.conf", Path(folder) / "sshd_config"
        candidate.write_text(wanted.text)
        whole.write_text(f"Include {candidate}\nInclude {_main_file(listener)}\n")
        _check(wanted, listener, before, str(whole))


def _main_file(listener: Listener) -> str:
    options = listener.options
    return options[options.index("-f") + 1] if "-f" in options else "/etc/ssh/sshd_config"


def _check(wanted: DropIn, listener: Listener, before: Settled, config: str | None) -> None:
    for login, settings in before.items():
        after = listener.settings(login, config)
        changed = sorted(name for name in settings.keys() | after if settings.get(name) != after.get(name))
        if startups_are_free(settings) and startups_are_free(after):
            changed = [name for name in changed if name != "maxstartups"]
        if changed:
            raise InstallError(
                f"the drop-in would change {', '.join(changed)} for {login}", code="sshd_others"
            )
    if odd := violations(listener.settings(wanted.user, config), wanted.user, wanted.command):
        raise InstallError(
            f"for {wanted.user}, " + "; ".join(odd),
            hint="an earlier setting wins over the drop-in, or sshd doesn't read its folder: "
            "take it out, or let it leave this account alone",
            code="sshd_overridden",
        )


def _prove_answer(wanted: DropIn, listener: Listener) -> None:
    """A new connection is answered, and a key that was made just now is refused."""
    address, port = listener.address()
    end = time.monotonic() + PROOF_SECONDS
    with tempfile.TemporaryDirectory(prefix="daypass-gate-") as folder:
        key = f"{folder}/key"
        do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5"]
        options += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known"]
        while True:
            answer = ask("ssh", *options, "-i", key, "-p", port, f"{wanted.user}@{address}", "help")
            if "Permission denied (publickey)" in answer.stderr:
                return
            if time.monotonic() > end:
                said = " ".join(answer.stderr.split())[-300:]
                raise InstallError(f"sshd doesn't answer as it should: {said}", code="sshd_unproven")
            time.sleep(0.2)
