# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Homes of removed accounts. Set aside in one step, under the lock; archived or deleted later, bit by bit,
without it: nobody's closing waits for anybody's files.

What is left to do is what lies in the archive folder (root's, 0700, beside the homes):

    alice-70007-20261122T100000Z            set aside, to be archived
    alice-70007-20261122T100000Z.tar.part   its archive so far; `.tar.state` says how far that is right
    alice-70007-20261122T100000Z.tar        its archive, complete and on the disk
    alice-70007-20261122T100000Z.deleting   on its way out

A home is only deleted when its archive is complete. One that can't be archived stays where it is, in that
folder, and is told until somebody has done something about it.
"""

from __future__ import annotations

import errno
import os
import time

from ..contract import json_text, names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..contract.words import Seldom
from ..facts.host import HOME_BASE
from .unfinished import IN_WORK, Unfinished

if TYPE_CHECKING:
    from typing import Any

    from ..effects.system import System

ARCHIVE_NAME = ".daypass-archive"
ASIDE = Seldom(r"(?P<login>.+)-(?P<uid>[0-9]+)-[0-9]{8}T[0-9]{6}Z(?P<deleting>\.deleting)?")
DELETING = ".deleting"
BYTES_MAX = 10 << 30  # of one archive: two minutes of an ordinary disk, half the time that a wave has
SPARE_BYTES = 512 << 20  # stays free: the ledger, and whoever else writes there, needs room
WORK_SECONDS = 30  # of one run, on all homes together; a single large file may take longer
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Progress(NamedTuple):
    """How far an archive is complete: so many bytes, up to this entry (names from the top down)."""

    offset: int
    after: list[str]


def set_aside(system: System, login: str, uid: int, home: str, policy: str, now: int) -> None:
    """Move a home to where only root looks, in one step; `go_on` does the rest.

    Args:
        policy: `archive` or `delete`.

    Raises:
        OSError: It couldn't be moved; it lies where it lay.
    """
    folder = os.path.join(os.path.dirname(home), ARCHIVE_NAME)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    target = os.path.join(folder, f"{login}-{uid}-{moment}{DELETING if policy == 'delete' else ''}")
    system.make_folder(folder, 0o700)
    try:
        system.rename(home, target)
    except FileNotFoundError:  # a run that had emptied the folder has just taken it away
        system.make_folder(folder, 0o700)
        system.rename(home, target)


def go_on(system: System) -> dict[str, Unfinished] | None:
    """Archive and delete what was set aside, as far as time goes.

    Returns:
        What is left, by login; None where there was nothing to do. Nothing raises: the next run tries again.
    """
    folder = os.path.join(HOME_BASE, ARCHIVE_NAME)
    waiting = _waiting(system, folder)
    if not waiting:
        return None
    try:
        with system.lock(names.ARCHIVE_LOCK_PATH, 0):
            until = system.monotonic() + WORK_SECONDS
            # Deleting makes room for archiving.
            order = sorted(waiting, key=lambda name: (not name.endswith(DELETING), name))
            found = [(waiting[name], _work(system, os.path.join(folder, name), until)) for name in order]
            if not system.names(folder):
                system.query(["rmdir", "--", folder])
    except (Refusal, OSError):
        at_work = Unfinished(IN_WORK, "another run is at work on homes")
        return dict.fromkeys(waiting.values(), at_work)
    return {login: left for login, left in found if left is not None}


def _waiting(system: System, folder: str) -> dict[str, str]:
    """Name -> login of what lies there and isn't an archive."""
    found = {name: ASIDE.fullmatch(name) for name in system.names(folder)}
    return {name: match.group("login") for name, match in found.items() if match is not None}


def _work(system: System, path: str, until: float) -> Unfinished | None:
    try:
        if not path.endswith(DELETING):
            _archive(system, path, until)
            system.rename(path, path + DELETING)
            path += DELETING
        system.remove_tree(path, until - system.monotonic())
    except Unfinished as unfinished:
        return unfinished
    except TimeoutError:
        return Unfinished(IN_WORK, f"{path} is being deleted")
    except OSError as error:
        what = "isn't deleted" if path.endswith(DELETING) else "isn't archived"
        return Unfinished("home_failed", f"{path} {what}: {error.strerror}")
    except Exception as error:  # noqa: BLE001 - the answer of the whole run mustn't be lost over a home
        return Unfinished("home_failed", f"{path}: {type(error).__name__}: {error}")
    return None


def _archive(system: System, path: str, until: float) -> None:
    """Have a complete archive of a home that was set aside.

    Raises:
        Unfinished: There was no time for all of it, or something is in the way; the home stays.
        OSError.
    """
    target, part, state = f"{path}.tar", f"{path}.tar.part", f"{path}.tar.state"
    if system.status(target) is not None:
        return
    progress = _read_progress(system, part, state)
    if progress is None:
        _check_room(system, path, until)
        progress = Progress(0, [])
    file = system.open_part(part, progress.offset)
    try:
        _append(system, path, file, progress, state, until)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        for half in (part, state):
            system.remove(half)
        raise _no_room(path) from error
    finally:
        os.close(file)
    system.rename(part, target)
    system.remove(state)


def _append(system: System, path: str, file: int, progress: Progress, state: str, until: float) -> None:
    from . import tar_stream  # loaded where there is something to archive

    match = ASIDE.fullmatch(os.path.basename(path))
    writer = tar_stream.Writer(file, match.group("login") if match else "home")
    after = progress.after
    if not progress.offset:
        writer.top(os.lstat(path))
    for entry in tar_stream.walk(path, progress.after):
        offset = os.lseek(file, 0, os.SEEK_CUR)
        if system.monotonic() > until:
            os.fsync(file)  # before the state says that it is there
            system.write(state, json_text.dumps(Progress(offset, after)).encode("ascii"), 0o600)
            raise Unfinished(IN_WORK, f"{path} is being archived: {offset >> 20} MiB so far")
        if offset + entry.status.st_size > BYTES_MAX:
            raise _too_large(path)
        system.before("archive", "/".join(entry.path))
        writer.add(entry)
        system.after("archive", "/".join(entry.path))
        after = list(entry.path)
    writer.end()


def _read_progress(system: System, part: str, state: str) -> Progress | None:
    """How far a run before this one came; None to begin anew."""
    status, content = system.status(part), system.read(state)
    if status is None or content is None:
        return None
    try:
        offset, after = json_text.loads(content.decode("ascii"))
        return Progress(offset, after) if 0 <= offset <= status.st_size else None
    except (ValueError, TypeError):
        return None


def _check_room(system: System, path: str, until: float) -> None:
    from . import tar_stream

    try:
        size = tar_stream.measure(path, BYTES_MAX, lambda: system.monotonic() < until)
    except (tar_stream.TooDeep, tar_stream.Mounted) as error:
        where = names.shown(error.filename)
        raise Unfinished("home_odd", f"{path} isn't archived: {error.strerror}: {where}") from error
    if size is None:
        raise Unfinished("home_too_large", f"{path} isn't archived: it has more files than can be counted")
    if size > BYTES_MAX:
        raise _too_large(path)
    free: Any = os.statvfs(path)
    if size + SPARE_BYTES > free.f_bavail * free.f_frsize:
        raise _no_room(path)


def _too_large(path: str) -> Unfinished:
    return Unfinished("home_too_large", f"{path} isn't archived: it is larger than {BYTES_MAX >> 20} MiB")


def _no_room(path: str) -> Unfinished:
    return Unfinished("home_no_room", f"{path} isn't archived: there is no room for it")
