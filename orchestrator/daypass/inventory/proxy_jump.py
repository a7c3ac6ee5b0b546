"""The `proxy_jump` of a server: one host to go through, `[user@]host[:port]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from daypass.inventory.addresses import check_host, check_port, check_user, is_ipv6
from daypass.inventory.problems import FieldRefused, shown

JUMP = re.compile(r"(?:(?P<user>[^@]*)@)?(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[^:]*))?")
ALLOWED = "[user@]host[:port], one hop; an IPv6 address in brackets"


@dataclass(frozen=True)
class Jump:
    """A checked `proxy_jump`; what wasn't given is None."""

    host: str
    user: str | None = None
    port: int | None = None


def check_jump(value: object) -> str:
    """The jump as it is, or FieldRefused; `parse_jump` takes it apart."""
    if not isinstance(value, str):
        raise FieldRefused(shown(value), ALLOWED)
    parse_jump(value)
    return value


def parse_jump(text: str) -> Jump:
    """`[user@]host[:port]` in its checked parts, or FieldRefused."""
    match = JUMP.fullmatch(text)
    if match is None:
        raise FieldRefused(shown(text), ALLOWED)
    user, host, port = match["user"], match["host"], match["port"]
    bracketed = host.startswith("[")
    if bracketed and not is_ipv6(host[1:-1]):
        raise FieldRefused(shown(text), ALLOWED)
    return Jump(
        host=host[1:-1] if bracketed else check_host(host),
        user=None if user is None else check_user(user),
        port=None if port is None else check_port(port),
    )
