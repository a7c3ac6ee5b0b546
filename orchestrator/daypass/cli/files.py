"""Files that a command reads or writes for the person who typed it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from daypass.errors import UsageError


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a small file.

    Raises:
        UsageError: It can't be read, is larger, or isn't UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise UsageError(f"{path} is larger than {most_bytes} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} isn't text") from None


def save_text(path: Path, text: str) -> None:
    """Write a file that others may read: a temporary one beside it, then renamed over it.

    Raises:
        UsageError: The folder isn't there or can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"can't write {path}: {error.strerror}") from None


def check_new(path: Path, *, force: bool) -> None:
    """Look at a file's place before the work for it begins.

    Raises:
        UsageError: `file_exists`, or the folder isn't there.
    """
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} is there already", hint="name another file, or --force", code="file_exists")


@contextmanager
def private_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file for its owner alone (0600): whole under its name when all went well, else not at all.

    Args:
        force: Take the place of one that is there.

    Raises:
        UsageError: It can't be written, or `file_exists`.
    """
    check_new(path, force=force)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(half, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            half.replace(path)
        else:
            path.hardlink_to(half)  # unlike a rename, it never takes the place of a file that came meanwhile
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="name another file", code="file_exists") from None
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from None
    finally:
        half.unlink(missing_ok=True)
