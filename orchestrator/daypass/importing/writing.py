"""Texts -> files, after our own loaders have read them; all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from daypass import config
from daypass.directory.yaml_file import YamlDirectory
from daypass.errors import ConfigurationError, UsageError
from daypass.importing.people import FILE as DIRECTORY

CONFIGURATION = "daypass.yaml"
MODE = 0o640  # as `daypass init` makes them: no secret is in them, and not everybody's business either


def check_loads(files: Mapping[str, str], meant: Mapping[str, object]) -> None:
    """See that our own loaders take every file, and that each says what was meant.

    Raises:
        ConfigurationError: They don't. Nothing that a source holds may lead here.
    """
    with tempfile.TemporaryDirectory(prefix="daypass-import-") as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        config.load(folder / CONFIGURATION, {}, folder)
        if DIRECTORY in files:
            YamlDirectory(folder / DIRECTORY).read()
    for file, value in meant.items():
        if yaml.safe_load(files[file]) != value:
            raise ConfigurationError(
                f"{file} would not say what was meant; nothing was written", code="import"
            )


def look_before(folder: Path, files: Sequence[str], *, force: bool) -> None:
    """See that nothing is in the way.

    Raises:
        UsageError: `file_exists`.
    """
    there = [name for name in files if os.path.lexists(folder / name)]
    if there and not force:
        raise UsageError(
            f"{', '.join(there)} in {folder}: there already",
            hint="name another folder with --output-dir, or --force to replace them",
            code="file_exists",
        )


def write(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write them into a folder, which is made. daypass.yaml comes last: without it the others are nothing.

    Raises:
        UsageError: `file_exists`, or the folder can't be written; new files are taken away again.
    """
    look_before(folder, list(files), force=force)
    _make(folder)
    half = {name: folder / f".{name}.{os.getpid()}" for name in files}
    new: list[Path] = []
    try:
        for name, text in files.items():
            _write_one(half[name], text)
        for name in sorted(files, key=lambda name: name == CONFIGURATION):
            _put(half[name], folder / name, new, force=force)
    except OSError as error:
        for path in new:
            path.unlink(missing_ok=True)
        raise UsageError(f"can't write into {folder}: {error.strerror}", code="not_written") from None
    finally:
        for path in half.values():
            path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make {folder}: {error.strerror}", code="not_written") from None


def _write_one(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, MODE), "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _put(half: Path, path: Path, new: list[Path], *, force: bool) -> None:
    """Give a file its name; one that wasn't there is noted as new."""
    if force and os.path.lexists(path):
        half.replace(path)
    else:
        path.hardlink_to(half)  # unlike a rename, it never takes the place of a file that came meanwhile
        new.append(path)
