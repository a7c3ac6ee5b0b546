# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sudoers of others, read as sudoers(5) and sudo-rs do: main files and all that they include.

What sudo would stumble over stops us too: nobody knows then which rights wait for a name.
"""

from __future__ import annotations

import os

from ..contract.names import SUDOERS_PATH, Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..contract.words import Seldom

if TYPE_CHECKING:
    from ..effects.system import System

# sudo-rs takes the second instead of the first, where it is there; openSUSE ships the third for want of the
# first. Names in a file that isn't in force are refused for nothing, which harms nobody.
MAIN_FILES = ("/etc/sudoers", "/etc/sudoers-rs", "/usr/etc/sudoers")
ESCAPED = Seldom(r"\\(.)")
INCLUDES = ("@include", "#include", "@includedir", "#includedir")
FILES_MAX = 256
DEPTH_MAX = 128  # of includes in includes; sudo itself stops there


class Tree(NamedTuple):
    """What all files together say.

    Attributes:
        texts: Their contents, without our own.
        includes_ours: Our file is read too, so rules in it count.
    """

    texts: tuple[str, ...]
    includes_ours: bool


def read_tree(system: System) -> Tree:
    """All sudoers files but ours.

    Raises:
        Refusal: `sudoers_broken`: an include leads nowhere, in a circle, or to too many files.
        OSError: A file is there and can't be read, or is none.
    """
    reader = _Reader(system, os.uname().nodename.partition(".")[0])
    for path in MAIN_FILES:
        reader.follow(path, (), needed=False)
    return Tree(tuple(reader.texts), reader.includes_ours)


class _Reader:
    def __init__(self, system: System, host: str) -> None:
        self._system = system
        self._host = host
        self._files = 0
        self.texts: list[str] = []
        self.includes_ours = False

    def follow(self, path: str, parents: tuple[str, ...], needed: bool) -> None:
        if path == SUDOERS_PATH:
            self.includes_ours = True
            return
        self._files += 1
        if path in parents or len(parents) > DEPTH_MAX or self._files > FILES_MAX:
            raise _broken(f"{parents[-1]} includes {path} in a circle, or too many files are included")
        content = self._system.read(path)
        if content is None:
            if needed:
                raise _broken(f"{parents[-1]} includes {path}, which isn't there")
            return
        text = content.decode("utf-8", "replace")
        self.texts.append(text)
        for line in text.replace("\\\n", " ").splitlines():
            included = included_by(line)
            if included is not None:
                self._include(self._expanded(included[1], path), included[0], (*parents, path))

    def _include(self, path: str, folder: bool, parents: tuple[str, ...]) -> None:
        if not folder:
            self.follow(path, parents, needed=True)
            return
        self.includes_ours = self.includes_ours or path == os.path.dirname(SUDOERS_PATH)
        for name in self._system.names(path):  # sudo skips names with a dot and backups, and missing folders
            if "." not in name and not name.endswith("~"):
                self.follow(f"{path}/{name}", parents, needed=True)

    def _expanded(self, text: str, included_by: str) -> str:
        """`"a path"`, `a\\ path`, `%h` (the host's short name) and paths beside the including file."""
        text = text.strip()
        if len(text) > 1 and text[0] == text[-1] == '"':
            text = text[1:-1]
        elif "\\" in text:
            text = ESCAPED.sub(r"\1", text)
        path = os.path.join(os.path.dirname(included_by), text.replace("%h", self._host))
        return os.path.normpath(path)


def included_by(line: str) -> tuple[bool, str] | None:
    """Whether a folder or a file, and which, for `@include…` and `#include…`; None for another line."""
    word, _blank, rest = line.strip().replace("\t", " ").partition(" ")
    if not rest or word not in INCLUDES:
        return None
    return word.endswith("dir"), line.strip()[len(word) :].lstrip(" \t")


def _broken(sentence: str) -> Refusal:
    return Refusal("sudoers_broken", sentence, "run visudo -c on the host")
