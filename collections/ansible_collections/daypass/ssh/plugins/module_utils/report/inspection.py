# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report looks at on the host, beside the facts that a run plans with. Nothing is changed."""

from __future__ import annotations

import os
import stat

from ..contract import names
from ..contract.digests import sha256
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..deadline import timer, units
from ..facts import account_files, host
from ..onboarding import footprint, trust
from ..onboarding.way_back import MARKER
from ..program import packing
from ..program.start import PROGRAM_PATH
from ..sessions import processes
from ..sshd.candidate import check_overridden
from ..sshd.dropin import check_account
from ..sshd.listeners import find_listeners
from .seen import ALTERED, FileSeen, Left, Seen

if TYPE_CHECKING:
    from typing import Iterable, Mapping

    from ..effects.system import System
    from ..program.installing import Program
    from ..record.ledger import Ledger
    from ..record.merge import Wanted
    from ..sshd.listeners import Listener

CANARY = "dp-canary"
ACCOUNTS_ASKED = 10  # of sshd, which takes tens of milliseconds for each
SHOWN = 10  # processes or paths of one uid
TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked through, never written to


def inspect(
    system: System,
    ledger: Ledger,
    wanted: Wanted,
    now: int,
    drift: float | None,
    machine_id: str | None,
    program: Program | None,
) -> Seen:
    """Look at everything but the setuid files.

    Args:
        program: What runs, and whether the program on the host is the same.
    """
    found = host.read_facts(system, wanted, ledger.accounts)
    listeners = find_listeners()
    dropin = trust.dropin_for(system, listeners, ledger.connector)
    open_logins = _open_logins(ledger, now)
    scheduler = units.scheduler(system)
    files = _files(system, [trace.path for trace in footprint.TRACES])
    return Seen(
        ledger=ledger,
        now=now,
        drift=drift,
        machine_id=machine_id,
        facts=found,
        passwd=account_files.parse_passwd(system.read("/etc/passwd") or b""),
        key_files=_key_files(system),
        files=files,
        wanted_digests=_wanted_digests(system, files, dropin, program, scheduler),
        left=_left(system, ledger, open_logins),
        overridden=_overridden(system, listeners, dropin, found, ledger, open_logins),
        armed=system.exists(MARKER),
        deadline=_deadline(system, scheduler),
    )


def _wanted_digests(
    system: System,
    files: Mapping[str, FileSeen],
    dropin: str,
    program: Program | None,
    scheduler: str | None,
) -> dict[str, str]:
    wanted = {names.SSHD_DROPIN: _digest(dropin.encode())}
    if program is not None:
        wanted[PROGRAM_PATH] = _program_digest(system, files, program)
    texts = units.texts(scheduler, units.python_path())
    wanted.update({path: _digest(text.encode("ascii")) for path, text in texts.items()})
    return wanted


def _program_digest(system: System, files: Mapping[str, FileSeen], program: Program) -> str:
    """The digest of the program where it is what it must be, else what no digest is."""
    there = files.get(PROGRAM_PATH)
    if there is None or not program.installed:
        return program.version
    whole = packing.holds(system.read(PROGRAM_PATH) or b"", packing.own_sources())
    return there.digest if whole else ALTERED


def _deadline(system: System, scheduler: str | None) -> str:
    """What keeps the tick from running each minute, "" when nothing does."""
    if scheduler is None:
        return timer.NONE_THERE
    stopped = scheduler == units.SYSTEMD and system.query(["systemctl", "is-active", units.TIMER]).rc != 0
    return f"{units.TIMER} isn't running" if stopped else ""


def _open_logins(ledger: Ledger, now: int) -> dict[str, int]:
    """Login -> uid of the accounts that have access now, or are about to get it."""
    return {
        login: account.uid
        for login, account in ledger.accounts.items()
        if account.pending or any(grant.not_after > now for grant in account.grants.values())
    }


def _files(system: System, paths: Iterable[str]) -> dict[str, FileSeen]:
    found = {}
    for path in paths:
        status = system.status(path)
        if status is None:
            continue
        digest = ""
        if stat.S_ISREG(status.st_mode):
            digest = _digest(system.read(path) or b"")
        found[path] = FileSeen(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, digest)
    return found


def _key_files(system: System) -> dict[str, FileSeen]:
    found = _files(system, [f"{names.KEYS_FOLDER}/{name}" for name in system.names(names.KEYS_FOLDER)])
    return {os.path.basename(path): file for path, file in found.items()}


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _overridden(
    system: System,
    listeners: list[Listener],
    dropin: str,
    found: host.Facts,
    ledger: Ledger,
    open_logins: Mapping[str, int],
) -> dict[str, str]:
    """What keeps the block from holding: for managed accounts as such (""), and for some that are open."""
    told = {}
    try:
        for listener in listeners:
            check_overridden(system, listener, dropin, CANARY)
    except (Refusal, OSError) as problem:
        told[""] = problem.sentence if isinstance(problem, Refusal) else str(problem)
    for login in sorted(open_logins)[:ACCOUNTS_ASKED]:
        account = found.accounts[login]
        joined = ledger.accounts[login].joined is not None  # sshd is asked about those when they are opened
        if account.passwd is not None and not joined and not told:
            wrong = check_account(system, login, (*account.groups, login), listeners)
            if wrong:
                told[login] = "; ".join(one.sentence() for one in wrong[:5])
    return told


# --- leftovers ----------------------------------------------------------------------------------------------
def _left(system: System, ledger: Ledger, open_logins: Mapping[str, int]) -> dict[int, Left]:
    """What uids of our range have left that have no access: closed, removed, or unknown."""
    # An account from before goes on without our grants, and what it has is its own.
    closed = {
        login: account.uid
        for login, account in ledger.accounts.items()
        if login not in open_logins and account.joined is None
    }
    known = {account.uid for account in ledger.accounts.values()}
    removed = {one.login: one.uid for one in ledger.retired if one.uid not in known}
    left: dict[int, Left] = {}
    running = _running(closed, removed, set(open_logins.values()))
    for uid, words in running.items():
        left[uid] = Left(processes=tuple(words[:SHOWN]))
    for login, uid in {**closed, **removed}.items():
        jobs = host.jobs_of(system, login, uid)
        mail = host.mail_of(system, login) if login in removed else ()
        left[uid] = left.get(uid, Left())._replace(jobs=jobs[:SHOWN], mail=mail[:SHOWN])
    for uid, paths in _temporary_files(system, known).items():
        left[uid] = left.get(uid, Left())._replace(files=tuple(paths[:SHOWN]))
    return {uid: one for uid, one in left.items() if one != Left()}


def _in_range(uid: int) -> bool:
    return names.UID_MIN <= uid <= names.UID_MAX


def _running(
    closed: Mapping[str, int], removed: Mapping[str, int], open_uids: set[int]
) -> dict[int, list[str]]:
    unknown = {f"uid {uid}": uid for uid in _uids_of_processes() - open_uids}
    found: dict[int, list[str]] = {}
    for process in processes.find({**unknown, **removed, **closed}):
        name = processes.name_of(process.pid)
        found.setdefault(process.uid, []).append(f"{process.pid} {name}")
    return found


def _uids_of_processes() -> set[int]:
    found = set()
    for name in os.listdir(processes.PROC):
        if name.isdigit():
            try:
                found.add(os.stat(f"{processes.PROC}/{name}").st_uid)
            except OSError:
                continue
    return {uid for uid in found if _in_range(uid)}


def _temporary_files(system: System, known: set[int]) -> dict[int, list[str]]:
    """What lies in folders where everybody can write and belongs to a uid of our range that nobody has."""
    found: dict[int, list[str]] = {}
    for folder in TEMPORARY_FOLDERS:
        for name in system.names(folder):
            try:
                status = system.status(f"{folder}/{name}")
            except OSError:
                continue
            if status is not None and _in_range(status.st_uid) and status.st_uid not in known:
                found.setdefault(status.st_uid, []).append(f"{folder}/{name}")
    return found
