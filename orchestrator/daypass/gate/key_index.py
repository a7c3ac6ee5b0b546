"""Whose key is whose, kept in a file: the directory is read anew only when it has changed.

sshd asks twice in each login and once for each other key that a client offers, and reading settings and
directory takes half a second. The file names the digests of what it was made from, so nobody who left comes
in by it. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FORMAT = 2
MOST_AHEAD = 366 * 86_400  # seconds: the longest that a directory may go without being asked
MOST_BYTES = 64 * 1024 * 1024  # a directory of 5 MB, the most that is read, makes a smaller index


@dataclass(frozen=True)
class KeyIndex:
    """Keys of people who are here.

    Attributes:
        people: `TYPE BASE64` to login.
        shared: `TYPE BASE64` of keys that stand at several people, to their logins.
        sources: Each file that it was made from, to the SHA-256 of its content.
        until: Seconds since the epoch at which another machine has to be asked again, None = never.
    """

    people: Mapping[str, str]
    shared: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str]
    until: float | None = None


def digest(path: Path) -> str:
    """SHA-256 of a regular file's content.

    Raises:
        OSError: It can't be read, is no regular file, or is larger than `MOST_BYTES`.
    """
    return hashlib.sha256(_content(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))).hexdigest()


def current(file: Path, config: Path, version: str, now: float, build: Callable[[], KeyIndex]) -> KeyIndex:
    """The index as it is right now: the kept one where nothing has changed, else a new one, which is kept.

    Args:
        config: The configuration file; it names the directory.
        now: Seconds since the epoch.
        version: Of the program; another one may understand the same files otherwise.
        build: Reads settings and directory; its errors are the caller's.
    """
    kept = _read(file, version)
    if kept is not None and str(config) in kept.sources and _is_fresh(kept, now) and _unchanged(kept.sources):
        return kept
    built = build()
    if _unchanged(built.sources):  # else it is of neither the old content nor the new one: used once
        _keep(file, built, version)
    return built


def _is_fresh(kept: KeyIndex, now: float) -> bool:
    """A time far ahead was written by a clock that ran ahead."""
    return kept.until is None or now < kept.until <= now + MOST_AHEAD


def _unchanged(sources: Mapping[str, str]) -> bool:
    try:
        return all(digest(Path(path)) == known for path, known in sources.items())
    except OSError:
        return False


def _read(file: Path, version: str) -> KeyIndex | None:
    """The kept index; None where there is none that this very user wrote."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        kept = json.loads(_content(descriptor, private=True))
        if kept["format"] != FORMAT or kept["version"] != version:
            return None
        shared = {key: tuple(logins) for key, logins in kept["shared"].items()}
        until = None if kept["until"] is None else float(kept["until"])
        return KeyIndex(dict(kept["people"]), shared, dict(kept["sources"]), until)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _content(descriptor: int, *, private: bool = False) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        foreign = found.st_uid != os.geteuid() or found.st_mode & 0o077
        if not stat.S_ISREG(found.st_mode) or (private and foreign):
            raise OSError(errno.EPERM, "not a regular file of our own")
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def _keep(file: Path, index: KeyIndex, version: str) -> None:
    """Write it beside and rename; where that fails, the next one reads the directory again."""
    fields = {
        "format": FORMAT,
        "version": version,
        "sources": dict(index.sources),
        "people": dict(index.people),
        "shared": dict(index.shared),
        "until": index.until,
    }
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(fields, stream)
        Path(temporary).replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
