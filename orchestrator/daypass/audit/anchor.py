"""The anchor: number and hash of the last event, kept outside the database.

Whoever can rewrite the whole database can compute a new chain, or cut the end off together with the stored
head; neither fits the anchor. It may lag behind (it is written after the commit), never run ahead.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from daypass.errors import AuditError
from daypass.store.interface import AuditHead

ANCHOR_FILE = "audit-head.json"
_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 1024  # a number and a hash


def write_anchor(path: Path, head: AuditHead) -> None:
    """Write the anchor (0600), whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    content = json.dumps({"number": head.number, "hash": head.hash}) + "\n"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    half.replace(path)


def read_anchor(path: Path) -> AuditHead | None:
    """The anchor, None where none was written yet.

    Raises:
        AuditError: `anchor_unreadable`.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
        number, digest = found["number"], found["hash"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise _unreadable(path) from None
    if type(number) is not int or number < 0 or type(digest) is not str or not _HASH.fullmatch(digest):
        raise _unreadable(path)
    return AuditHead(number, digest)


def _unreadable(path: Path) -> AuditError:
    return AuditError(f"The audit log's anchor {path} can't be read as one.", code="anchor_unreadable")
