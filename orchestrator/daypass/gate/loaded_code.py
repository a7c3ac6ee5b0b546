"""Whether the code in memory is the code on disk: nobody is served by a version that was replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

Stamps = Mapping[str, tuple[int, int, int] | None]


def stamps() -> Stamps:
    """Python itself, and every file that it has loaded: ours, libraries', its own."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    paths = {str(Path(sys.executable).resolve()), *(file for file in files if file)}
    return {path: _stamp(path) for path in sorted(paths)}


def changed(known: Stamps) -> bool:
    """Whether any of it is another one now."""
    return any(_stamp(path) != stamp for path, stamp in known.items())


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 # some fifteen hundred of them, in milliseconds
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
