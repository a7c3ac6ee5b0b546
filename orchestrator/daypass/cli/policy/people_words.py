"""How old what is known of people is, wherever they are listed; on standard error."""

from __future__ import annotations

from datetime import datetime

from daypass.cli.render import Screen
from daypass.directory import Directory
from daypass.directory.words import age_text
from daypass.errors import ConfigurationError
from daypass.workflow.seams import Seams


def show_age(screen: Screen, found: Directory, now: datetime) -> None:
    """How old it is, and whom somebody has to say a word about."""
    age = age_text(found, now)
    if found.trouble:
        screen.note(f"people are {age}, the directory can't be read: {found.trouble}", style="yellow")
    elif age:
        screen.note(f"people are {age}")
    if found.held:
        said = f"it can't be told whether {len(found.held)} people are still here"
        screen.note(f"{said}; see: daypass directory confirm --check", style="yellow")


def note_people(screen: Screen, seams: Seams, now: datetime) -> dict[str, object]:
    """The same for a command that shows something else, and as JSON; one that can't be read is told too."""
    try:
        found = seams.directory()
    except ConfigurationError as error:
        screen.note(f"people can't be told: {error.sentence}", style="yellow")
        return {"read_at": None, "trouble": error.sentence, "held": []}
    if found is None:
        return {"read_at": None, "trouble": None, "held": []}
    show_age(screen, found, now)
    return {"read_at": found.read_at, "trouble": found.trouble or None, "held": sorted(found.held)}
