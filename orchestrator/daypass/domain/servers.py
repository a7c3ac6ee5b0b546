"""Servers as the rest of the code sees them: checked, complete, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

DEFAULT_USER = "apono"  # the source document's default for a server entry
DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class Server:
    """One entry of the server list, after every check of `inventory`.

    Attributes:
        name: Unique over all integrations; also the inventory host name and the ssh HostKeyAlias.
        host: IP address or host name that ssh connects to.
        user: The connector user.
        port: 1 to 65535.
        tags: Text to text.
        host_key: `TYPE BASE64` as in a known_hosts line without names, or None: the scanned key counts then.
        proxy_jump: `[user@]host[:port]` or None.
        integration: Name of the integration that the server belongs to; empty where a list is only checked.
    """

    name: str
    host: str
    user: str = DEFAULT_USER
    port: int = DEFAULT_PORT
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    host_key: str | None = None
    proxy_jump: str | None = None
    integration: str = ""
