# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of given characters, told without regular expressions, and those that most runs don't need. Pure.

Loading re and compiling what most runs ask took longer than reading the documents that they are asked about.
"""

from __future__ import annotations

from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

SMALL = "abcdefghijklmnopqrstuvwxyz"
LARGE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
LETTERS = SMALL + LARGE


class Word:
    """A text of given ASCII characters: `[first][rest]{0,most - 1}` as a regular expression says it.

    Args:
        rest: Characters that may stand in it.
        first: Those that it may begin with, "" for the same.
        least, most: How many it has.
    """

    def __init__(self, rest: str, most: int, least: int = 1, first: str = "") -> None:
        self.rest = rest
        self.most = most
        self.least = least
        self.first = first or rest

    def fullmatch(self, text: str) -> bool:
        """Whether this is such a text, from its first to its last character."""
        right = self.least <= len(text) <= self.most and text[0] in self.first
        return right and not text.strip(self.rest)  # nothing is left where each is one of them


class Path:
    """An absolute path of given ASCII characters, without an empty part: `(?:/[part]+)+`."""

    def __init__(self, part: str) -> None:
        self.part = part

    def fullmatch(self, text: str) -> bool:
        """Whether this is such a path."""
        head, *parts = text.split("/")
        return not head and bool(parts) and all(part and not part.strip(self.part) for part in parts)


class Seldom:
    """A regular expression of ASCII that is compiled when it is asked something for the first time."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __getattr__(self, name: str) -> Any:
        import re

        found = getattr(re.compile(self.pattern, re.ASCII), name)
        setattr(self, name, found)
        return found
