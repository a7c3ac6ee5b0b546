"""Entries of server lists that lead to the same place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from daypass.domain.servers import Server


def twins(servers: Iterable[Server]) -> tuple[tuple[Server, ...], ...]:
    """Groups of two or more servers with the same host and port behind the same jump host, in their order.

    Not a mistake for certain: a name may lead to several machines. One machine takes one of them only, as it
    knows the id that it was onboarded with.
    """
    places: dict[tuple[str, int, str | None], list[Server]] = defaultdict(list)
    for server in servers:
        places[(server.host.lower(), server.port, server.proxy_jump)].append(server)
    return tuple(tuple(found) for found in places.values() if len(found) > 1)


def twins_text(found: Iterable[Server]) -> str:
    """`web-1 and web-1-old are both 192.0.2.11 port 22`."""
    members = list(found)
    names = " and ".join(server.name for server in members)
    return f"{names} are the same place: {members[0].host} port {members[0].port}"
