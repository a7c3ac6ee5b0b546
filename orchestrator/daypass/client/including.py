"""The one line in ~/.ssh/config: at the top, where nothing before it can decide for our hosts.

Source: ssh_config(5): the first value of an option counts, and an `Include` after a `Host` is for that host.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from daypass.client.places import Home, write_file
from daypass.errors import UsageError

MOST_CONFIG_BYTES = 1024 * 1024
NEW_MODE = 0o600
KEYWORD = re.compile(rb"\s*([A-Za-z]+)\s*[\s=]\s*(.*?)\s*")
BLOCKS = (b"host", b"match")


def config_file(home: Home) -> Path:
    """The file that ~/.ssh/config is, behind links."""
    return Path(os.path.realpath(home.ssh / "config"))


def is_included(home: Home) -> bool:
    """Whether our files are read for every host.

    Raises:
        UsageError: The file can't be read.
    """
    ours = home.include.encode().partition(b" ")[2].strip(b'"')
    short = ours.removeprefix(f"{home.root}/.ssh/".encode())  # ssh begins there by itself
    for line in _read(home).splitlines():
        found = KEYWORD.fullmatch(line)
        word = found[1].lower() if found else b""
        if word in BLOCKS:
            return False
        if found and word == b"include" and {ours, short} & set(found[2].replace(b'"', b" ").split(b" ")):
            return True
        if found and word == b"include" and found[2].strip(b'"') == ours:  # a home with blanks in it
            return True
    return False


def own_entries(home: Home, servers: Iterable[str]) -> list[str]:
    """Servers that the person has an entry for already, by the very name; ours comes before it.

    Raises:
        UsageError: As `is_included`.
    """
    found = (KEYWORD.fullmatch(line) for line in _read(home).splitlines())
    named = {
        word.strip(b'"') for line in found if line and line[1].lower() == b"host" for word in line[2].split()
    }
    return [name for name in servers if name.encode() in named]


def add_include(home: Home) -> None:
    """Put our line at the top; everything else stays, byte for byte.

    Raises:
        UsageError: `config_not_changed`, with the line to add by hand.
    """
    if not is_included(home):
        _replace(home, home.include.encode() + b"\n" + _read(home))


def drop_include(home: Home, *, check: bool = False) -> bool:
    """Take our line away, as we wrote it; whether it was there.

    Raises:
        UsageError: As `add_include`.
    """
    before = _read(home)
    lines = before.splitlines(keepends=True)
    kept = b"".join(line for line in lines if line.strip() != home.include.encode())
    if kept == before:
        return False
    if not check:
        _replace(home, kept)
    return True


def _read(home: Home) -> bytes:
    file = config_file(home)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise _not_changed(home, f"{file} isn't a plain file")
        with file.open("rb") as opened:
            content = opened.read(MOST_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _not_changed(home, f"can't read {file}: {error.strerror}") from None
    if len(content) > MOST_CONFIG_BYTES:
        raise _not_changed(home, f"{file} is larger than {MOST_CONFIG_BYTES} bytes")
    return content


def _replace(home: Home, content: bytes) -> None:
    """The real file, not the link to it, with the mode that it has."""
    file = config_file(home)
    if (home.ssh / "config").is_symlink() and not file.exists():
        raise _not_changed(home, f"{home.ssh / 'config'} leads to {file}, which isn't there")
    try:
        home.ssh.mkdir(mode=0o700, exist_ok=True)
        there = file.stat() if file.exists() else None
        if there is not None and there.st_uid != os.geteuid():
            raise _not_changed(home, f"{file} belongs to somebody else")
        write_file(file, content, stat.S_IMODE(there.st_mode) if there else NEW_MODE)
    except OSError as error:
        raise _not_changed(home, f"can't write {file}: {error.strerror}") from None


def _not_changed(home: Home, sentence: str) -> UsageError:
    return UsageError(
        f"{sentence}; it was not changed",
        hint=f"put this line at the top of it: {home.include}",
        code="config_not_changed",
    )
