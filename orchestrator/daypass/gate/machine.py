"""The broker as `gate install` touches it: commands, small files, and who owns what."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

from daypass.errors import DaypassError

COMMAND_SECONDS = 60
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class InstallError(DaypassError):
    """Something on this machine is in the way; the sentence says what, and whether anything was changed."""

    code = "gate_install"


def ask(*argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that changes nothing, or whose failure is an answer."""
    try:
        return subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{argv[0]} can't be run: {type(error).__name__}") from None


def do(*argv: str) -> str:
    """Run a command that must succeed; its output.

    Raises:
        InstallError: With what it said.
    """
    done = ask(*argv)
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise InstallError(f"{' '.join(argv[:3])} … failed: {said}")
    return done.stdout


def read(path: str) -> str | None:
    """A small file's text, None where it isn't there."""
    try:
        return Path(path).read_text("utf-8")
    except FileNotFoundError:
        return None


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Beside it first, with its final mode, then renamed; nothing reads the temporary name."""
    descriptor, temporary = tempfile.mkstemp(dir=Path(path).parent, prefix=".daypass-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(descriptor, mode)
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    Path(temporary).replace(path)


def give(path: Path, uid: int, gid: int, mode: int) -> None:
    """Set owner and mode of a folder or of a file with one name, through no link.

    Raises:
        InstallError: It is something else, or isn't there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InstallError(f"{path} can't be handed over: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not (stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)):
            raise InstallError(f"{path} can't be handed over: it is no plain file, or has other names")
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def others_may_write(path: Path) -> Path | None:
    """The first place on the way to a file, links followed, that somebody besides root may change."""
    whole = path.resolve()
    for place in (whole, *whole.parents):
        found = place.stat()
        loose = stat.S_IMODE(found.st_mode) & 0o022 and not found.st_mode & stat.S_ISVTX
        if found.st_uid != 0 or loose:
            return place
    return None
