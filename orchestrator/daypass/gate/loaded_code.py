"""Whether the code in memory is the code on disk: nobody is served by a version that was replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

OURS = ("daypass", "ansible_collections")
Stamps = Mapping[str, tuple[int, int, int] | None]


def stamps() -> Stamps:
    """Every file of ours that is loaded, Python itself, and the folders into which packages are installed.

    Installing or removing any package changes its folder (an entry for its metadata comes or goes).
    """
    return {path: _stamp(path) for path in sorted({*_places()})}


def changed(known: Stamps) -> bool:
    """Whether any of it is another one now."""
    return any(_stamp(path) != stamp for path, stamp in known.items())


def _places() -> Iterator[str]:
    yield str(Path(sys.executable).resolve())
    yield from (entry for entry in sys.path if entry)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] in OURS:
            yield file


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 # a hundred of them in each login
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
