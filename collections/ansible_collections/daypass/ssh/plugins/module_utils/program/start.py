# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How our code gets running on a host without Ansible: from the program there, or from sources that came.

The text of this very file is what a run is started with, before anything of ours is on the host: it imports
the standard library alone, and only what costs next to nothing. Whoever changes the layout of the program
changes it here.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import stat
import sys
import zipimport
from importlib.machinery import ModuleSpec
from typing import Any, Iterable, Mapping

PACKAGE = "daypass_host"  # name of our package where it isn't Ansible's
PROGRAM_PATH = "/usr/local/lib/daypass/daypass-host.pyz"
MARK = "daypass-result:"  # begins the one line that counts; a login's banner may stand before it
SOURCES_WANTED = {"wanted": "sources"}  # what is printed for a result where the host hasn't got the program


def version_of(sources: Mapping[str, bytes]) -> str:
    """SHA-256 in hex over all names and contents: the same sources have the same version everywhere."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(b"%s %d\n" % (name.encode("ascii"), len(sources[name])))
        digest.update(sources[name])
    return digest.hexdigest()


def open_program(path: str) -> str | None:
    """A path that means this very file as long as we live, even when the program is replaced meanwhile.

    Python's import opens an archive anew for each module; by the descriptor it always meets the same one.
    None where there is no regular file of root's that nobody else writes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return "/proc/self/fd/%d" % descriptor
    os.close(descriptor)
    return None


def path_of(name: str) -> str:
    """Where the source of a module (`folder.module`) stands below the folder that holds our package."""
    return "%s/%s.py" % (PACKAGE, name.replace(".", "/"))


def sources_in(path: str, names: Iterable[str]) -> dict[str, bytes] | None:
    """Sources of these modules in the archive; None where one is missing or the archive is none."""
    try:
        archive = zipimport.zipimporter(path)
        return {name: archive.get_data(path_of(name)) for name in names}
    except Exception:  # noqa: BLE001 - a broken file breaks in many ways, and each means the same
        return None


def has_version(path: str, names: Iterable[str], version: str) -> bool:
    """Whether the archive holds exactly these sources, by their content: it isn't asked for its version."""
    found = sources_in(path, names)
    return found is not None and version_of(found) == version


class Sent:
    """Imports the package from sources in memory."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = {path_of(name): source for name, source in sources.items()}
        self.packages = {PACKAGE, *(PACKAGE + "." + name.partition(".")[0] for name in sources)}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module's spec, None for what isn't ours."""
        if name in self.packages:
            return ModuleSpec(name, self, is_package=True)
        origin = name.replace(".", "/") + ".py"
        if origin not in self.sources:
            return None
        spec = ModuleSpec(name, self, origin=origin)
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own way to make a module is fine."""

    def exec_module(self, module: Any) -> None:
        """Run the module's source."""
        origin = module.__spec__.origin
        if origin is not None:
            exec(compile(self.get_data(origin), origin, "exec"), module.__dict__)  # noqa: S102 - the import

    def get_data(self, path: str) -> bytes:
        """The source of a module by the path in its `__file__`, as other loaders do."""
        return self.sources[path].encode("utf-8")


def start(entry: str) -> None:
    """Do what standard input says: a line of JSON, the request, and the packed sources where they came along.

    The request has `version` and `modules` of the wanted program beside what `main` of the entry takes.

    Args:
        entry: The module that everything begins with.
    """
    gc.disable()  # a short run leaves nothing behind that is worth looking for
    request = json.loads(sys.stdin.buffer.readline())
    packed = sys.stdin.buffer.read()
    if packed:
        import zlib

        sys.meta_path.insert(0, Sent(json.loads(zlib.decompress(packed))))
    else:
        path = open_program(PROGRAM_PATH)
        if path is None or not has_version(path, request["modules"], request["version"]):
            sys.stdout.write(MARK + json.dumps(SOURCES_WANTED) + "\n")
            sys.stdout.flush()
            os._exit(0)
        sys.path.append(path)  # last: nothing in the archive can stand for a module of Python's own
    main = __import__(PACKAGE + "." + entry, fromlist=["main"]).main
    main(request, verified=None if packed else request["version"])
    sys.stdout.flush()
    os._exit(0)  # without taking Python apart piece by piece, which takes as long as fifty accounts
