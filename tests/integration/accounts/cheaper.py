"""Runs on a lab host: what a loop of kills needn't wait or search for, and a copy of files without programs.

A loop proves what is written in which order. A killed process leaves its writes with the kernel, so nothing
has to reach the disk; waiting for processes that go late and the search of the whole disk for setuid files
have tests of their own (`deadline/`, `unit/collection/sessions`). The way back's program is packed once.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH101, PTH108, PTH110, PTH116, PTH123
from __future__ import annotations

import os

from daypass_host.onboarding import way_back
from daypass_host.sessions import processes, setid_files


def begin() -> None:
    """Leave out what a loop doesn't prove."""
    processes.SWEEP_AFTER_SECONDS = 0.02
    setid_files.ROOT = "/home"
    os.fsync = lambda descriptor: None
    packed = way_back.program_bytes()
    way_back.program_bytes = lambda: packed


class Kept:
    """Files as they were: content, owner and mode; those that weren't there go."""

    def __init__(self, paths: list[str]) -> None:
        self._files = {path: self._read(path) for path in paths}

    def _read(self, path: str) -> tuple[bytes, os.stat_result] | None:
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read(), os.stat(path)

    def give_back(self) -> None:
        """Have all of them as they were."""
        for path, kept in self._files.items():
            if kept is None:
                if os.path.lexists(path):
                    os.unlink(path)
                continue
            content, status = kept
            with open(path, "wb") as file:
                file.write(content)
            os.chown(path, status.st_uid, status.st_gid)
            os.chmod(path, status.st_mode & 0o7777)
