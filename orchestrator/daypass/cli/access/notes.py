"""Custom access details: what an integration tells everybody who has access to its servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.cli.names import INTEGRATION, SERVER
from daypass.cli.options import Invocation, common
from daypass.cli.render import Screen
from daypass.errors import NotFoundError

if TYPE_CHECKING:
    from daypass.config import Settings


def show_notes(screen: Screen, notes: Mapping[str, str]) -> None:
    """The text of each integration, its line breaks kept and nothing else obeyed."""
    for name, text in notes.items():
        screen.line()
        screen.line(f"{name} says:", style="bold")
        for line in text.split("\n"):
            screen.line(f"  {line}")


@click.command()
@click.option("--integration", metavar="NAME", type=INTEGRATION, help="Only this integration's.")
@click.option("--server", metavar="NAME", type=SERVER, help="What people with access to this server see.")
@common
def details(invocation: Invocation, *, integration: str | None, server: str | None) -> None:
    """Preview custom access details.

    Integrations' texts as they are in the configuration now; `daypass access show` shows them with each
    access. This needs no record, so that a text can be
    looked at before `daypass init`, or from a copy of the configuration with --config.

    \b
    Example:
      daypass access details --integration prod-linux
      daypass access details --server web-1
    """
    from daypass import config
    from daypass.config.fields import MOST_DETAILS

    settings = config.load(invocation.config, os.environ, Path.cwd())
    notes = {
        one.name: one.custom_access_details
        for one in settings.integrations
        if one.name in _meant(settings, integration, server)
    }
    invocation.screen.emit(
        {
            name: {"text": text, "characters": len(text), "allowed": MOST_DETAILS}
            for name, text in notes.items()
        },
        lambda: _show(invocation.screen, notes),
    )


def _meant(settings: Settings, integration: str | None, server: str | None) -> set[str]:
    names = {one.name for one in settings.integrations}
    if integration is not None:
        if integration not in names:
            raise NotFoundError(
                f"no integration named {integration!r}", hint=f"there are: {', '.join(sorted(names))}"
            )
        names = {integration}
    if server is not None:
        named = {one.integration for one in settings.servers if one.name == server}
        if not named:
            raise NotFoundError(f"no server named {server!r}", hint="see: daypass servers list")
        names &= named
    return names


def _show(screen: Screen, notes: Mapping[str, str]) -> None:
    from daypass.config.fields import MOST_DETAILS

    show_notes(screen, {name: text for name, text in notes.items() if text})
    for name, text in notes.items():
        if text:
            screen.note(f"{name}: {len(text)} of {MOST_DETAILS} characters")
        else:
            screen.note(f"{name}: no custom_access_details")
