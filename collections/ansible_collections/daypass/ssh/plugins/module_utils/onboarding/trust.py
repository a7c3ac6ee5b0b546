# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Onboarding on the host: the drop-in goes in with a way back, and stays once a new login was proven.

Nothing here can lock anyone out: everything is checked before the first change, the way back is armed
before the drop-in becomes live, and only `confirm` disarms it.
"""

from __future__ import annotations

from ..contract.names import (
    HEX_ID,
    KEYS_FOLDER,
    LOCK_PATH,
    LOCK_WAIT_SECONDS,
    SHARED_FOLDERS,
    SSHD_DROPIN,
    TRUST_FOLDER,
    UNRECORDED_PATH,
    Refusal,
)
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..deadline.units import check_scheduler
from ..record.ledger_file import write_ledger
from ..repair.rebuilding import read_for_onboarding, with_accounts_of_host
from ..sshd.candidate import BYSTANDER, check_candidate
from ..sshd.dropin import OPTIONAL, effective_settings, render_dropin
from ..sshd.joined import own_keys_file
from ..sshd.listeners import RELOAD_SECONDS, find_listeners, reload_and_wait, wait_until_answering
from . import footprint
from .handover import Identity, check_known_machine, ledger_for
from .preflight import check_host, local_groups
from .rolling_back import DROPIN_MODE, restore_dropin, roll_back
from .way_back import WayBack, arm, disarm, read_armed

if TYPE_CHECKING:
    from typing import Sequence

    from ..effects.system import System
    from ..record.ledger import Ledger
    from ..sshd.listeners import Listener


# Folder and mode, outer ones first. The login itself reads its key file, so the way there must be passable.
FOLDERS = (("/etc/ssh/sshd_config.d", 0o755), (TRUST_FOLDER, 0o755), (KEYS_FOLDER, 0o711))
GROUPS = footprint.GROUPS


class Wanted(NamedTuple):
    """What onboarding is asked for.

    Attributes:
        host_id: 32 hex digits, None when playbooks work without an orchestrator; so is orchestrator_id.
        machine_id: What the orchestrator knows as the machine-id, None where it was never there.
        connector: The SSH user that Ansible logs in with.
        canary: Login of the account that proves the onboarding.
        take_over: Accept a ledger of another orchestrator, or that of a clone.
        local_deadline: `required` refuses a host that can't end access by itself, `if_possible` doesn't.
    """

    host_id: str | None
    orchestrator_id: str | None
    machine_id: str | None
    connector: str
    canary: str
    way_back_seconds: int
    take_over: bool
    local_deadline: str = "required"


class Prepared(NamedTuple):
    """What the checks found: all that is needed to install, and what is missing so far."""

    listeners: Sequence[Listener]
    sshd_version: str
    identity: Identity
    dropin: str
    dropin_before: bytes | None
    ledger_before: Ledger | None
    groups: tuple[str, ...]
    folders: tuple[str, ...]
    armed: WayBack | None
    missing: tuple[str, ...]
    found: tuple[str, ...] = SHARED_FOLDERS


def prepare(system: System, wanted: Wanted) -> Prepared:
    """Check everything; nothing is changed.

    Raises:
        Refusal: See `check_host`, `check_scheduler`, `check_candidate`,
            `ledger_for` and `read_for_onboarding`.
    """
    listeners = find_listeners()
    text, version = check_host(system, listeners)
    check_scheduler(system, wanted.local_deadline)
    dropin = dropin_for(system, listeners, wanted.connector)
    for listener in listeners:
        check_candidate(system, listener, dropin, wanted.connector, wanted.canary)
    identity = Identity(
        wanted.host_id, wanted.orchestrator_id, read_machine_id(system), version, wanted.connector
    )
    check_known_machine(wanted.machine_id, identity.machine_id, take_over=wanted.take_over)
    before = read_for_onboarding(system, wanted.take_over, check=True)
    dropin_before, armed = system.read(SSHD_DROPIN), read_armed(system)
    found = _found(system, armed)
    after = ledger_for(before, identity, take_over=wanted.take_over, found=found)
    groups = tuple(name for name in GROUPS if name not in local_groups(system))
    folders = tuple(path for path, _mode in FOLDERS if not system.exists(path))
    missing = [f"group {name}" for name in groups] + [f"folder {path}" for path in folders]
    missing += ["ledger"] if after != before else []
    missing += ["drop-in"] if dropin_before != dropin.encode() else []
    missing += ["proof"] if armed else []
    return Prepared(
        listeners,
        text,
        identity,
        dropin,
        dropin_before,
        before,
        groups,
        folders,
        armed,
        tuple(missing),
        found,
    )


def _found(system: System, armed: WayBack | None) -> tuple[str, ...]:
    """What was there before the first onboarding, as far as it can be told now."""
    folders = [path for path in SHARED_FOLDERS if system.exists(path)]
    made = () if armed is None else (*armed.groups, *armed.folders)
    ours = armed is None and system.exists(SSHD_DROPIN)  # an onboarding before, whose ledger got lost
    return footprint.found_before(folders, () if ours else local_groups(system), made)


def dropin_for(system: System, listeners: Sequence[Listener], connector: str) -> str:
    """The drop-in for this host, without directives that one of its sshd wasn't built with."""
    lacking = {name for one in listeners for name in _lacking(system, one)}
    return render_dropin(connector, lacking, own_keys_file(system, listeners))


def read_machine_id(system: System) -> str | None:
    """machine-id(5), None where there is none or it isn't set yet."""
    text = (system.read("/etc/machine-id") or b"").decode("ascii", "replace").strip()
    return text if HEX_ID.fullmatch(text) else None


def _lacking(system: System, listener: Listener) -> set[str]:
    effective, _complaint = effective_settings(system, listener, BYSTANDER)
    return {name for name in OPTIONAL if name not in (effective or {})}


def install(system: System, wanted: Wanted, prepared: Prepared, run_id: str) -> bool:
    """Arm the way back, then make what is missing; True when it is armed now, False when nothing was missing.

    Args:
        run_id: 16 hex digits, new for each run.

    Raises:
        Refusal: `sshd_reload_failed`, and the host is as before.
    """
    if not prepared.missing:
        return False
    arm(system, _way_back(wanted, prepared, run_id), wanted.way_back_seconds)
    for name in prepared.groups:
        system.change(["groupadd", "--system", name])
    for path, mode in FOLDERS:
        system.make_folder(path, mode)
    with system.lock(LOCK_PATH, LOCK_WAIT_SECONDS):
        before = read_for_onboarding(system, wanted.take_over)  # again: a wave may have come between
        after = ledger_for(before, prepared.identity, take_over=wanted.take_over, found=prepared.found)
        if before is None:  # lost: accounts that came from us are closed by the next run
            after = with_accounts_of_host(system, after)
        if before is None or after.sequence < before.sequence:
            system.remove(UNRECORDED_PATH)  # what it says of the order of documents was another's count
        if after != before:
            write_ledger(system, after)
    system.write(SSHD_DROPIN, prepared.dropin.encode(), DROPIN_MODE)
    reload_and_see(system, prepared.listeners)
    return True


def _way_back(wanted: Wanted, prepared: Prepared, run_id: str) -> WayBack:
    """Where the run before is unproven, its own beginning is what we go back to."""
    if prepared.armed is not None:
        old = prepared.armed
        return old._replace(run_id=run_id, canary=wanted.canary)
    fresh = prepared.ledger_before is None
    return WayBack(run_id, prepared.dropin_before, prepared.groups, prepared.folders, fresh, wanted.canary)


def reload_and_see(system: System, listeners: Sequence[Listener]) -> None:
    """Have each sshd read its files and see it answer; if one doesn't, the armed way back is taken at once.

    Raises:
        Refusal: `sshd_reload_failed`.
    """
    addresses = {one: _addresses(system, one) for one in listeners if one.pid}
    reload_and_wait(system, listeners)
    for listener, places in addresses.items():
        if not wait_until_answering(system, places, RELOAD_SECONDS):
            armed = read_armed(system)
            if armed is not None:
                restore_dropin(system, armed)
            raise Refusal(
                "sshd_reload_failed",
                f"sshd (process {listener.pid}) didn't answer at {', '.join(places)} after its reload",
                "look at its log (journalctl -u ssh); the drop-in was taken back",
            )


def _addresses(system: System, listener: Listener) -> list[str]:
    answer = system.query([listener.program, *listener.options, "-T"])
    lines = [line.split() for line in answer.stdout.splitlines()]
    return [words[1] for words in lines if len(words) > 1 and words[0] == "listenaddress"]


def confirm(system: System, connector: str) -> bool:
    """A new login works: disarm. True when the way back was armed.

    Raises:
        Refusal: `way_back_fired`: the host took the drop-in back before this.
    """
    armed = read_armed(system)
    if system.read(SSHD_DROPIN) != dropin_for(system, find_listeners(), connector).encode():
        raise Refusal(
            "way_back_fired",
            f"the host took {SSHD_DROPIN} back before the proof came",
            "onboard it again; a slow host needs more than way_back_seconds",
        )
    if armed is not None:
        disarm(system, armed)
    return armed is not None


def take_back(system: System) -> bool:
    """Undo what isn't proven yet; True when there was something."""
    armed = read_armed(system)
    if armed is not None:
        roll_back(system, armed)
    return armed is not None
