# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sudoers of others says: names that rights wait for, groups that are as good as root. Pure.

Where the grammar is unclear a word counts as a name, and a group as root's; a login that is refused for
nothing can be renamed, a right that was overseen can't be taken back.
"""

from __future__ import annotations

from ..contract.names import ROOT_EQUIVALENT_GROUPS
from ..contract.typed import TYPE_CHECKING
from ..contract.words import DIGITS, LARGE, LETTERS, Seldom

if TYPE_CHECKING:
    from typing import Iterable

# `Cmnd_Alias X = /bin/a : Y = ALL`: several aliases may stand on one line.
DEFINITION = Seldom(r"(?:^|:)[ \t]*([A-Z][A-Z0-9_]*)[ \t]*=([^:]*)")
BETWEEN_COMMANDS = Seldom(r",(?![^(]*\))")  # not within a run-as list
OTHER_HOST = Seldom(r":[^:=]*=")  # `… : OTHERHOST = command`
BLANKS = " \t"
TAG = LARGE + "_"


class _Others(dict):
    """A table for str.translate: what isn't in it is a blank."""

    def __missing__(self, _key: int) -> str:
        return " "


_IN_NAMES = _Others({ord(one): one for one in LETTERS + DIGITS + "_.-"})
_IN_ALIASES = _Others({ord(one): one for one in LARGE + DIGITS + "_"})


def words_of(text: str) -> list[str]:
    """All `[A-Za-z_][A-Za-z0-9_.-]*` in a text."""
    found = (run.lstrip(DIGITS + ".-") for run in text.translate(_IN_NAMES).split(" "))
    return [word for word in found if word]


def aliases_of(text: str) -> list[str]:
    """All `[A-Z][A-Z0-9_]*` in a text."""
    found = (run.lstrip(DIGITS + "_") for run in text.translate(_IN_ALIASES).split(" "))
    return [word for word in found if word]


def groups_of(text: str) -> list[str]:
    """All that follows a `%` without `!` before it: `%group`, `%#gid`."""
    found = []
    before, *parts = text.split("%")
    for part in parts:
        mark = "#" if part.startswith("#") else ""
        rest = part[len(mark) :]
        name = rest[: len(rest) - len(rest.lstrip(LETTERS + DIGITS + "_.-"))]
        if name and name[0] not in ".-" and not before.endswith("!"):
            found.append(mark + name)
        before = part
    return found


def gids_of(texts: Iterable[str]) -> frozenset[int]:
    """All numbers of groups that are named so: `%#gid`."""
    found = (word for text in texts if "%#" in text for word in groups_of(text))
    return frozenset(int(word[1:]) for word in found if word[0] == "#" and word[1:].isdigit())


def run_as_of(text: str) -> list[str]:
    """What stands in each pair of parentheses."""
    pieces = text.split(")")[:-1]
    return [piece.partition("(")[2] for piece in pieces if "(" in piece]


def mentioned_names(texts: Iterable[str]) -> frozenset[str]:
    """All words that stand where sudoers has users and groups."""
    names: set[str] = set()
    for line in _lines(texts):
        names.update(names_of_line(line))
    return frozenset(names)


def root_groups(texts: Iterable[str]) -> frozenset[str]:
    """Groups whose members may run everything as root, the well-known ones among them; `#27` is a gid.

    A rule for single users or for ALL of them names no group.
    """
    lines = list(_lines(texts))
    user_aliases = _aliases(lines, "User_Alias")
    everything = {"ALL"}
    for name, words in _aliases(lines, "Cmnd_Alias", "Cmd_Alias").items():
        if "ALL" in words_of(words):
            everything.add(name)
    found = set(ROOT_EQUIVALENT_GROUPS)
    for line in lines:
        head, separator, rest = line.partition("=")
        if not separator or line.startswith(("Defaults", "User_Alias", "Runas_Alias", "Host_Alias", "Cm")):
            continue
        if _gives_everything(rest, everything):
            expanded = [head, *(user_aliases.get(word, "") for word in aliases_of(head))]
            found.update(name for text in expanded for name in groups_of(text))
    return frozenset(found)


def _gives_everything(rest: str, everything: set[str]) -> bool:
    as_root = True  # no list at all means root
    for piece in BETWEEN_COMMANDS.split(rest) if "," in rest else [rest]:
        text = (OTHER_HOST.split(piece)[-1] if "=" in piece else piece).strip()
        if text.startswith("(") and ")" in text:
            listed, _end, text = text[1:].partition(")")
            users = listed.partition(":")[0]
            as_root = "root" in words_of(users) or "#0" in users or bool(aliases_of(users))
        if as_root and command_of(text.strip()).strip() in everything:
            return True
    return False


def command_of(text: str) -> str:
    """What follows tags (`NOPASSWD:`) and options (`CWD=/ `)."""
    while True:
        name = text[: len(text) - len(text.lstrip(TAG))]
        after = text[len(name) :]
        value = after[1:].replace("\t", " ").partition(" ")[0]
        if name and after.startswith(":"):
            text = after[1:].lstrip(BLANKS)
        elif name and "_" not in name and after.startswith("=") and value and len(value) + 1 < len(after):
            text = after[1 + len(value) :].lstrip(BLANKS)
        else:
            return text


def _aliases(lines: Iterable[str], *kinds: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        kind, _blank, rest = line.partition(" ")
        if kind in kinds:
            found.update(DEFINITION.findall(rest))
    return found


def _lines(texts: Iterable[str]) -> Iterable[str]:
    return (line for text in texts for line in logical_lines(text))


def logical_lines(text: str) -> list[str]:
    """Lines joined at a trailing backslash, without comments and includes. `#1000` is a uid, no comment."""
    joined = text.replace("\\\n", " ")
    lines = (_without_comment(line).strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith(("@include", "#"))]


def _without_comment(line: str) -> str:
    place = line.find("#")
    while place >= 0:
        if (not place or line[place - 1] in BLANKS) and line[place + 1 : place + 2] not in tuple(DIGITS):
            return line[:place]
        place = line.find("#", place + 1)
    return line


def names_of_line(line: str) -> set[str]:
    """The words of one logical line that are users or groups (or may be)."""
    head, separator, rest = line.partition("=")
    if line.startswith("Defaults"):
        scope = line[len("Defaults") :]
        return set(words_of(scope.replace("\t", " ").partition(" ")[0])) if scope[:1] in ":>" else set()
    if line.startswith(("Host_Alias", "Cmnd_Alias", "Cmd_Alias")):
        return set()
    if line.startswith(("User_Alias", "Runas_Alias")):
        return set(words_of(line))
    found = set(words_of(head))
    if separator:
        for section in run_as_of(rest):
            found.update(words_of(section))
    return found
