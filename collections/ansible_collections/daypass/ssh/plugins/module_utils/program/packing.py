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
from .start import BYTECODE, PACKAGE, SOURCES, code_in, joined

if TYPE_CHECKING:
    from types import CodeType
    from typing import Callable, Mapping

ENTRY = "run.entry"  # the module that everything begins with
# All relative imports, wherever they stand: `from . import a, b` (also over lines, in parentheses),
# `from .a import x`, `from ..folder import a, b`, `from ..folder.a import x`.
IMPORTS = re.compile(r"^[ \t]*from \.(\.?)([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
# PEP 552, unchecked hash: Python takes the bytecode as it is, and never compiles the source beside it.
PYC_HEAD = importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little")
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say; equal content gives equal files


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
    """The zip file: start.py to begin with, the sources, and bytecode for the Python that runs now.

    Sources and bytecode are one member each, so that a run reads them in one go. Another Python finds that
    the bytecode isn't its own and compiles the sources.

    Args:
        entry, function: What `python3 -I -S FILE WORD…` calls; it reads sys.argv and returns the exit code.
    """
    main = _main(sources, entry, function)
    members = {
        "__main__.py": main,
        "__main__.pyc": PYC_HEAD
        + importlib.util.source_hash(main)
        + marshal.dumps(_compiled("__main__", main)),
        SOURCES: joined(sources),
        BYTECODE: importlib.util.MAGIC_NUMBER + joined(_marshalled(sources)),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:  # not compressed: it is read more often than written
        for name, content in members.items():
            packed.writestr(_entry(name), content)
    return archive.getvalue()


def holds(
    content: bytes, sources: Mapping[str, bytes], entry: str = ENTRY, function: str = "command"
) -> bool:
    """Whether an archive does exactly what `build` would make of these sources, bytecode included.

    Bytecode is compared by its meaning: marshal writes the same code in more than one way. That of another
    Python isn't looked at, for this one takes the source instead.
    """
    main = _main(sources, entry, function)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            found = {name: packed.read(name) for name in packed.namelist()}
            return (
                set(found) == {"__main__.py", "__main__.pyc", SOURCES, BYTECODE}
                and len(found) == len(packed.namelist())
                and (found["__main__.py"], found[SOURCES]) == (main, joined(sources))
                and _begins_with(found["__main__.pyc"], main)
                and _is_code_of(found[BYTECODE], sources)
            )
    except Exception:  # noqa: BLE001 - a broken file breaks in many ways, and each means the same
        return False


def _main(sources: Mapping[str, bytes], entry: str, function: str) -> bytes:
    return sources["program.start"] + f"\ncommand({entry!r}, {function!r})\n".encode()


def _begins_with(pyc: bytes, main: bytes) -> bool:
    """Whether this is the bytecode of the program's beginning, or another Python's."""
    if pyc[:4] != importlib.util.MAGIC_NUMBER:
        return True
    head = PYC_HEAD + importlib.util.source_hash(main)
    return pyc.startswith(head) and _same(pyc[len(head) :], "__main__", main)


def _is_code_of(bytecode: bytes, sources: Mapping[str, bytes]) -> bool:
    if not bytecode.startswith(importlib.util.MAGIC_NUMBER):
        return True
    code = code_in(bytecode)
    return code.keys() == sources.keys() and all(_same(code[name], name, sources[name]) for name in sources)


def _same(marshalled: bytes | memoryview, name: str, source: bytes) -> bool:
    code = marshal.loads(marshalled)  # noqa: S302 - root's file, and root's programs run it
    return bool(code == _compiled(name, source))


def _marshalled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: marshal.dumps(_compiled(name, sources[name])) for name in sorted(sources)}


def _compiled(name: str, source: bytes) -> CodeType:
    path = "__main__.py" if name == "__main__" else f"{PACKAGE}/{name.replace('.', '/')}.py"
    return compile(source, path, "exec", dont_inherit=True, optimize=2)  # docstrings are a tenth of it


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.external_attr = 0o600 << 16
    return info
