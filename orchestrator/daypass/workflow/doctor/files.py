"""Owners and modes: secrets that nobody else reads, settings that nobody else writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from daypass.workflow.doctor.findings import Finding, fail, ok, typed, warn

STICKY = 0o1000


class FileFacts(NamedTuple):
    """A file or folder.

    Attributes:
        mode: The permission bits.
        owner: uid.
        trouble: Why it can't be looked at; the rest means nothing then.
    """

    path: Path
    mode: int = 0
    owner: int = 0
    trouble: str = ""


def judge_private(what: str, file: FileFacts, *, allowed: int, me: int, hint: str = "") -> Finding:
    """Something that only this account may touch.

    Args:
        allowed: The bits that may be set.
        me: uid of this process.
        hint: What makes it where it isn't there.
    """
    if file.trouble:
        return fail(what, f"{file.path}: {file.trouble}", hint or typed("ls", "-ld", file.path))
    if file.owner not in (me, 0):
        said = f"{file.path} belongs to uid {file.owner}, who can change it"
        return fail(what, said, typed("chown", me, file.path))
    found = f"{file.path} has mode {file.mode:04o}"
    if file.mode & ~allowed:
        return fail(what, found, typed("chmod", f"{allowed:04o}", file.path))
    return ok(what, found)


def judge_settings(what: str, places: Iterable[FileFacts], *, me: int) -> Iterator[Finding]:
    """A file that decides who gets access, and the folder that it is in: whoever writes there decides."""
    fine: list[Path] = []
    for place in places:
        if place.trouble:
            yield fail(what, f"{place.path}: {place.trouble}", typed("ls", "-ld", place.path))
        elif place.owner not in (me, 0):
            said = f"{place.path} belongs to uid {place.owner}, who decides by it who gets access"
            yield fail(what, said, typed("chown", me, place.path))
        elif place.mode & 0o002 and not place.mode & STICKY:
            yield fail(what, f"everybody may write {place.path}", typed("chmod", "o-w", place.path))
        elif place.mode & 0o020 and not place.mode & STICKY:
            yield warn(what, f"its group may write {place.path}", typed("chmod", "g-w", place.path))
        else:
            fine.append(place.path)
    if fine:
        yield ok(what, f"only its owner writes {fine[0]}")
