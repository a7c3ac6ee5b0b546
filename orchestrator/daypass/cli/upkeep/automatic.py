"""What automatic access leaves out, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence

from daypass.cli.render import Screen
from daypass.flows.entitled import Note


def note_json(note: Note) -> dict[str, object]:
    """A note as programs get it."""
    return {"flow": note.flow, "code": note.code, "text": note.text}


def show_notes(screen: Screen, notes: Sequence[Note]) -> None:
    """Each on a line, beside the result."""
    for note in notes:
        screen.note(f"automatic access by {note.flow}: {note.text}", style="yellow")
