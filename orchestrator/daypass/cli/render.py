"""What a person or a program sees: tables or JSON, colours on a terminal only, nothing hostile unescaped."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daypass.domain.durations import length_text
from daypass.domain.windows import Window
from daypass.errors import ConfigurationError, DaypassError

# Wide enough for every table: a file or a program gets each row on one line, whatever it holds.
UNFOLDED_COLUMNS = 100_000
NOTHING = "-"
SAVED = re.compile(r"\bdaypass certificate show (\S+)(?: --public-key \S+)? --save (\S+)")
FOR_PEOPLE = re.compile(r"\bdaypass ((?:request|access|review) (?:(?! --as ).)*)( --as \S+)?")


def console_of(stream: TextIO) -> Console:
    """A console as wide as the terminal; where there is none, one that folds nothing."""
    width = None if stream.isatty() else UNFOLDED_COLUMNS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def safe(text: object) -> str:
    """Text from outside with control and format characters written out, so a terminal obeys none of them."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in str(text)
    )


def as_typed(text: str, typed: str) -> str:
    """Commands in a text as people at the gate type them: who they are is known there.

    Args:
        typed: `ssh daypass@broker`, empty on the orchestrator's own machine.
    """
    if not typed:
        return text
    saved = SAVED.sub(lambda found: f"{typed} certificate {found[1]} > {found[2]}", text)
    return FOR_PEOPLE.sub(lambda found: f"{typed} {found[1]}", saved)


@dataclass(frozen=True)
class Screen:
    """Where a command writes: one JSON value or tables to standard output, the rest to standard error.

    Attributes:
        typed: What people type before the words of a command, where that isn't `daypass`.
    """

    output: str = "table"
    verbose: int = 0
    typed: str = ""
    console: Console = field(default_factory=lambda: console_of(sys.stdout))
    messages: Console = field(default_factory=lambda: console_of(sys.stderr))

    @property
    def is_json(self) -> bool:
        return self.output == "json"

    @property
    def asks(self) -> bool:
        """Whether a question can be asked: both ends are a terminal, and the answer isn't for a program."""
        return not self.is_json and sys.stdin.isatty() and sys.stdout.isatty()

    def emit(self, value: object, show: Callable[[], None]) -> None:
        """Print `value` as JSON, or call `show` to print it for people."""
        if self.is_json:
            print(json_text(value))
        else:
            show()

    def line(self, text: str = "", style: str | None = None) -> None:
        """One line for people; a program's output stays free of it."""
        self.console.print(Text(safe(as_typed(text, self.typed)), style=style or ""), soft_wrap=True)

    def note(self, text: str, style: str | None = None) -> None:
        """A remark beside the result, on standard error."""
        self.messages.print(Text(safe(as_typed(text, self.typed)), style=style or ""), soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
    ) -> None:
        """A table for people; a column that holds nothing but `-` in every row is left out."""
        filled = [tuple(row) for row in rows]
        used = [n for n in range(len(columns)) if not filled or any(row[n] != NOTHING for row in filled)]
        table = Table(
            title=None if title is None else Text(safe(title)),
            title_justify="left",
            box=None,
            pad_edge=False,
            header_style="bold",
        )
        for n in used:
            table.add_column(columns[n], overflow="fold")
        for row in filled:
            table.add_row(
                *(cell if isinstance(cell, Text) else Text(safe(cell)) for cell in _only(row, used))
            )
        self.console.print(table)

    def error(self, error: DaypassError) -> None:
        """The error as a JSON object on standard output, or as sentence and hint on standard error."""
        problems = error.problems if isinstance(error, ConfigurationError) else ()
        if self.is_json:
            report = {"code": error.code, "message": error.sentence, "problems": problems}
            report["hint"] = as_typed(error.hint, self.typed)
            print(json.dumps({"error": report}, indent=2, sort_keys=True))
            return
        title = f"error ({error.code}): " if self.verbose else "error: "
        self.messages.print(Text(title, style="bold red") + Text(safe(error.sentence)), soft_wrap=True)
        for problem in problems:
            self.note(f"  - {problem}")
        if error.hint:
            self.messages.print(
                Text("hint: ", style="bold") + Text(safe(as_typed(error.hint, self.typed))), soft_wrap=True
            )


def json_text(value: object) -> str:
    """A value as programs get it."""
    return json.dumps(value, indent=2, sort_keys=True, default=_as_json)


def _only(row: Sequence[object], columns: Sequence[int]) -> list[object]:
    return [row[n] for n in columns]


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def time_text(moment: datetime | None, now: datetime) -> str:
    """A time as people read it: local, without the date where it is today's, and how far from `now`."""
    if moment is None:
        return NOTHING
    distance = length_text(moment - now)
    relative = f"in {distance}" if moment > now else f"{distance} ago"
    return f"{clock_text(moment, now)} ({relative})"


def clock_text(moment: datetime, now: datetime) -> str:
    """A local time, without the date where it is today's."""
    local = moment.astimezone()
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    return f"{day}{local:%H:%M:%S}"


def countdown(window: Window, ended_at: datetime | None, now: datetime) -> str:
    """What is left of access: `2h 5m left`, `begins in 3h`, `ended 5m ago`.

    Args:
        ended_at: When it was ended; None: it wasn't, though its window may have closed.
    """
    end = window.not_after if ended_at is None else min(ended_at, window.not_after)
    if end <= now:
        return f"ended {length_text(now - end)} ago"
    if now < window.not_before:
        return f"begins in {length_text(window.not_before - now)}"
    return f"{length_text(end - now)} left"


def counted(number: int, noun: str) -> str:
    """`1 server`, `2 servers`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
