# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Off-boarding on the host: accounts, then trust with a way back, and after the proof everything else.

Two steps with a new login of the connector between them. `withdraw` removes the accounts and takes the
drop-in out, `clear` takes the rest. The ledger goes last, so each may be repeated after a kill.
"""

from __future__ import annotations

import os

from ..contract import names
from ..contract.names import LOCK_PATH, LOCK_WAIT_SECONDS, SSHD_DROPIN, STATE_FOLDER, Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..deadline import timer, units
from ..effects.system import CommandFailed
from ..facts import host
from ..removal import homes
from ..removal.unfinished import IN_WORK
from ..repair.rebuilding import read_or_rebuild
from ..run.converge import converge
from ..sshd.candidate import check_others
from ..sshd.listeners import find_listeners
from . import footprint
from .handover import Identity, ledger_for
from .last_document import home_policy, last_document
from .preflight import check_valid, local_groups
from .rolling_back import roll_back
from .trust import read_machine_id, reload_and_see
from .way_back import WayBack, arm, disarm, read_armed

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from ..effects.system import System
    from ..record.ledger import Ledger
    from ..sshd.listeners import Listener
    from .trust import Wanted


class Leaving(NamedTuple):
    """What the checks found.

    Attributes:
        dropin: Its content, None where it is gone already.
        removing: All that is there, in the order in which it goes, for people.
    """

    listeners: Sequence[Listener]
    ledger: Ledger | None
    dropin: bytes | None
    removing: tuple[str, ...]


def prepare(system: System, wanted: Wanted, keep_homes: bool) -> Leaving:
    """Check everything; nothing is changed.

    Raises:
        Refusal: As `read_or_rebuild` and `ledger_for` (`orchestrator_mismatch`, …), `accounts_unknown`,
            `machine_replaced`, `sshd_config_broken`, `sshd_candidate_broken`, `sshd_others_changed`.
    """
    ledger = _read(system)
    _check_owner(system, wanted, ledger)
    listeners = find_listeners()
    dropin = system.read(SSHD_DROPIN)
    for listener in listeners:
        check_valid(system, listener)
        if dropin is not None:
            check_others(system, listener, "", wanted.connector)
    return Leaving(listeners, ledger, dropin, _removing(system, ledger, keep_homes))


def _read(system: System) -> Ledger | None:
    """The ledger, a broken one as its copy gives it: the run that removes the accounts writes it again."""
    return read_or_rebuild(system, system.clock(), check=True)[0]


def _check_owner(system: System, wanted: Wanted, ledger: Ledger | None) -> None:
    machine_id = read_machine_id(system)
    if ledger is not None:
        identity = Identity(
            wanted.host_id, wanted.orchestrator_id, machine_id, ledger.sshd_version, wanted.connector
        )
        ledger_for(ledger, identity, take_over=False)
        return
    if wanted.machine_id is not None and wanted.machine_id != machine_id:
        raise Refusal(
            "machine_replaced",
            f"this server was machine {wanted.machine_id}, and is {machine_id or 'one without a machine-id'}",
            "the old machine is gone for good: daypass offboard SERVER --forget",
        )
    unknown = sorted(set(_marked(system)))
    if unknown:
        raise Refusal(
            "accounts_unknown",
            f"there is no ledger, and accounts have our mark: {', '.join(unknown[:5])}",
            "onboard the host again, so that they are known, then off-board it",
        )


def _marked(system: System) -> list[str]:
    groups = local_groups(system)
    return [login for name in footprint.GROUPS for login in groups.get(name, "").split(",") if login]


def _removing(system: System, ledger: Ledger | None, keep_homes: bool) -> tuple[str, ...]:
    accounts = {} if ledger is None else ledger.accounts
    found = () if ledger is None else ledger.found
    groups = local_groups(system)
    words = [
        f"account {login} (home: {home_policy(one, keep_homes)})" for login, one in sorted(accounts.items())
    ]
    words += [f"group {name}" for name in sorted({} if ledger is None else ledger.made_groups)]
    for stage in footprint.STAGES:
        if stage == footprint.RECORD:  # groups go between files and record
            words += [f"group {name}" for name in footprint.groups_to_remove(found) if name in groups]
        words += [trace.path for trace in footprint.at(stage) if system.exists(trace.path)]
    return tuple(words)


def withdraw(system: System, wanted: Wanted, run_id: str, keep_homes: bool) -> Leaving:
    """Remove the accounts that are left, then the drop-in, with the way back armed; gives what was there.

    The caller holds the way back's lock.

    Args:
        run_id: 16 hex digits, new for each run.

    Raises:
        Refusal: As `prepare`; `accounts_left`: one couldn't be removed, and trust stays;
            `groups_left`; `homes_in_work`; `sshd_reload_failed`.
    """
    before = prepare(system, wanted, keep_homes)
    unproven = read_armed(system)
    if unproven is not None:
        roll_back(system, unproven)
    leaving = prepare(system, wanted, keep_homes)
    if leaving.ledger is not None:
        _remove_accounts(system, leaving.ledger, keep_homes)
    _finish_homes(system)
    if leaving.dropin is None:
        return before
    way_back = WayBack(run_id, leaving.dropin, (), (), False, wanted.canary)
    arm(system, way_back, wanted.way_back_seconds)
    system.remove(SSHD_DROPIN)
    reload_and_see(system, leaving.listeners)
    return before


def _remove_accounts(system: System, ledger: Ledger, keep_homes: bool) -> None:
    """By the ordinary way, with a document that is made here: what the orchestrator knows is gone by now."""
    if not (ledger.accounts or ledger.made_groups):
        return
    result = converge(system, last_document(ledger, keep_homes), now=system.clock())
    after = _read(system)
    if after is not None and after.accounts:
        raise _accounts_left(sorted(after.accounts), result["answer"])
    if after is not None and after.made_groups:
        warnings = "; ".join(result["answer"]["warnings"])
        raise Refusal("groups_left", f"groups that were made for grants are left: {warnings}"[:400])


def _finish_homes(system: System) -> None:
    """Homes that were set aside become archives, or go, before nobody is left to see to it.

    What can't be archived (too large, no room) stays set aside, for a person.

    Raises:
        Refusal: `homes_in_work`.
    """
    left = homes.go_on(system) or {}
    busy = sorted(login for login, one in left.items() if one.code == IN_WORK)
    if busy:
        raise Refusal(
            "homes_in_work",
            f"homes are still being archived or deleted: {', '.join(busy[:5])}",
            "off-board it again in a while; each run goes on for half a minute",
        )


def _accounts_left(logins: Sequence[str], answer: dict[str, Any]) -> Refusal:
    reasons = [answer["message"], *(one["message"] for one in answer["accounts"].values())]
    reason = next(filter(None, reasons), "a wave came between")
    return Refusal(
        "accounts_left",
        f"{', '.join(logins[:5])} couldn't be removed, so nothing else was: {reason}",
        "see to that on the host, then off-board it again",
    )


def clear(system: System) -> bool:
    """After the proof: disarm, then timers, files, groups and the record go; True when there was anything.

    The caller holds the way back's lock.

    Raises:
        Refusal: `way_back_fired`: the host put the drop-in back before the proof; `accounts_left`: a wave
            came between; `traces_left`: something couldn't be removed, the rest was.
    """
    if system.exists(SSHD_DROPIN):
        raise Refusal(
            "way_back_fired",
            f"the host put {SSHD_DROPIN} back before the proof came",
            "off-board it again; a slow host needs more than way_back_seconds",
        )
    if not system.exists(STATE_FOLDER):  # a run before got that far; the groups went before the record
        return _remove_traces(system, names.SHARED_FOLDERS, ())
    with system.lock(LOCK_PATH, LOCK_WAIT_SECONDS):
        ledger = _read(system)
        if ledger is not None and ledger.accounts:
            raise _accounts_left(sorted(ledger.accounts), {"message": None, "accounts": {}})
        armed = read_armed(system)
        if armed is not None:
            disarm(system, armed)
        found = ledger.found if ledger is not None else _found_without_ledger(system)
        return _remove_traces(system, found, footprint.groups_to_remove(found))


def _found_without_ledger(system: System) -> tuple[str, ...]:
    """A ledger that got lost: groups are ours where other files of ours are, shared folders stay."""
    ours = any(system.exists(trace.path) for trace in footprint.at(footprint.FILES))
    return names.SHARED_FOLDERS if ours else (*names.SHARED_FOLDERS, *footprint.GROUPS)


def _remove_traces(system: System, found: Sequence[str], groups: Sequence[str]) -> bool:
    """Each stage in its order; what can't be removed keeps the record, so that the next run tries again."""
    there = [trace for trace in footprint.TRACES if system.exists(trace.path)]
    problems: list[str] = []
    _try(problems, lambda: timer.disarm(system))
    _try(problems, lambda: units.uninstall(system))
    for stage in (footprint.TIMERS, footprint.FILES):
        for trace in footprint.at(stage):
            _try(problems, lambda one=trace: _remove(system, one))
    for group in groups:
        if group in local_groups(system):
            _try(problems, lambda name=group: system.change(["groupdel", name]))
    for folder in footprint.folders_to_remove(found):
        if system.exists(folder) and not system.names(folder):
            _try(problems, lambda path=folder: system.change(["rmdir", "--", path]))
    archives = os.path.join(host.HOME_BASE, homes.ARCHIVE_NAME)
    if system.exists(archives) and not system.names(archives):
        _try(problems, lambda: system.change(["rmdir", "--", archives]))
    if problems:
        raise Refusal("traces_left", "; ".join(problems)[:400], "see to that on the host, then repeat it")
    _remove_record(system)
    return bool(there or groups)


def _try(problems: list[str], action: Callable[[], Any]) -> None:
    try:
        action()
    except (OSError, CommandFailed) as error:
        problems.append(str(error))


def _remove(system: System, trace: footprint.Trace) -> None:
    if not system.exists(trace.path):
        return
    if trace.tree:
        system.remove_tree(trace.path)
    else:
        system.remove(trace.path)


def _remove_record(system: System) -> None:
    """The ledger, then all of its folder at once: whoever waits for the lock in it finds no host of ours."""
    if system.exists(footprint.GOING_FOLDER):
        system.remove_tree(footprint.GOING_FOLDER)
    if system.exists(STATE_FOLDER):
        system.rename(STATE_FOLDER, footprint.GOING_FOLDER)
        system.remove_tree(footprint.GOING_FOLDER)


def is_clear(system: System) -> bool:
    """Whether nothing of ours is left; a group of our name may be somebody else's by now."""
    return not any(system.exists(trace.path) for trace in footprint.TRACES)
