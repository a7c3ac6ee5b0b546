"""What a gate shows, made harmless for a terminal before it gets there.

The gate writes out whatever somebody typed, so what is left are its own colours, its progress bar and the
editing of an answer. Exactly these are let through; anything else that a terminal would obey is written out,
whoever sent it.
"""

from __future__ import annotations

import codecs
import re

ESCAPE = "\x1b"
# Colours; a line cleared; the cursor hidden and shown; pasting marked (rich, GNU readline). ECMA-48, 8.3.
PLAIN = re.compile(r"\x1b\[(?:[0-9;]{0,40}m|[0-9]{0,3}[CDKP@]|\?25[hl]|\?2004[hl])")
UP = re.compile(r"\x1b\[([0-9]{0,3})A")
LONGEST = 48  # characters of an escape sequence that is still awaited
UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*)?")
ALLOWED_CONTROLS = frozenset("\n\r\t\b\a")


class Harmless:
    """Turn what comes in pieces into text that a terminal may have.

    The cursor never goes up further than this output came down, so that what stood there before stays.

    Args:
        terminal: Whether colours and the like are let through; for a file or a program there are none.
    """

    def __init__(self, *, terminal: bool) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._terminal = terminal
        self._rest = ""
        self._lines = 0

    def feed(self, data: bytes, *, last: bool = False) -> str:
        """As much as is whole; with `last` all of it."""
        text = self._rest + self._decode.decode(data, last)
        self._rest = ""
        shown: list[str] = []
        at = 0
        while at < len(text):
            taken = self._take(text, at, last)
            if taken is None:
                self._rest = text[at:]
                break
            piece, at = taken
            shown.append(piece)
        return "".join(shown)

    def _take(self, text: str, at: int, last: bool) -> tuple[str, int] | None:
        """The next piece as it may be shown, and where the one after it begins; None = more has to come."""
        char = text[at]
        if char == "\r" and not self._terminal:
            return self._carriage(text, at, last)
        if char != ESCAPE or not self._terminal:
            return self._character(char), at + 1
        if found := PLAIN.match(text, at):
            return found[0], found.end()
        if found := UP.match(text, at):
            return self._up(found), found.end()
        awaited = not last and len(text) - at < LONGEST and UNFINISHED.fullmatch(text, at)
        return None if awaited else (_written(char), at + 1)

    def _character(self, char: str) -> str:
        if char == "\n":
            self._lines += 1
            return char
        if char == "\t" or char.isprintable() or (self._terminal and char in ALLOWED_CONTROLS):
            return char
        return _written(char)

    def _carriage(self, text: str, at: int, last: bool) -> tuple[str, int] | None:
        """ssh ends its own lines as terminals do; a file gets plain ones."""
        if at + 1 == len(text) and not last:
            return None
        return ("" if text[at + 1 : at + 2] == "\n" else _written("\r")), at + 1

    def _up(self, found: re.Match[str]) -> str:
        count = int(found[1] or "1") or 1  # 0 counts as 1
        if count > self._lines:
            return _written(ESCAPE) + found[0][1:]
        self._lines -= count
        return found[0]


def _written(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
