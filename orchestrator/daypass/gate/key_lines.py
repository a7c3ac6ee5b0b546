"""The line of authorized keys that sshd gets for a person's key (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

from __future__ import annotations

import re

from daypass.errors import UsageError
from daypass.gate import knock

# sshd hands the command to the account's shell: none of these characters means anything to it.
PLAIN = re.compile(r"[A-Za-z0-9_./@:+=-]{1,8192}")
# No settings of the account's or the environment's, and UTF-8 whatever a client's LC_ALL says.
PYTHON_OPTIONS = ("-I", "-X", "utf8", "-m", "daypass")
CLIENT_OPTIONS = ("-I", "-S", "-X", "utf8", knock.__file__)


def program(python: str, *words: str) -> list[str]:
    """`daypass …` as systemd starts it.

    Raises:
        UsageError: `path_odd`: a word that a shell might take apart.
    """
    return _plain([python, *PYTHON_OPTIONS, *words])


def client(python: str, *words: str) -> list[str]:
    """`daypass gate keys|run …` as sshd starts it: by way of the resident, where one is there.

    Raises:
        UsageError: As `program`.
    """
    return _plain([python, *CLIENT_OPTIONS, *words])


def _plain(argv: list[str]) -> list[str]:
    for word in argv:
        if not PLAIN.fullmatch(word):
            raise UsageError(
                f"{word!r} can't stand in sshd's configuration",
                hint="letters, digits and _ . / @ : + = - are allowed in paths and names of the gate",
                code="path_odd",
            )
    return argv


def key_line(python: str, config: str, folder: str, broker: str, login: str, public_key: str) -> str:
    """One line: everything is forbidden but a terminal, and the command names person and key.

    Args:
        public_key: `TYPE BASE64`, checked.
    """
    words = ["--config", config, "--folder", folder, "--broker", broker]
    words += ["--person", login, "--key", *public_key.split(" ")]
    # An interrupt before Python is ready would show a traceback; `daypass` ends by it once it has begun.
    command = " ".join(["trap '' INT; exec", *client(python, "run", *words)])
    return f'restrict,pty,command="{command}" {public_key}'
