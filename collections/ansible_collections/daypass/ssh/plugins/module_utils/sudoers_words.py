# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that sudoers mentions as user or group: such a login would come into rights that wait for it.

Reads as sudoers(5) does: continued lines, comments, includes. Where the grammar is unclear a word counts as a
name; a login that is refused for nothing can be renamed, a right that was overseen can't be taken back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Iterable

from .names import SUDOERS_MAIN, SUDOERS_PATH

if TYPE_CHECKING:
    from .system import System

INCLUDE = re.compile(r"^[@#]include(dir)?[ \t]+(.+)$")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
RUN_AS = re.compile(r"\(([^)]*)\)")
FILES_MAX = 256  # sudo itself stops at 128 nested includes


def mentioned_names(system: System) -> frozenset[str]:
    """All words that stand where sudoers has users and groups; our own file isn't read.

    Raises:
        OSError: A file is there and can't be read.
    """
    names: set[str] = set()
    for text in _files(system):
        for line in logical_lines(text):
            names.update(names_of_line(line))
    return frozenset(names)


def _files(system: System) -> Iterable[str]:
    waiting, seen = [SUDOERS_MAIN], {SUDOERS_PATH}
    while waiting and len(seen) < FILES_MAX:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        content = system.read(path)
        if content is None:
            continue
        text = content.decode("utf-8", "replace")
        waiting += _included(system, text)
        yield text


def _included(system: System, text: str) -> list[str]:
    found = []
    for line in text.splitlines():
        match = INCLUDE.match(line.strip())
        if not match:
            continue
        path = match.group(2).strip().strip('"')
        path = path if path.startswith("/") else "/etc/" + path
        if match.group(1):  # a folder: names with a dot and backups are skipped by sudo
            files = [name for name in system.names(path) if "." not in name and not name.endswith("~")]
            found += [f"{path.rstrip('/')}/{name}" for name in files]
        else:
            found.append(path)
    return found


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
