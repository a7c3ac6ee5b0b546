"""Files that a command reads or writes for the person who typed it."""

from __future__ import annotations

import os
from pathlib import Path

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
