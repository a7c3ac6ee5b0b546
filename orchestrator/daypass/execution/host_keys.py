"""Asking servers for their host keys, for a person to confirm: by itself nothing found here is trusted.

Source: ssh-keyscan(1). It reads no configuration and logs in nowhere.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from itertools import groupby

from daypass.domain.servers import Server
from daypass.errors import ExecutionError
from daypass.inventory.host_key_text import check_host_key
from daypass.inventory.problems import FieldRefused

ANSWER_SECONDS = 5  # for one server; ssh-keyscan asks many at the same time
SECONDS_A_SERVER = (
    0.2  # for the whole scan, on top: key exchanges cost CPU, and open files limit how many run at once
)
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def scan(servers: Sequence[Server]) -> dict[str, tuple[str, ...] | str]:
    """The host keys that servers show: `TYPE BASE64` each, best type first; or a sentence why there is none.

    Raises:
        ExecutionError: ssh-keyscan can't be run.
    """
    found: dict[str, tuple[str, ...] | str] = {}
    direct = [server for server in servers if server.proxy_jump is None]
    for port, group in groupby(
        sorted(direct, key=lambda server: server.port), key=lambda server: server.port
    ):
        members = list(group)
        keys = _parse(_keyscan(members, port), {server.name for server in members})
        found |= {server.name: keys.get(server.name) or _silent(server) for server in members}
    found |= {server.name: _behind(server) for server in servers if server.proxy_jump is not None}
    return found


def _keyscan(servers: Sequence[Server], port: int) -> str:
    """What ssh-keyscan prints for servers on one port; each line of its input is `HOST NAME`."""
    listed = "".join(f"{server.host} {server.name}\n" for server in servers)
    command = [
        "ssh-keyscan",
        "-T",
        str(ANSWER_SECONDS),
        "-p",
        str(port),
        "-t",
        "ed25519,ecdsa,rsa",
        "-f",
        "-",
    ]
    try:
        done = subprocess.run(
            command,
            input=listed,
            capture_output=True,
            text=True,
            errors="replace",
            env=ENVIRONMENT,
            timeout=10 * ANSWER_SECONDS + SECONDS_A_SERVER * len(servers),
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as late:
        return late.stdout.decode("ascii", "replace") if isinstance(late.stdout, bytes) else ""
    except OSError as error:
        raise ExecutionError(
            f"ssh-keyscan can't be run: {error.strerror}", hint="install OpenSSH's client programs"
        ) from None
    return done.stdout


def _parse(output: str, names: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Keys by server name from lines `NAME TYPE BASE64` or `[NAME]:PORT TYPE BASE64`, and no others."""
    found: dict[str, set[str]] = {}
    for line in output.splitlines():
        label, _, key = line.partition(" ")
        name = label[1:].partition("]")[0] if label.startswith("[") else label
        if name in names and _is_key(key):
            found.setdefault(name, set()).add(key)
    return {name: tuple(sorted(keys, key=_rank)) for name, keys in found.items()}


def _is_key(text: str) -> bool:
    try:
        check_host_key(text)
    except FieldRefused:
        return False
    return True


def _rank(key: str) -> tuple[int, str]:
    return TYPES.index(key.partition(" ")[0]), key


def _silent(server: Server) -> str:
    return f"{server.host} port {server.port} showed no host key within {ANSWER_SECONDS} s; is it up?"


def _behind(server: Server) -> str:
    return f"it is behind {server.proxy_jump} and can't be scanned; write its `host_key` into the list"
