# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a removed account leaves behind: its home by policy, its jobs, mail and temporary files.

Every guard that doesn't hold leaves the thing where it is, with a warning: nothing is followed through a
link, over a mount, onto a network, or into what belongs to somebody else.
"""

from __future__ import annotations

import errno
import os
import stat

from ..contract.names import PARKED_FOLDER
from ..contract.typed import TYPE_CHECKING
from ..effects.mounts import read_mounts
from ..facts import account_files
from . import homes
from .unfinished import IN_WORK, Unfinished

if TYPE_CHECKING:
    from typing import Callable, Iterable, Iterator

    from ..effects.system import System
    from ..plan.steps import Step
    from ..plan.values import AccountPlan

TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked through, never written to
# One person's thousands of files or jobs must not keep the lock from everybody else's closing.
REMOVALS_SECONDS = 10  # of one run, under the lock that the local deadline waits 30 s for
LEFTOVERS_SECONDS = 8  # of one account
PARK_SECONDS = 10
# Where removing or renaming means work on somebody else's machine (statfs types by name, mount(8)).
NETWORK_TYPES = tuple("nfs cifs smb fuse 9p ceph glusterfs afs autofs lustre virtiofs".split())


def in_turn(
    system: System, accounts: Iterable[AccountPlan], do: Callable[[AccountPlan, Step], None]
) -> Iterator[tuple[AccountPlan, Exception]]:
    """Remove accounts one by one, as far as time goes: somebody's closing may be waiting for the lock.

    Yields:
        Those that aren't removed, with the reason: `Unfinished`, or what went wrong.
    """
    until = system.monotonic() + REMOVALS_SECONDS
    for account in accounts:
        try:
            if system.monotonic() > until:
                raise Unfinished(IN_WORK, "other removals came first")
            for step in account.remove:
                do(account, step)
        except Exception as error:  # noqa: BLE001 - no surprise with one account stops another's removal
            yield account, error


def remove_home(system: System, login: str, uid: int, home: str, policy: str, now: int) -> str | None:
    """Set a home aside, to be archived or deleted (see `homes`), or keep it.

    Args:
        policy: `archive`, `delete` or `keep`.
        now: Seconds since 1970, for the archive's name.

    Returns:
        A warning where a guard kept it, else None.
    """
    if policy == "keep":
        return None
    try:
        if system.status(home) is None:
            return None
        reason = why_not_touch(system, login, uid, home)
    except OSError as error:  # what is left of a mount that he made
        reason = f"it can't be looked at ({error.strerror})"
    if reason is None:
        try:
            homes.set_aside(system, login, uid, home, policy, now)
        except OSError as error:
            reason = f"it can't be moved ({error.strerror})"
    return None if reason is None else f"the home {home} was kept: {reason}"


def why_not_touch(system: System, login: str, uid: int, home: str, owners: Iterable[int] = ()) -> str | None:
    """The guard of a home that doesn't hold, None when all do.

    Args:
        owners: Further owners that are fine: root, for a home that useradd was making.
    """
    if not home.startswith("/") or os.path.normpath(home) != home or home.count("/") < 2:
        return "its path is not that of a home"
    status = system.status(home)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return "it is no folder"
    if os.path.realpath(home) != home:
        return "its path goes through a link"
    if status.st_uid not in (uid, *owners):
        return f"it belongs to {status.st_uid}"
    mounts = read_mounts()
    if any(point == home or point.startswith(home + "/") for point, _type in mounts):
        return "something is mounted there"
    kind = _type_of(home, mounts)
    if kind.startswith(NETWORK_TYPES):
        return f"it lies on a network file system ({kind})"
    for other in account_files.parse_passwd(system.read("/etc/passwd") or b"").values():
        shared = other.home == home or other.home.startswith(home + "/") or home.startswith(other.home + "/")
        if other.name != login and other.home.count("/") >= 2 and shared:
            return f"the account {other.name} shares it"
    return None


def remove_leftovers(system: System, login: str, uid: int, paths: Iterable[str]) -> list[str]:
    """Remove jobs and mail (`paths`), what was parked, and the account's own things in temporary folders.

    Returns:
        Warnings for what stayed.

    Raises:
        Unfinished: There is too much of it for one run; the next one goes on.
    """
    warnings = []
    until = system.monotonic() + LEFTOVERS_SECONDS
    for path in paths:
        if system.status(path) is not None:
            system.remove(path)
    parked = f"{PARKED_FOLDER}/{login}"
    if system.status(parked) is not None:
        system.remove_tree(parked, LEFTOVERS_SECONDS)
    mounts = read_mounts()
    for folder in TEMPORARY_FOLDERS:
        for name in system.names(folder):
            path = f"{folder}/{name}"
            if system.monotonic() > until:
                raise Unfinished(IN_WORK, f"{login} has left too much in {folder} for one run")
            try:
                _remove_own(system, path, uid, mounts, until - system.monotonic())
            except TimeoutError as error:
                raise Unfinished(IN_WORK, f"{login} has left too much in {path} for one run") from error
            except OSError as error:
                warnings.append(f"{path} stayed: {error.strerror}")
    return warnings


def park(system: System, login: str, paths: Iterable[str]) -> None:
    """Move crontab, at jobs and lingering of a closed account out of the way; a removal clears them.

    Raises:
        OSError: One couldn't be moved; the others were tried.
    """
    folder = f"{PARKED_FOLDER}/{login}"
    system.make_folder(PARKED_FOLDER, 0o700)
    system.make_folder(folder, 0o700)
    failed = None
    until = system.monotonic() + PARK_SECONDS
    for path in paths:
        if system.monotonic() > until:
            raise OSError(errno.ETIMEDOUT, "too many jobs for one run", path)
        content = _regular(system, path)
        try:
            if content is not None:
                system.write(f"{folder}/{path.strip('/').replace('/', '_')}", content, 0o600)
            system.remove(path)
        except OSError as error:
            failed = error
    if failed is not None:
        raise failed


def _regular(system: System, path: str) -> bytes | None:
    """Content of a file that is no link: the spool's owner could have put one there."""
    status = system.status(path)
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    return system.read(path)


def _remove_own(system: System, path: str, uid: int, mounts: list[tuple[str, str]], seconds: float) -> None:
    status = system.status(path)
    if status is None or status.st_uid != uid:
        return
    if not stat.S_ISDIR(status.st_mode):
        system.remove(path)
    elif not any(point == path or point.startswith(path + "/") for point, _type in mounts):
        system.remove_tree(path, seconds)


def _type_of(path: str, mounts: list[tuple[str, str]]) -> str:
    best = ("", "")
    for point, kind in mounts:  # a later mount hides an earlier one
        inside = point == "/" or path == point or path.startswith(point + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
