# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sshd_config(5) as a tree of files: where a directive stands, and a copy of the whole to try a change on.

Only structure is read here (Include and Match); what a setting means in the end is asked from sshd itself.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re

from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Iterator, List, Mapping, Optional

    Read = Callable[[str], Optional[bytes]]
    Expand = Callable[[str], List[str]]

INCLUDE_ROOT = "/etc/ssh"  # a relative Include begins here (sshd_config(5))
DEPTH_LIMIT = 16  # SERVCONF_MAX_DEPTH in OpenSSH's servconf.c

_DIRECTIVE = re.compile(r"^\s*\"?(?P<keyword>[A-Za-z0-9]+)\"?(?:\s*=\s*|\s+)(?P<rest>.*?)\s*$")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


class Line(NamedTuple):
    """One directive.

    Attributes:
        number: Counts from 1.
        keyword: Lower case.
        rest: All behind the keyword, comments of newer versions included.
        conditional: True inside a Match block other than `Match all`.
    """

    file: str
    number: int
    keyword: str
    rest: str
    conditional: bool = False

    @property
    def place(self) -> str:
        """`file:line`, as a person looks it up."""
        return f"{self.file}:{self.number}"


def words(rest: str) -> list[str]:
    """Split what stands behind a keyword; a comment ends it."""
    found: list[str] = []
    for quoted, plain in _WORD.findall(rest):
        if plain.startswith("#"):
            break
        found.append(quoted or plain)
    return found


def expand(pattern: str) -> list[str]:
    """The files that an Include's pattern names now, in the order in which sshd reads them (glob(3))."""
    return sorted(glob.glob(pattern))


def lines_of(file: str, content: bytes) -> Iterator[Line]:
    """The directives of one file, without following Includes."""
    conditional = False
    for number, text in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        found = _DIRECTIVE.match(text)
        if found is None or text.lstrip().startswith("#"):
            continue
        keyword, rest = found.group("keyword").lower(), found.group("rest")
        if keyword == "match":
            conditional = [word.lower() for word in words(rest)] != ["all"]
        yield Line(file, number, keyword, rest, conditional)


def walk(
    file: str, read: Read, expand: Expand = expand, within: bool = False, depth: int = 0
) -> Iterator[Line]:
    """All directives in the order in which sshd reads them, Includes followed; an unreadable file is skipped.

    Args:
        within: The Include that led here stands in a Match block, so that all of this counts as conditional.
    """
    content = read(file)
    if content is None or depth > DEPTH_LIMIT:
        return
    for line in lines_of(file, content):
        conditional = within or line.conditional
        yield Line(line.file, line.number, line.keyword, line.rest, conditional)
        if line.keyword == "include":
            for pattern in words(line.rest):
                for inner in expand(_absolute(pattern)):
                    yield from walk(inner, read, expand, conditional, depth + 1)


def _absolute(pattern: str) -> str:
    return pattern if pattern.startswith("/") else os.path.join(INCLUDE_ROOT, pattern)


def covers(pattern: str, path: str) -> bool:
    """True where an Include with this pattern reads the file, should it exist."""
    folder, name = os.path.split(_absolute(pattern))
    if os.path.basename(path).startswith(".") and not name.startswith("."):
        return False
    return fnmatch.fnmatchcase(os.path.dirname(path), folder) and fnmatch.fnmatchcase(
        os.path.basename(path), name
    )


def reach(main: str, path: str, read: Read, expand: Expand = expand) -> Line | None:
    """The Include line by which sshd reads `path`, an unconditional one if possible; None without any."""
    found = [
        line
        for line in walk(main, read, expand)
        if line.keyword == "include" and any(covers(pattern, path) for pattern in words(line.rest))
    ]
    return next((line for line in found if not line.conditional), found[0] if found else None)


def copy_tree(
    main: str, read: Read, changed: Mapping[str, bytes], folder: str, expand: Expand = expand
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Copy a whole configuration, with some files changed or added, so that sshd can judge it elsewhere.

    Each file is copied as often as it is included, line by line, so that the numbers in sshd's messages fit.

    Args:
        changed: Absolute path to new content; one that isn't there yet is read where an Include covers it.
        folder: Where the copies are going to be.

    Returns:
        (path of the copy -> content, path of the copy -> path of the original), the main file's first.
    """
    copies: dict[str, bytes] = {}
    origins: dict[str, str] = {}

    def expand_changed(pattern: str) -> list[str]:
        there = {path for path in expand(pattern) if path not in changed}
        return sorted(there | {path for path in changed if covers(pattern, path)})

    def copy(file: str, depth: int) -> str | None:
        content = changed[file] if file in changed else read(file)
        if content is None or depth > DEPTH_LIMIT:
            return None
        target = f"{folder}/{len(copies):03d}.conf"
        copies[target], origins[target] = b"", file
        text = content.decode("utf-8", "surrogateescape").split("\n")
        for line in lines_of(file, content):
            if line.keyword == "include":
                paths = [path for pattern in words(line.rest) for path in expand_changed(_absolute(pattern))]
                targets = [inner for inner in (copy(path, depth + 1) for path in paths) if inner]
                text[line.number - 1] = "Include " + " ".join(targets) if targets else "# nothing to include"
        copies[target] = "\n".join(text).encode("utf-8", "surrogateescape")
        return target

    copy(main, 0)
    return copies, origins
