# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How our code gets running on a host without Ansible: from the program there, or from sources that came.

The text of this very file is what a run is started with, before anything of ours is on the host, and what the
program there begins with: it imports the standard library alone, and only what costs next to nothing.
"""

from __future__ import annotations

import gc
import marshal
import os
import stat
import sys
import zipimport

try:
    from _frozen_importlib import ModuleSpec  # Python has them loaded; importlib.util loads ten modules more
    from _frozen_importlib_external import MAGIC_NUMBER
except ImportError:
    from importlib.machinery import ModuleSpec
    from importlib.util import MAGIC_NUMBER

try:
    from _blake2 import blake2b  # without hashlib, which loads OpenSSL: that takes longer than all else here
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

PACKAGE = "daypass_host"  # name of our package where it isn't Ansible's
PROGRAM_PATH = "/usr/local/lib/daypass/daypass-host.pyz"
SOURCES, BYTECODE = "sources", "bytecode"  # members of the program, see `joined` and `code_in`
MARK = "daypass-result:"  # begins the one line that counts; a login's banner may stand before it
SOURCES_WANTED = '{"wanted": "sources"}'  # what is printed for a result where the host hasn't got the program


def joined(sources: Mapping[str, bytes]) -> bytes:
    """All sources in one text, by name (`folder.module`): a line with name and length, then the source."""
    heads = {name: b"%s %d\n" % (name.encode("ascii"), len(sources[name])) for name in sources}
    return b"".join(heads[name] + sources[name] for name in sorted(sources))


def parted(text: bytes, begin: int = 0) -> dict[str, memoryview]:
    """The sources that were joined, from this place on; nothing is copied."""
    parts, place, view = {}, begin, memoryview(text)
    while place < len(text):
        end = text.index(b"\n", place)
        name, length = text[place:end].split()
        place = end + 1 + int(length)
        parts[name.decode("ascii")] = view[end + 1 : place]
    return parts


def version_of(text: bytes) -> str:
    """BLAKE2b (256 bits) in hex over joined sources: the same sources have the same version everywhere."""
    return blake2b(text, digest_size=32).hexdigest()


def read_program(path: str) -> tuple[bytes, bytes] | None:
    """The joined sources and the bytecode in the program, read at once: it may be replaced under a run.

    None where there is no regular file of root's that nobody else writes, or no program in it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return None
        archive = zipimport.zipimporter("/proc/self/fd/%d" % descriptor)
        return archive.get_data(SOURCES), archive.get_data(BYTECODE)
    except Exception:  # noqa: BLE001 - a broken file breaks in many ways, and each means the same
        return None
    finally:
        os.close(descriptor)


def code_in(bytecode: bytes) -> dict[str, memoryview]:
    """Name to marshalled code; empty where it is for another Python, which compiles the sources."""
    return parted(bytecode, len(MAGIC_NUMBER)) if bytecode.startswith(MAGIC_NUMBER) else {}


class Loader:
    """Imports the package from memory: from bytecode where there is some, else from sources.

    Args:
        text: Joined sources.
        code: See `code_in`.
    """

    def __init__(self, text: bytes, code: Mapping[str, memoryview]) -> None:
        self.text = text
        self.code = code
        self.sources: Mapping[str, memoryview] = {} if code else parted(text)
        self.names = frozenset(code or self.sources)
        self.folders = frozenset(name.partition(".")[0] for name in self.names)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module's spec, None for what isn't ours."""
        package, _dot, stem = name.partition(".")
        if package != PACKAGE:
            return None
        if stem in self.names:
            spec = ModuleSpec(name, self, origin=name.replace(".", "/") + ".py")
            spec.has_location = True
            return spec
        return ModuleSpec(name, self, is_package=True) if not stem or stem in self.folders else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own way to make a module is fine."""

    def exec_module(self, module: Any) -> None:
        """Run the module's code."""
        spec = module.__spec__
        stem = spec.name[len(PACKAGE) + 1 :]
        if stem in self.code:
            exec(marshal.loads(self.code[stem]), module.__dict__)  # noqa: S102, S302 - the import
        elif stem in self.sources:
            exec(compile(self.sources[stem], spec.origin, "exec"), module.__dict__)  # noqa: S102 - the import

    def get_data(self, path: str) -> bytes:
        """The source of a module by the path in its `__file__`, as other loaders do."""
        self.sources = self.sources or parted(self.text)
        return bytes(self.sources[path[len(PACKAGE) + 1 : -len(".py")].replace("/", ".")])


def entered(entry: str, function: str, text: bytes, code: Mapping[str, memoryview]) -> Any:
    """The function that everything begins with. Nothing of ours can stand for a module of Python's own."""
    sys.meta_path.insert(0, Loader(text, code))
    return getattr(__import__(PACKAGE + "." + entry, fromlist=[function]), function)


def start(entry: str, version: str) -> None:
    """Do what standard input says: a line, the request, and the packed sources where they came along.

    Args:
        entry: The module that everything begins with; its `main` takes the request.
        version: Of the wanted program.
    """
    gc.disable()  # a short run leaves nothing behind that is worth looking for
    request = sys.stdin.buffer.readline()
    packed = sys.stdin.buffer.read()
    if packed:
        import zlib

        main = entered(entry, "main", zlib.decompress(packed), {})
    else:
        found = read_program(PROGRAM_PATH)
        if found is None or version_of(found[0]) != version:
            sys.stdout.write(MARK + SOURCES_WANTED + "\n")
            sys.stdout.flush()
            os._exit(0)
        main = entered(entry, "main", found[0], code_in(found[1]))
    main(request, verified=None if packed else version)
    sys.stdout.flush()
    os._exit(0)  # without taking Python apart piece by piece, which takes as long as fifty accounts


def command(entry: str, function: str) -> None:
    """What the program does when Python runs it: call a function of the entry, which gives the exit code."""
    found = read_program(sys.path.pop(0))
    if found is None:
        raise SystemExit("the program was changed while it was started")
    raise SystemExit(entered(entry, function, found[0], code_in(found[1]))())
