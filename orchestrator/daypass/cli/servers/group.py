"""`daypass servers`: check a server list, show the servers, record their host keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from daypass.cli.names import INTEGRATION, SERVER, TAG
from daypass.cli.options import EXIT_DONE, EXIT_USAGE, Invocation, common
from daypass.cli.render import Screen, counted
from daypass.cli.words import as_tags
from daypass.domain.servers import Server
from daypass.errors import UsageError
from daypass.inventory.host_key_text import fingerprint
from daypass.inventory.json_text import MAX_BYTES
from daypass.inventory.problems import CheckResult
from daypass.inventory.server_list import check
from daypass.inventory.twins import twins, twins_text

SHOWN_SERVERS = 20  # of a list that is fine; `servers list` shows all of them


@click.group()
def servers() -> None:
    """Check server lists, show servers, record their host keys."""


@servers.command("check")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@common
def check_list(invocation: Invocation, *, file: Path) -> int:
    """Check a server list: every problem in it at once. Needs no configuration; `-` reads standard input.

    \b
    Example:
      daypass servers check servers.json
      daypass servers check servers.json -o json
    """
    result = check(_read(file), str(file))
    shown = check_as_json(result) if invocation.screen.is_json else None  # of a long list, megabytes
    invocation.screen.emit(shown, lambda: _show_check(invocation.screen, result))
    return EXIT_DONE if result.ok else EXIT_USAGE


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The server list {file} can't be read: {error.strerror}.", code="file_unreadable"
        ) from None


def check_as_json(result: CheckResult) -> dict[str, object]:
    """The whole outcome of a check for programs."""
    problems = [
        {"index": p.index, "name": p.name, "field": p.field, "found": p.found, "allowed": p.allowed}
        for p in result.problems
    ]
    return {
        "source": result.source,
        "ok": result.ok,
        "servers": [server_as_json(server) for server in result.servers],
        "problems": problems,
        "same_place": [[server.name for server in group] for group in twins(result.servers)],
    }


def server_as_json(server: Server) -> dict[str, object]:
    """A server entry with its defaults filled in."""
    return {
        "name": server.name,
        "host": server.host,
        "user": server.user,
        "port": server.port,
        "tags": dict(server.tags),
        "host_key": server.host_key,
        "proxy_jump": server.proxy_jump,
        "integration": server.integration or None,
    }


def _show_check(screen: Screen, result: CheckResult) -> None:
    if result.ok:
        _show_servers(screen, result.servers[:SHOWN_SERVERS])
        more = len(result.servers) - SHOWN_SERVERS
        screen.line(f"… and {more} more" if more > 0 else "")
        screen.line(f"{result.source}: {counted(len(result.servers), 'server')}, no problems", style="green")
        for group in twins(result.servers):
            screen.note(f"{twins_text(group)}; a machine is onboarded under one name only", style="yellow")
        return
    rows = [
        ("-" if p.index is None else p.index, p.name or "-", p.field or "-", p.found, p.allowed)
        for p in result.problems
    ]
    screen.table(["index", "name", "field", "found", "allowed"], rows)
    screen.note(f"{result.source}: {counted(len(result.problems), 'problem')}", style="bold red")


def _show_servers(screen: Screen, shown: Iterable[Server]) -> None:
    rows = [
        (
            server.name,
            f"{server.user}@{server.host}",
            server.port,
            " ".join(f"{key}={text}" if text else key for key, text in server.tags.items()) or "-",
            server.integration or "-",
            server.proxy_jump or "-",
            fingerprint(server.host_key) if server.host_key else "-",
        )
        for server in shown
    ]
    columns = ["name", "connects to", "port", "tags", "integration", "through", "host key"]
    # Columns that nobody uses would only make the others narrow.
    used = [n for n in range(len(columns)) if n < 3 or any(row[n] != "-" for row in rows)]
    screen.table([columns[n] for n in used], [[row[n] for n in used] for row in rows])


@servers.command("list")
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", type=TAG, help="Only servers with this tag."
)
@click.option("--integration", metavar="NAME", type=INTEGRATION, help="Only servers of this integration.")
@common
def list_servers(invocation: Invocation, *, tags: tuple[str, ...], integration: str | None) -> None:
    """Show the servers of the configuration.

    \b
    Example:
      daypass servers list --tag env=prod
    """
    from daypass import config  # pydantic and all the settings, which `check` does without

    wanted = as_tags(tags)
    found = [
        server
        for server in config.load(invocation.config, os.environ, Path.cwd()).servers
        if integration in (None, server.integration)
        and all(server.tags.get(key) == value for key, value in wanted)
    ]
    invocation.screen.emit(
        {"servers": [server_as_json(server) for server in found]},
        lambda: _show_list(invocation.screen, found),
    )


def _show_list(screen: Screen, found: Sequence[Server]) -> None:
    if found:
        _show_servers(screen, found)
    screen.note(counted(len(found), "server"))


@servers.command("scan")
@click.argument("names", nargs=-1, metavar="[SERVER]...", type=SERVER)
@click.option(
    "--yes", is_flag=True, help="Record new keys without a question; compare the fingerprints first."
)
@click.option("--replace", is_flag=True, help="Record changed keys too: the server was set up anew.")
@common
def scan_keys(invocation: Invocation, *, names: tuple[str, ...], yes: bool, replace: bool) -> int:
    """Record the host keys of servers, after their fingerprints were confirmed.

    Without names, all servers. Compare the fingerprints with what the servers say themselves:
    ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. A `host_key` in the server list wins over what is
    recorded.

    \b
    Example:
      daypass servers scan web-1
      daypass servers scan --yes
    """
    from daypass.cli.servers.scan import run_scan  # store and Ansible, which `check` does without

    return run_scan(invocation, names, confirmed=yes, replace=replace)
