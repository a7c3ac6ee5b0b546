"""What is kept of people between commands: small JSON files of our own, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MOST_BYTES = 512 * 1024 * 1024


class Damaged(Exception):
    """The file isn't what was written; the message names it."""


def read_state(path: Path) -> dict[str, Any] | None:
    """What was kept, None where nothing was.

    Raises:
        Damaged: It can't be read, is somebody else's to write, or its digest says that it was changed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(f"{path} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise Damaged(f"{path} isn't a file that this account alone can read and write")
        digest, _, text = file.read(MOST_BYTES).partition(b"\n")
    if hashlib.sha256(text).hexdigest().encode("ascii") != digest:
        raise Damaged(f"{path} isn't as it was written")
    try:
        kept = json.loads(text)
    except ValueError:
        raise Damaged(f"{path} isn't as it was written") from None
    if not isinstance(kept, dict):
        raise Damaged(f"{path} isn't as it was written")
    return kept


def write_state(path: Path, kept: dict[str, Any]) -> None:
    """Replace the file; its first line is the SHA-256 of what follows.

    Raises:
        OSError: It stays as it was.
    """
    text = json.dumps(kept).encode("utf-8")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(text).hexdigest().encode("ascii") + b"\n" + text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


@contextmanager
def one_at_a_time(folder: Path, lock: str, *, wait: bool = True) -> Iterator[bool]:
    """Wait until no other process is inside; where that can't be said, go on.

    It is a matter of work that is done once instead of twice: files are replaced as a whole.

    Args:
        wait: False = go on at once, and say whether another process is inside.
    """
    alone = True
    descriptor = -1
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        alone = False
    except OSError:
        pass  # a full or read-only disk; what can't be written is told by who writes
    try:
        yield alone
    finally:
        if descriptor >= 0:
            os.close(descriptor)
