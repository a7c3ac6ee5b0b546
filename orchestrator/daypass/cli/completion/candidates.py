"""Which candidates may reach a shell: few enough, and none that a shell would read as anything but a word."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from click.shell_completion import CompletionItem

MOST_CANDIDATES = 500
MOST_DESCRIPTION = 80
# What bash, zsh and fish take for plain text wherever it stands in a word. bash puts a candidate onto the
# command line as it is: one with `$(…)` or `;` would run with the next Enter. The first is no `=`: zsh reads
# that as the path of a command (zshexpn(1), `=` expansion), nor `%`, which is a job.
PLAIN = re.compile(r"[\w.:@/+-][\w.:@/+=,%-]*")
MOST_LETTERS = 300  # a server's name has at most 253


def chosen(candidates: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem[str]]:
    """Those that begin with what is typed, each once, in the order in which they come.

    Of more than `MOST_CANDIDATES`, the first and the last of the alphabet are always among them: a shell
    fills in what all candidates begin with, and that has to be true of those that are left out, too.
    """
    fitting: dict[str, str] = {}
    for value, description in candidates:
        if value.startswith(incomplete) and value not in fitting and is_plain(value):
            fitting[value] = description
    shown = list(fitting)
    if len(shown) > MOST_CANDIDATES:
        shown = list(dict.fromkeys([min(shown), *shown[: MOST_CANDIDATES - 2], max(shown)]))
    return [CompletionItem(value, help=described(fitting[value])) for value in shown]


def is_plain(value: str) -> bool:
    """Whether it is one harmless word in each of the shells."""
    return len(value) <= MOST_LETTERS and PLAIN.fullmatch(value) is not None


def described(text: str) -> str | None:
    """One short line without anything that moves a terminal's cursor; None for nothing."""
    line = "".join(c if c.isprintable() else "?" for c in text[:MOST_DESCRIPTION])
    return line or None


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End the process, with nothing said, where this takes longer: for one that does nothing but complete."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
