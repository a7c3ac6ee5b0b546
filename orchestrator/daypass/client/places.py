"""Our files below ~/.ssh: put in place whole, taken away whole, whatever was cut off before.

A folder for each orchestrator, `~/.ssh/daypass-access/<its id>/`, so that two don't take each other's entries
away. The configuration is written last of what it names, and what it doesn't name any more goes after it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from daypass.client.answer import check_access
from daypass.client.domains import check_domains
from daypass.client.ssh_config import CONFIG, KeyPlace, Rendered, check_path, render
from daypass.domain.key_names import CLIENT_FOLDER
from daypass.domain.open_access import OpenAccess
from daypass.errors import UsageError

DOMAINS = "domains"  # beside the orchestrators' folders, whose names are 32 hex digits


@dataclass(frozen=True)
class Home:
    """A person's home on this machine.

    Attributes:
        root: How ssh is to read its path: `~` for whoever runs this, since ssh asks passwd and not $HOME, and
            a home that several machines share may be elsewhere on each.
        domains: Whose names may be servers', besides those that are kept (`domains.is_ours`).
    """

    path: Path
    root: str
    domains: tuple[str, ...] = ()

    @property
    def ssh(self) -> Path:
        return self.path / ".ssh"

    @property
    def folder(self) -> Path:
        return self.ssh / CLIENT_FOLDER

    @property
    def include(self) -> str:
        """The line for the top of ~/.ssh/config."""
        return f'Include "{self.root}/.ssh/{CLIENT_FOLDER}/*/{CONFIG}"'

    def key(self, name: str) -> Path:
        """The private key of a pair."""
        return self.ssh / name

    def as_read(self, path: Path) -> str:
        """A path as ssh is to read it; one elsewhere is itself."""
        return f"{self.root}/{path.relative_to(self.path)}" if path.is_relative_to(self.path) else str(path)


def home_of(path: Path | None = None) -> Home:
    """The home of whoever runs this, or a given one.

    Raises:
        UsageError: `path_odd`.
    """
    own = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    if path is None or path.absolute() == own:
        return Home(own, "~")
    check_path(str(path.absolute()))
    return Home(path.absolute(), str(path.absolute()))


@dataclass(frozen=True)
class Placed:
    """What was, or would be, changed.

    Attributes:
        written: Files that are new or have another content, below the home.
        removed: Files and folders that are gone.
        config: What ~/.ssh/config includes, where anything is usable.
    """

    rendered: Rendered
    written: tuple[str, ...]
    removed: tuple[str, ...]
    config: Path


def put_in_place(
    access: OpenAccess, keys: Mapping[str, Path], home: Home, now: datetime, *, check: bool = False
) -> Placed:
    """Make our files say what is open now, for this orchestrator; with nothing open there are none.

    Args:
        keys: Fingerprint of a public key to the private key's path.
        check: Only say what would change.

    Raises:
        AnswerRefused: A value is odd.
        UsageError: A path is odd, or the files can't be written.
    """
    check_access(access)
    folder = home.folder / access.orchestrator
    places = [KeyPlace(fingerprint, home.as_read(path)) for fingerprint, path in keys.items()]
    try:
        domains = {*home.domains, *_kept_domains(home)}
        rendered = render(access, places, home.as_read(folder), now, domains)
        if check:
            changes = _changes(folder, rendered)
        elif not rendered.files and not _is_folder(folder):
            changes = _Changes((), ())
        else:
            changes = _carry_out(home, folder, rendered)
    except OSError as error:
        raise UsageError(f"can't write below {home.folder}: {error.strerror}", code="not_written") from None
    shown = home.as_read(folder)
    return Placed(
        rendered,
        tuple(f"{shown}/{name}" for name in changes.written),
        tuple(f"{shown}/{name}" for name in changes.removed),
        folder / CONFIG,
    )


def keep_domains(home: Home) -> None:
    """Keep `home.domains` for the runs to come, beside those that are kept already.

    Raises:
        UsageError: They can't be written.
    """
    try:
        for one in (home.ssh, home.folder):
            one.mkdir(mode=0o700, exist_ok=True)
        _is_folder(home.folder)
        with _alone(home.folder):
            kept = sorted({*home.domains, *_kept_domains(home)})
            write_file(home.folder / DOMAINS, "".join(f"{name}\n" for name in kept).encode(), 0o600)
    except OSError as error:
        raise UsageError(f"can't write below {home.folder}: {error.strerror}", code="not_written") from None


def _kept_domains(home: Home) -> tuple[str, ...]:
    """A file that isn't as we write it says nothing: then fewer names are ours."""
    try:
        return check_domains((home.folder / DOMAINS).read_text("ascii").splitlines())
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError, UsageError):
        return ()


class _Changes(NamedTuple):
    """Names in one orchestrator's folder."""

    written: Sequence[str]
    removed: Sequence[str]


def _changes(folder: Path, rendered: Rendered) -> _Changes:
    """The configuration is written last, and goes first: it names the others."""
    names = [path.name for path in folder.iterdir()] if _is_folder(folder) else []
    before = {name: _content(folder / name) for name in names}
    written = [name for name, text in rendered.files.items() if before.get(name) != text.encode()]
    removed = [name for name in before if name not in rendered.files]
    return _Changes(
        sorted(written, key=lambda name: (name == CONFIG, name)),
        sorted(removed, key=lambda name: (name != CONFIG, name)),
    )


def _carry_out(home: Home, folder: Path, rendered: Rendered) -> _Changes:
    for one in (home.ssh, home.folder):
        one.mkdir(mode=0o700, exist_ok=True)
    _is_folder(home.folder)
    with _alone(home.folder):
        changes = _changes(folder, rendered)
        if rendered.files:
            folder.mkdir(mode=0o700, exist_ok=True)
        for name in changes.written:
            write_file(folder / name, rendered.files[name].encode(), 0o600)
        for name in changes.removed:
            _remove(folder / name)
        if not rendered.files:
            folder.rmdir()
            with suppress(OSError):  # another orchestrator's files are in it
                home.folder.rmdir()
    return changes


def take_away(home: Home, *, check: bool = False) -> tuple[str, ...]:
    """Remove everything of ours but keys, of all orchestrators; what was there.

    Raises:
        UsageError: It isn't a folder, or can't be removed.
    """
    try:
        if not _is_folder(home.folder):
            return ()
        found = tuple(home.as_read(path) for path in sorted(home.folder.rglob("*")) if not path.is_dir())
        if not check:
            shutil.rmtree(home.folder)
        return found or (home.as_read(home.folder),)
    except OSError as error:
        raise UsageError(f"can't remove {home.folder}: {error.strerror}", code="not_removed") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One run at a time; the lock goes with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_folder(path: Path) -> bool:
    """Whether it is there; a link in its place could lead our removals anywhere.

    Raises:
        UsageError: `place_taken`.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(mode):
        raise UsageError(
            f"{path} isn't a folder",
            hint="move it away; Daypass keeps its own files there",
            code="place_taken",
        )
    return True


def _content(path: Path) -> bytes | None:
    """None where it isn't a plain file."""
    return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def write_file(path: Path, content: bytes, mode: int) -> None:
    """A file whole under its name, or as it was; with this mode whatever the umask."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
