"""`daypass gate check`: a broker from outside."""

from __future__ import annotations

from pathlib import Path

import click

from daypass.cli.options import EXIT_DONE, EXIT_FAILED, Invocation, common
from daypass.gate.checking import Probe, Target, probes


@click.command()
@click.argument("destination", metavar="daypass@BROKER")
@click.option("--port", type=click.IntRange(1, 65535), help="Where its sshd listens.  [ssh's settings]")
@click.option("--identity", type=click.Path(path_type=Path), help="Your private key.  [ssh's settings]")
@click.option("--known-hosts", type=click.Path(path_type=Path), help="Where its host key stands.")
@common
def check(
    invocation: Invocation,
    *,
    destination: str,
    port: int | None,
    identity: Path | None,
    known_hosts: Path | None,
) -> int:
    """Try a broker from outside, with your own key, which must stand in its directory.

    What must work: host key, login, commands. What must not: a stranger's key, other programs, a shell,
    forwarding, files. Nothing is changed. Exit code 1 when something isn't as it should be.

    \b
    Example:
      daypass gate check daypass@broker.example.com --identity ~/.ssh/id_ed25519
    """
    words: list[str] = []
    words += ["-p", str(port)] if port else []
    words += ["-i", str(identity)] if identity else []
    words += ["-o", f"UserKnownHostsFile={known_hosts}"] if known_hosts else []
    found = list(probes(Target(destination, tuple(words))))
    invocation.screen.emit([vars(one) for one in found], lambda: _show(invocation, found))
    return EXIT_DONE if all(one.ok for one in found) else EXIT_FAILED


def _show(invocation: Invocation, found: list[Probe]) -> None:
    for one in found:
        word, style = ("ok", "green") if one.ok else ("FAIL", "bold red")
        invocation.screen.line(f"{word:<4} {one.what}", style=style)
        if not one.ok or invocation.screen.verbose:
            invocation.screen.line(f"     {one.found}")
