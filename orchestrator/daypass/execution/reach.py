"""Does sshd answer there? A connection and the first line that comes, no login."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from daypass.domain.servers import Server

AT_ONCE = 64
MOST_SECONDS = 5.0  # for the connection, and for each piece of the line
MOST_BYTES = 4096  # sshd may send lines before its own (RFC 4253, 4.2)


def silent_servers(
    servers: Sequence[Server], done: Callable[[], None], seconds: float = MOST_SECONDS
) -> Mapping[str, str]:
    """By server that doesn't answer as sshd, why not.

    Args:
        done: Called after each of them, from several threads.
        seconds: How long to wait for each step.
    """

    def ask(server: Server) -> tuple[str, str]:
        try:
            return server.name, why_silent(server, seconds)
        finally:
            done()

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return {name: why for name, why in pool.map(ask, servers) if why}


def why_silent(server: Server, seconds: float) -> str:
    """Why it doesn't answer as sshd; empty where it does."""
    try:
        with socket.create_connection((server.host, server.port), timeout=seconds) as connection:
            return "" if _greets(connection) else f"port {server.port} is no sshd"
    except socket.gaierror:
        return f"{server.host} has no address"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()


def _greets(connection: socket.socket) -> bool:
    said = b""
    while len(said) < MOST_BYTES:
        piece = connection.recv(256)
        said += piece
        if any(line.startswith(b"SSH-2.0-") for line in said.split(b"\n")):
            return True
        if not piece:
            return False
    return False
