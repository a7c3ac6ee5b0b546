"""The running sshd: how it was started, how it is told to read its settings again."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from daypass.gate.machine import InstallError, ask
from daypass.gate.sshd_block import effective

UNITS = ("ssh.service", "sshd.service")
TITLE = re.compile(r"sshd: (/\S+ .*?|/\S+) \[listener\]")  # sshd(8) writes its arguments into its title
IGNORED = ("-D", "-e", "-q")
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (what sshd says, not what is bound)


@dataclass(frozen=True)
class Listener:
    """One sshd.

    Attributes:
        unit: Of systemd.
        program: Absolute path.
        options: As it was started, less what is about the foreground.
    """

    unit: str
    program: str
    options: tuple[str, ...]

    def settings(self, user: str, config: str | None = None) -> dict[str, list[str]]:
        """What holds for an account (`sshd -T`), by the real configuration or another file.

        Raises:
            InstallError: sshd refuses it.
        """
        place = ("-f", config) if config else ()
        told = ask(
            *(self.program, "-T", *self.options, *place, "-C", f"user={user},host=localhost,addr=127.0.0.1")
        )
        if told.returncode != 0:
            said = " ".join(told.stderr.split())[-400:]
            raise InstallError(f"sshd refuses its configuration: {said}", code="sshd_broken")
        return effective(told.stdout)

    def address(self) -> tuple[str, str]:
        """Address and port at which it can be reached from here."""
        listening = self.settings("root").get("listenaddress", ["0.0.0.0:22"])
        host, _, port = listening[0].rpartition(":")
        host = host.strip("[]")
        return ANYWHERE.get(host, host), port


def find_listener() -> Listener:
    """The sshd that systemd runs.

    Raises:
        InstallError: There is none.
    """
    for unit in UNITS:
        told = ask("systemctl", "show", unit, "--property=MainPID,ActiveState")
        pid = re.search(r"^MainPID=([1-9]\d*)$", told.stdout, re.MULTILINE)
        if pid is None or "ActiveState=active" not in told.stdout:
            continue
        title = Path(f"/proc/{pid[1]}/cmdline").read_text("utf-8", "replace").replace("\0", " ")
        found = TITLE.search(title)
        if found is not None:
            words = shlex.split(found[1])
            return Listener(unit, words[0], tuple(word for word in words[1:] if word not in IGNORED))
    raise InstallError(
        f"no running sshd was found (looked at {', '.join(UNITS)})",
        hint="install and start OpenSSH's server: apt-get install openssh-server",
        code="sshd_missing",
    )
