# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program on the host: our sources and their bytecode in one zip file that Python runs. Pure.

Which sources belong to it follows from the imports, so that each way to run the same code has the same
version: from files, from the program, from Ansible's packed module, as sent.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import os
import re
import zipfile

from ..contract.typed import TYPE_CHECKING
from .start import PACKAGE, path_of

if TYPE_CHECKING:
    from typing import Callable, Mapping

ENTRY = "run.entry"  # the module that everything begins with
# All relative imports, wherever they stand: `from . import a, b` (also over lines, in parentheses),
# `from .a import x`, `from ..folder import a, b`, `from ..folder.a import x`.
IMPORTS = re.compile(r"^[ \t]*from \.(\.?)([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
UNCHECKED_HASH = 0b01  # PEP 552: Python takes the bytecode as it is, and never compiles the source beside it
HEAD_LENGTH = 16  # of a .pyc, before its code (PEP 552)
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say; equal content gives equal files

# The archive moves to the end of the path, and is meant by its descriptor: see start.open_program.
MAIN = """\
import os
import sys

sys.path.append("/proc/self/fd/%d" % os.open(sys.path.pop(0), os.O_RDONLY))
from PACKAGE.ENTRY import FUNCTION

sys.exit(FUNCTION())
"""


def own_sources(entry: str = ENTRY) -> dict[str, bytes]:
    """The module `entry` and all of ours that it imports, as this very code was loaded: name -> source.

    Each module stands in a folder, and its name is `folder.module`.

    Raises:
        OSError, KeyError: A source isn't there: the package is broken.
    """
    root = os.path.dirname(os.path.dirname(__file__))
    return closure(lambda name: __spec__.loader.get_data("%s/%s.py" % (root, name.replace(".", "/"))), entry)


def closure(read: Callable[[str], bytes], entry: str = ENTRY) -> dict[str, bytes]:
    """The sources of a module and of all modules of the package that it imports, directly or not."""
    sources: dict[str, bytes] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in sources:
            sources[name] = read(name)
            waiting += imported(sources[name].decode("utf-8"), name.partition(".")[0])
    return sources


def imported(source: str, folder: str) -> list[str]:
    """Names of the package's modules that a source in this folder imports, inside of functions too."""
    found: list[str] = []
    for up, target, names in IMPORTS.findall(source):
        place = ".".join(filter(None, ("" if up else folder, target)))
        if "." in place:
            found.append(place)
        else:
            lines = (line.partition("#")[0] for line in names.strip("()").splitlines())
            words = re.findall(r"(?<!\bas )\b(?!as\b)\w+", " ".join(lines))
            found += ["%s.%s" % (place, word) for word in words]
    return found


def build(sources: Mapping[str, bytes], entry: str = ENTRY, function: str = "command") -> bytes:
    """The zip file: each source, and its bytecode for the Python that runs now.

    Another Python finds that the bytecode isn't its own and compiles the sources.

    Args:
        entry, function: What `python3 -I -S FILE WORD…` calls; it reads sys.argv and returns the exit code.
    """
    members = _members(sources, entry, function)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:  # not compressed: it is read more often than written
        for name in sorted(members):
            packed.writestr(_entry(name + ".py"), members[name])
            packed.writestr(_entry(name + ".pyc"), bytecode(name + ".py", members[name]))
    return archive.getvalue()


def _members(sources: Mapping[str, bytes], entry: str, function: str) -> dict[str, bytes]:
    start = MAIN.replace("PACKAGE", PACKAGE).replace("ENTRY", entry).replace("FUNCTION", function).encode()
    packages = {PACKAGE, *(PACKAGE + "/" + name.partition(".")[0] for name in sources)}
    members = {"__main__": start, **{package + "/__init__": b"" for package in packages}}
    members.update({path_of(name)[: -len(".py")]: source for name, source in sources.items()})
    return members


def holds(
    content: bytes, sources: Mapping[str, bytes], entry: str = ENTRY, function: str = "command"
) -> bool:
    """Whether an archive does exactly what `build` would make of these sources, bytecode included.

    Bytecode is compared by its meaning: marshal writes the same code in more than one way. That of another
    Python isn't looked at, for this one takes the source instead.
    """
    members = _members(sources, entry, function)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sorted(packed.namelist()) != sorted(name + end for name in members for end in (".py", ".pyc")):
                return False
            return all(
                packed.read(name + ".py") == source
                and _is_bytecode_of(packed.read(name + ".pyc"), name + ".py", source)
                for name, source in members.items()
            )
    except Exception:  # noqa: BLE001 - a broken file breaks in many ways, and each means the same
        return False


def _is_bytecode_of(found: bytes, path: str, source: bytes) -> bool:
    if found[:4] != importlib.util.MAGIC_NUMBER:
        return True
    if found[:HEAD_LENGTH] != bytecode(path, source)[:HEAD_LENGTH]:
        return False
    code = marshal.loads(found[HEAD_LENGTH:])  # noqa: S302 - root's file, and root's programs run it
    return bool(code == compile(source, path, "exec", dont_inherit=True))


def bytecode(path: str, source: bytes) -> bytes:
    """A .pyc without time and check (PEP 552), for the Python that runs now."""
    code = compile(source, path, "exec", dont_inherit=True)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")
    return head + importlib.util.source_hash(source) + marshal.dumps(code)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.external_attr = 0o600 << 16
    return info
