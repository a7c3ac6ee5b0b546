"""How a wave calls ssh: every option that matters is given, nothing is read from anybody's configuration.

Sources: ssh(1), ssh_config(5). `-F none` drops the user's and the system's files.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from daypass.domain.servers import DEFAULT_PORT, Server
from daypass.inventory.host_key_text import check_host_key
from daypass.inventory.problems import FieldRefused
from daypass.inventory.proxy_jump import parse_jump

# A server that is silent after the login is given up after 3 x 5 s; a network hiccup shorter than that is
# survived.
ALIVE_INTERVAL_SECONDS = 5
ALIVE_COUNT = 3


def hermetic_options(
    known_hosts: Path, agent_socket: Path, connector_public_key: Path, connect_timeout_seconds: int
) -> list[str]:
    """Arguments for every ssh of a wave.

    The paths must be plain (`run_folder.PLAIN_PATH`): ssh splits at blanks and expands `%` and `${…}` in
    them.
    """
    settings = {
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "PubkeyAuthentication": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "GSSAPIAuthentication": "no",
        "HostbasedAuthentication": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": str(connector_public_key),
        "IdentityAgent": str(agent_socket),
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "VerifyHostKeyDNS": "no",
        "CheckHostIP": "no",
        "CanonicalizeHostname": "no",
        # No slower for one task, and a shared connection would fake the proof of a new login (design.md).
        "ControlMaster": "no",
        "ControlPath": "none",
        "ConnectionAttempts": "1",
        "ConnectTimeout": str(connect_timeout_seconds),
        "ServerAliveInterval": str(ALIVE_INTERVAL_SECONDS),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "LogLevel": "ERROR",  # without the server's banner, which is any text
    }
    return ["-F", "none", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


def server_options(server: Server, hermetic: Iterable[str]) -> list[str]:
    """Arguments for one server on top of the hermetic ones."""
    options = ["-o", f"HostKeyAlias={server.name}"]
    if server.proxy_jump is not None:
        options += ["-o", f"ProxyCommand={_proxy_command(server, server.proxy_jump, hermetic)}"]
    return options


def _proxy_command(server: Server, proxy_jump: str, hermetic: Iterable[str]) -> str:
    """The one text that a shell reads (ssh runs it by /bin/sh): each word quoted, `%` doubled for ssh."""
    jump = parse_jump(proxy_jump)
    words = [
        "ssh",
        *hermetic,
        *("-o", f"HostKeyAlias={jump_alias(server)}"),
        *("-p", str(jump.port or DEFAULT_PORT), "-l", jump.user or server.user),
        *("-W", f"[{server.host}]:{server.port}"),
        *("--", jump.host),
    ]
    return shlex.join(words).replace("%", "%%")


def jump_alias(server: Server) -> str:
    """The known_hosts name of a server's jump host; no server's name holds a slash."""
    return f"jump/{server.name}"


def are_host_keys(keys: Iterable[str]) -> bool:
    """Whether each is `TYPE BASE64` of a key and nothing else: no newline, no marker, no second name."""
    try:
        for key in keys:
            check_host_key(key)
    except FieldRefused:
        return False
    return True


def known_hosts_text(keys: Iterable[tuple[str, str]]) -> bytes:
    """The content of a known_hosts file from (name, key) pairs, each checked by `are_host_keys`."""
    return "".join(f"{name} {key}\n" for name, key in keys).encode("ascii")
