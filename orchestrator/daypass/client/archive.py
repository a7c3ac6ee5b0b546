"""Open access as a tar archive to unpack below ~/.ssh, for a machine on which nothing is installed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection
from datetime import datetime

from daypass.client.answer import check_access
from daypass.client.ssh_config import CONFIG, HEAD, KeyPlace, render
from daypass.domain.key_names import CLIENT_FOLDER
from daypass.domain.open_access import OpenAccess


def archive_of(access: OpenAccess, key: KeyPlace, now: datetime, domains: Collection[str] = ()) -> bytes:
    """The files of `render`, with their folders and modes; where nothing is open, a configuration that says
    so in place of the one before.

    Args:
        key: The key pair of the machine that it is for.
        domains: As `domains.is_ours`.

    Raises:
        AnswerRefused, UsageError: A value or path is odd.
    """
    check_access(access)
    folder = f"{CLIENT_FOLDER}/{access.orchestrator}"
    files = {CONFIG: HEAD, **render(access, [key], f"~/.ssh/{folder}", now, domains).files}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in (CLIENT_FOLDER, folder):
            archive.addfile(_entry(name, now, tarfile.DIRTYPE, 0o700))
        for name, text in sorted(files.items(), key=lambda item: (item[0] == CONFIG, item[0])):
            content = text.encode("ascii")
            archive.addfile(
                _entry(f"{folder}/{name}", now, tarfile.REGTYPE, 0o600, content), io.BytesIO(content)
            )
    return buffer.getvalue()


def _entry(name: str, now: datetime, kind: bytes, mode: int, content: bytes = b"") -> tarfile.TarInfo:
    """Without an owner's name, so that it is of whoever unpacks it."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.mtime = kind, mode, len(content), int(now.timestamp())
    return entry
