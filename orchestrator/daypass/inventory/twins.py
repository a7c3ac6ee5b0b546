"""Entries of server lists that lead to the same place."""

from __future__ import annotations

from collections.abc import Iterable

from daypass.domain.servers import Server


def twins(servers: Iterable[Server]) -> tuple[tuple[Server, ...], ...]:
    """Groups of two or more servers with the same host and port behind the same jump host, in their order.

    Not a mistake for certain: a name may lead to several machines. One machine takes one of them only, as it
    knows the id that it was onboarded with.
    """
    first: dict[tuple[str, int, str | None], Server] = {}
    several: dict[tuple[str, int, str | None], list[Server]] = {}
    for server in servers:
        place = (server.host.lower(), server.port, server.proxy_jump)
        if (before := first.setdefault(place, server)) is not server:
            several.setdefault(place, [before]).append(server)
    return tuple(tuple(several[place]) for place in first if place in several)


def twins_text(found: Iterable[Server]) -> str:
    """`web-1 and web-1-old are both 192.0.2.11 port 22`."""
    members = list(found)
    names = " and ".join(server.name for server in members)
    return f"{names} are the same place: {members[0].host} port {members[0].port}"
