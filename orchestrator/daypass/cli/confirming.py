"""Questions before what can't be undone: asked on a terminal, answered by an option elsewhere."""

from __future__ import annotations

import click

from daypass.cli.render import Screen, safe
from daypass.errors import UsageError


def confirm(screen: Screen, question: str, *, confirmed: bool, option: str = "--yes") -> None:
    """Go on only after a yes.

    Args:
        confirmed: The answer was given on the command line.
        option: What says yes there, for the hint.

    Raises:
        UsageError: Nobody can be asked, or the answer was no.
    """
    if confirmed:
        return
    if not screen.asks:
        raise needed(option)
    if not click.confirm(safe(question)):
        raise UsageError("Nothing was changed.", code="not_confirmed")


def confirm_by_name(screen: Screen, name: str, typed: str | None, *, option: str) -> None:
    """Go on only when the name was typed out.

    Raises:
        UsageError: Nobody can be asked, or another name was typed.
    """
    if typed is None:
        if not screen.asks:
            raise needed(f"{option} {name}")
        typed = click.prompt(
            f"Type the name of the server ({safe(name)}) to go on", default="", show_default=False
        )
    if typed != name:
        raise UsageError(f"Nothing was changed: {typed!r} isn't {name!r}.", code="not_confirmed")


def needed(option: str) -> UsageError:
    """Nobody can be asked."""
    return UsageError(
        "This can't be undone and waits for a confirmation, and this isn't a terminal.",
        hint=f"Look at it with --check, then add {option}",
        code="confirmation_needed",
    )
