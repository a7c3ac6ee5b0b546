# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sudoers of others says: names that rights wait for, groups that are as good as root. Pure.

Where the grammar is unclear a word counts as a name, and a group as root's; a login that is refused for
nothing can be renamed, a right that was overseen can't be taken back.
"""

from __future__ import annotations

import re

from ..contract.names import ROOT_EQUIVALENT_GROUPS
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterable

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
RUN_AS = re.compile(r"\(([^)]*)\)")
GROUP = re.compile(r"(?<!!)%(#?[A-Za-z0-9_][A-Za-z0-9_.-]*)")
ALIAS = re.compile(r"[A-Z][A-Z0-9_]*")
# `Cmnd_Alias X = /bin/a : Y = ALL`: several aliases may stand on one line.
DEFINITION = re.compile(r"(?:^|:)[ \t]*([A-Z][A-Z0-9_]*)[ \t]*=([^:]*)")
BEFORE_COMMAND = re.compile(r"(?:[A-Z_]+:[ \t]*|[A-Z]+=[^ \t]+[ \t]+)*")  # tags and options


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
        if "ALL" in WORD.findall(words):
            everything.add(name)
    found = set(ROOT_EQUIVALENT_GROUPS)
    for line in lines:
        head, separator, rest = line.partition("=")
        if not separator or line.startswith(("Defaults", "User_Alias", "Runas_Alias", "Host_Alias", "Cm")):
            continue
        if _gives_everything(rest, everything):
            expanded = [head, *(user_aliases.get(word, "") for word in ALIAS.findall(head))]
            found.update(name for text in expanded for name in GROUP.findall(text))
    return frozenset(found)


def _gives_everything(rest: str, everything: set[str]) -> bool:
    as_root = True  # no list at all means root
    for piece in re.split(r",(?![^(]*\))", rest):
        text = re.split(r":[^:=]*=", piece)[-1].strip()  # `… : OTHERHOST = command`
        match = RUN_AS.match(text)
        if match:
            users = match.group(1).partition(":")[0]
            as_root = "root" in WORD.findall(users) or "#0" in users or bool(ALIAS.findall(users))
            text = text[match.end() :].strip()
        if as_root and BEFORE_COMMAND.sub("", text, count=1).strip() in everything:
            return True
    return False


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
    lines = (re.sub(r"(^|[ \t])#(?![0-9]).*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith(("@include", "#"))]


def names_of_line(line: str) -> set[str]:
    """The words of one logical line that are users or groups (or may be)."""
    head, separator, rest = line.partition("=")
    if line.startswith("Defaults"):
        scope = line[len("Defaults") :]
        return set(WORD.findall(re.split(r"[ \t]", scope, maxsplit=1)[0])) if scope[:1] in ":>" else set()
    if line.startswith(("Host_Alias", "Cmnd_Alias", "Cmd_Alias")):
        return set()
    if line.startswith(("User_Alias", "Runas_Alias")):
        return set(WORD.findall(line))
    found = set(WORD.findall(head))
    if separator:
        for section in RUN_AS.findall(rest):
            found.update(WORD.findall(section))
    return found
