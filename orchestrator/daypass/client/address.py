"""Where the gate is: `ssh://daypass@broker.example.com:2222`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from daypass.errors import UsageError

SCHEME = "ssh://"
USER = "daypass"  # the account that `daypass gate install` makes
LAST_PORT = 65535
ALLOWED = "ssh://daypass@broker.example.com, with :PORT where it isn't 22"
# A name, an address, or a `Host` of the person's own ssh configuration; never an option, a pattern or a path.
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
SHAPE = re.compile(
    r"(?:(?P<user>[A-Za-z_][A-Za-z0-9_.-]{0,31})@)?"
    r"(?:(?P<host>[^\[\]@:/]+)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?/?"
)


@dataclass(frozen=True)
class Address:
    """One gate.

    Attributes:
        host: As ssh takes it, without brackets.
        port: None = as ssh's own settings say.
    """

    host: str
    user: str = USER
    port: int | None = None

    @property
    def destination(self) -> str:
        """As ssh(1) takes it; the port goes beside it."""
        return f"{self.user}@{self.host}"

    @property
    def command(self) -> str:
        """What a person types to try it by hand."""
        return f"ssh {f'-p {self.port} ' if self.port else ''}{self.destination}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}{self.user}@{host}" + (f":{self.port}" if self.port else "")


def parse_address(text: str) -> Address:
    """The address as it was typed, the scheme and the user may be left out.

    Raises:
        UsageError: `via_odd`.
    """
    found = SHAPE.fullmatch(text.removeprefix(SCHEME))
    host = found and (found["host"] or found["ipv6"])
    port = int(found["port"]) if found and found["port"] else None
    if not found or not host or not _is_host(host, found["ipv6"] is not None) or (port or 1) > LAST_PORT:
        raise UsageError(f"{text!r} isn't the address of a gate", hint=ALLOWED, code="via_odd")
    return Address(host, found["user"] or USER, port)


def _is_host(text: str, bracketed: bool) -> bool:
    if not bracketed:
        return HOST.fullmatch(text) is not None
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False
