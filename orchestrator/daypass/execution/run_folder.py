"""The private folder of one wave: 0700, in memory where possible, gone when the wave is over.

Whether its owner still runs is read from a lock that the kernel drops with the owner, whatever ended it; a
process id may have been given to somebody else since.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from daypass.errors import ExecutionError
from daypass.execution.processes import end_processes

# What a path may hold without a meaning for ssh (% and $ expand, blanks separate) or Ansible (colons
# separate).
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._@+=-]*")
LONGEST_PATH = 80  # with the agent's socket in it, below the 107 bytes of a socket's address, see unix(7)
UNFINISHED_AFTER = timedelta(minutes=10)  # a folder that is being made takes milliseconds
OWNER_FILE = "owner"


def default_run_root(state_dir: Path, environ: Mapping[str, str]) -> Path:
    """The folder for run folders: the login's own tmpfs, else /dev/shm, else in the state folder.

    Raises:
        ExecutionError: None of them can be made private.
    """
    candidates = [Path(f"/dev/shm/daypass-{os.getuid()}"), state_dir.resolve() / "run"]  # noqa: S108 (checked below)
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime:
        candidates.insert(0, Path(runtime) / "daypass")
    for candidate in candidates:
        if PLAIN_PATH.fullmatch(str(candidate)) and _make_private(candidate):
            return candidate
    raise ExecutionError(
        f"no private folder for runs could be made, tried {', '.join(map(str, candidates))}",
        hint="set XDG_RUNTIME_DIR to a folder of yours with mode 0700",
        code="run_folder",
    )


def _make_private(folder: Path) -> bool:
    """Make the folder, or check that nobody else owns it or may look into it (/dev/shm is open to all)."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


class RunFolder:
    """A run folder that is open; as a context manager it ends the run's processes and removes itself.

    Raises:
        ExecutionError: The root isn't private, or its path can't be given to ssh and Ansible safely.
    """

    def __init__(self, run_root: Path) -> None:
        root = run_root.absolute()
        if not PLAIN_PATH.fullmatch(str(root)) or len(str(root)) > LONGEST_PATH:
            raise ExecutionError(
                f"{str(root)!r} can't hold runs, {LONGEST_PATH} of A-Z a-z 0-9 / . _ @ + = - can",
                hint="set XDG_RUNTIME_DIR, or move state_dir",
                code="run_folder",
            )
        if not _make_private(root):
            raise ExecutionError(
                f"{root} must be a folder of this user with mode 0700, found something else",
                hint=f"remove it, or: chmod 700 {root}",
                code="run_folder",
            )
        self.path, self._lock = _locked_folder(root)

    def write(self, name: str, content: bytes) -> Path:
        """Write a file that only this user can read; its path."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return path

    def folder(self, name: str) -> Path:
        """Make a folder inside; its path."""
        path = self.path / name
        path.mkdir(mode=0o700)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _remove(self.path)
        os.close(self._lock)


def _locked_folder(root: Path) -> tuple[Path, int]:
    """Make, lock, then give the final name: a folder with that name is locked or its owner is dead."""
    name = secrets.token_hex(6)
    unfinished = root / f".new-{name}"
    unfinished.mkdir(mode=0o700)
    lock = os.open(unfinished / OWNER_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(lock, f"{os.getpid()}\n".encode())  # for people; the lock is what counts
    return unfinished.rename(root / f"run-{name}"), lock


def remove_stale_runs(run_root: Path, now: datetime) -> list[str]:
    """End and remove what killed owners left behind; folders of living owners stay. Their names.

    What the owner's playbook still does is cut off here: the next wave sends the newer state anyway.
    """
    if not run_root.is_dir():
        return []
    return [folder.name for folder in _stale(run_root, now) if _remove(folder)]


def stale_runs(run_root: Path, now: datetime) -> list[str]:
    """Names of what `remove_stale_runs` would remove; nothing is touched."""
    return [folder.name for folder in _stale(run_root, now)] if run_root.is_dir() else []


def _stale(run_root: Path, now: datetime) -> Iterator[Path]:
    for folder in sorted(run_root.iterdir()):
        if folder.name.startswith("run-") and _abandoned(folder):
            yield folder
        elif folder.name.startswith(".new-"):
            with contextlib.suppress(FileNotFoundError):
                if now.timestamp() - folder.lstat().st_mtime > UNFINISHED_AFTER.total_seconds():
                    yield folder


def _abandoned(folder: Path) -> bool:
    try:
        lock = os.open(folder / OWNER_FILE, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return folder.is_dir()  # its removal was cut off half way
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _remove(folder: Path) -> bool:
    end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
