"""Whoever comes in over SSH, as the forced command of the key says. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ADDRESS = re.compile(r"[0-9a-fA-F.:]{2,45}(%[A-Za-z0-9_.-]{1,15})?")  # as SSH_CONNECTION has it (ssh(1))
TERMINAL = re.compile(r"[A-Za-z0-9+._-]{1,64}")
KEPT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Caller:
    """One person at the gate.

    Attributes:
        login: Whose key it was that logged in.
        public_key: That key, or the one that was sent along; `TYPE BASE64`.
        address: Where the connection comes from, empty where sshd didn't say.
        typed: What people type before a command's words: `ssh daypass@broker`.
        sent_key: The key came over standard input, not with the login.
    """

    login: str
    public_key: str
    address: str
    typed: str
    sent_key: bool = False

    @property
    def actor(self) -> str:
        """Who runs this process, for the record: nobody but the person typed anything."""
        return f"gate {self.address}" if self.address else "gate"


def address_of(environ: Mapping[str, str]) -> str:
    """The client's address as sshd saw it; the client has no say in it."""
    address = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return address if ADDRESS.fullmatch(address) else ""


def kept_environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """All that is left of an environment that a client may have added to (sshd_config(5), AcceptEnv)."""
    kept = {"PATH": KEPT_PATH, "HOME": home, "LC_ALL": "C.UTF-8"}
    if TERMINAL.fullmatch(terminal := environ.get("TERM", "")):
        kept["TERM"] = terminal
    return kept
