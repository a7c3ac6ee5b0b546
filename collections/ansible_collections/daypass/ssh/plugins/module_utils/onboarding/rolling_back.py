# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes an unproven onboarding back: at once when the controller says so, or when the timer runs out.

The drop-in and sshd come first, for they decide who gets in. What else onboarding made on a host that
wasn't known before (the canary's account, ledger, groups, folders) goes after that, as far as nothing else
came to use it.
"""

from __future__ import annotations

import os
import sys
import syslog

from ..contract import document
from ..contract.names import (
    ARCHIVE_LOCK_PATH,
    DOCUMENT_VERSION,
    LOCK_PATH,
    LOCK_WAIT_SECONDS,
    SSHD_DROPIN,
    Refusal,
)
from ..contract.typed import TYPE_CHECKING
from ..deadline import units
from ..effects.system import CommandFailed, System
from ..facts import account_files
from ..program.start import PROGRAM_PATH
from ..record.ledger_file import read_ledger, remove_ledger
from ..run.converge import converge
from ..sshd.listeners import find_listeners, reload_and_wait
from .way_back import LOCK, disarm, read_armed

if TYPE_CHECKING:
    from ..record.ledger import Ledger
    from .way_back import WayBack

DROPIN_MODE = 0o644
WAIT_SECONDS = 300  # the way back must happen, however long another run holds its lock


def roll_back(system: System, way_back: WayBack) -> None:
    """Make the host as it was before this onboarding; the caller holds the way back's lock.

    Repeating it is harmless. The marker goes last, so that a run that was killed is repeated.
    """
    restore_dropin(system, way_back)
    if way_back.fresh and remove_canary(system, way_back.canary):
        remove_traces(system, way_back)
    disarm(system, way_back)


def restore_dropin(system: System, way_back: WayBack) -> None:
    """Put the drop-in back and have sshd read it; where the file is right, sshd may not have been told."""
    if way_back.dropin is None:
        system.remove(SSHD_DROPIN)
    else:
        system.write(SSHD_DROPIN, way_back.dropin, DROPIN_MODE)
    reload_and_wait(system, find_listeners())


def remove_canary(system: System, canary: str) -> bool:
    """Close and remove the account of the proof; True when no account of ours is left.

    Another account in the ledger was opened meanwhile and is somebody's: the ledger stays then.
    """
    try:
        ledger = read_ledger(system)
        if ledger is not None and set(ledger.accounts) == {canary}:
            _converge_away(system, ledger, canary)
            ledger = read_ledger(system)
    except (Refusal, CommandFailed, OSError):
        return False
    return ledger is None or not ledger.accounts


def _converge_away(system: System, ledger: Ledger, canary: str) -> None:
    account = ledger.accounts[canary]
    wanted = {
        "name": canary,
        "uid": account.uid,
        "comment": account.comment,
        "shell": account.shell,
        "existing": "refuse",
        "home_on_removal": account.home_on_removal,
        "user_cleanup_days": account.user_cleanup_days,
        "remove": True,
        "grants": [{"id": grant_id, "state": "absent"} for grant_id in sorted(account.grants)],
    }
    mapping = {
        "version": DOCUMENT_VERSION,
        "host_id": ledger.host_id,
        "orchestrator_id": ledger.orchestrator_id,
        "sequence": None if ledger.orchestrator_id is None else ledger.sequence + 1,
        "exclusive": False,
        "ca_keys": [],
        "accounts": [wanted],
    }
    opaque, _digest = document.build(mapping)
    converge(system, opaque, now=system.clock())


def remove_traces(system: System, way_back: WayBack) -> None:
    """Take out ledger, groups and folders that onboarding made; what is in use stays."""
    with system.lock(LOCK_PATH, LOCK_WAIT_SECONDS):
        ledger = read_ledger(system)
        if ledger is not None and ledger.accounts:
            return  # a wave came between and opened somebody's account
        remove_ledger(system)
    units.uninstall(system)
    for path in (PROGRAM_PATH, ARCHIVE_LOCK_PATH):  # the canary's runs made them
        system.remove(path)
    for folder in (os.path.dirname(PROGRAM_PATH), *reversed(way_back.folders)):
        if not system.names(folder):
            system.query(["rmdir", "--", folder])
    for group in reversed(way_back.groups):
        known = account_files.parse_group(system.read("/etc/group") or b"").get(group)
        if known is not None and not known.members:
            system.query(["groupdel", group])


def main() -> None:
    """The program that the timer starts: `restore.pyz RUN_ID SECONDS`."""
    run_id, seconds = sys.argv[1], int(sys.argv[2])
    system = System()
    system.sleep(seconds)
    with system.lock(LOCK, WAIT_SECONDS):
        way_back = read_armed(system)
        if way_back is None or way_back.run_id != run_id:
            return
        roll_back(system, way_back)
    syslog.openlog("daypass", 0, syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_WARNING, "no proof of a new login came in time: onboarding was taken back")
