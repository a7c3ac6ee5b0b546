# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one entry: a document comes in, the host converges, an answer goes out.

The Ansible module calls it, and so does the program on the host; same code, same answer.
"""

from __future__ import annotations

from ..contract import document, names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..deadline import timer, units
from ..facts import host
from ..plan import made_groups, planning
from ..plan.values import AccountPlan
from ..program import installing
from ..record import ledger, ledger_file, merge, unrecorded
from ..repair import rebuilding
from ..sshd.check import check_sshd
from . import answer

if TYPE_CHECKING:
    from typing import Any

    from ..apply.applied import Applied
    from ..apply.made_groups import Ended
    from ..effects.system import System
    from ..facts.host import Facts
    from ..plan.values import Plan
    from ..program.installing import Program
    from ..record.ledger import Ledger, LedgerAccount
    from ..record.merge import Wanted
    from .answer import Run

LAST_SEEN_STEP_SECONDS = 60  # a run that changes nothing else writes the time at most once a minute


def converge(
    system: System,
    opaque: str,
    *,
    now: int,
    controller_time: float | None = None,
    check: bool = False,
    program: Program | None = None,
) -> dict[str, Any]:
    """Bring the host's accounts to what the document says.

    Args:
        opaque: The document as it travels (`document.build`).
        now: The host's clock in seconds since 1970.
        controller_time: The controller's clock when it sent the document, None where nobody says.
        check: Plan only; nothing is changed.
        program: What runs now. The host gets it before the ledger is written; None: it gets nothing.

    Returns:
        The answer (see `answer`), also when something was refused or failed; never raises for that.
    """
    drift = None if controller_time is None else float(now - controller_time)
    began = system.monotonic()
    try:
        wanted = document.parse(opaque)
        with system.lock(names.LOCK_PATH, names.LOCK_WAIT_SECONDS):
            later = now + int(system.monotonic() - began)
            result = _converge_locked(system, answer.Run(wanted, later, drift, None, check, program))
    except Refusal as refusal:
        return answer.refused(refusal, now, drift)
    except FileNotFoundError:  # the lock's folder is made by onboarding
        return answer.refused(_not_onboarded(), now, drift)
    if not check and result["answer"]["status"] == "converged":
        _go_on_with_homes(system, result)
    return result


def _go_on_with_homes(system: System, result: dict[str, Any]) -> None:
    """What removals have set aside; the lock is free again, so this may take its time."""
    from ..removal import homes  # see `_load_ahead`

    accounts = result["answer"]["accounts"]
    found = homes.go_on(system)
    result["changed"] = result["changed"] or found is not None
    for login, left in (found or {}).items():
        if login in accounts:
            accounts[login]["unfinished"] = accounts[login]["unfinished"] or answer.unfinished(left)
        result["answer"]["warnings"].append(left.sentence[: answer.MESSAGE_LENGTH])


def _converge_locked(system: System, run: Run) -> dict[str, Any]:
    run = run._replace(machine_id=read_machine_id(system))
    wanted, now, drift = run.document, run.now, run.drift
    try:
        current, _told = rebuilding.read_or_rebuild(system, now, run.check)
    except Refusal as refusal:
        if run.check:
            return answer.refused(refusal, now, drift)
        return _emergency(system, run, refusal)
    if current is None:
        raise _not_onboarded()
    run = run._replace(now=max(now, current.last_seen))
    try:
        merge.check_address(current, wanted, run.machine_id)
        target = merge.merge(current, wanted, run.now)
    except Refusal as refusal:
        return answer.refused(refusal, now, drift, current)
    found = host.read_facts(system, target, current.accounts, ledger.given_numbers(current))
    planned = planning.plan(current, target, found, run.now, run.may_open)
    if run.check:
        return answer.build(run, target, planned, None, current)
    return _carry_out(system, run, target, planned, found, current)


def _carry_out(
    system: System, run: Run, target: Wanted, planned: Plan, found: Facts, current: Ledger
) -> dict[str, Any]:
    run, problem = _install(system, run)
    if problem is not None:
        planned = planning.only_closings(planned, problem)
    intent = _next_ledger(run, target, planned, current)
    recorded, rendered = True, {}
    if intent != current and _worth_writing(intent, current):
        system.beside(_load_ahead)
        try:
            ledger_file.write_ledger(system, intent, rendered)
        except OSError as error:
            # What can't be recorded isn't opened; closings need no record to be right.
            problem, recorded = _unwritable(error), False
            note(system, intent)
            planned = planning.only_closings(planned, problem)
    applied, ended = _apply(system, run, planned, found)
    final = made_groups.without(final_ledger(intent, planned, applied), ended.gone)
    if final != intent and recorded:
        try:
            ledger_file.write_ledger(system, final, rendered)
        except OSError as error:
            problem = _unwritable(error)
    told = final._replace(rebuilt=current.rebuilt)
    built = system.beside(lambda: answer.build(run, target, planned, applied, told, problem), at_once=False)
    warning = None if run.program is None else timer.arm(system, final, run.now)
    result: dict[str, Any] = built()
    result["answer"]["warnings"] += ended.warnings
    if warning is not None:
        result["answer"]["warnings"].append(warning)
    return result


def _load_ahead() -> None:
    """Load what is needed later, while the disk is waited for."""
    from ..apply import applier  # noqa: F401 - loaded for what comes
    from ..removal import homes  # noqa: F401 - the same


def _apply(system: System, run: Run, planned: Plan, found: Facts) -> tuple[Applied, Ended]:
    """What is changed on the host: accounts, then the groups that nobody needs any more."""
    from ..apply import made_groups as groups_made  # see `_load_ahead`
    from ..apply.applier import Applier

    opens = any(account.open for account in planned.accounts.values())
    found = made_groups.with_made(found, planned.groups)
    applied = Applier(system, planned, found, run.now, check_sshd(system, opens)).run()
    ended = groups_made.remove_unused(system, planned, applied)
    return applied._replace(changed=applied.changed or ended.changed), ended


def note(system: System, intent: Ledger) -> None:
    """What is closed now stays so, whatever comes again before there is room."""
    try:
        unrecorded.note(system, intent)
    except OSError:
        return  # closing goes on; the answer says that nothing is recorded


def _install(system: System, run: Run) -> tuple[Run, Refusal | None]:
    """Step 0. Without the program nothing on the host ends access in time: nothing opens, closings go on."""
    if run.program is None:
        return run, None
    try:
        program = installing.install(system, run.program)
        units.install(system)
        return run._replace(program=program), None
    except Refusal as refusal:
        return run, refusal


def _next_ledger(run: Run, target: Wanted, planned: Plan, current: Ledger) -> Ledger:
    """The ledger while the run is under way: what may be there, and what isn't proven yet."""
    accounts = {}
    stones = dict(target.tombstones)
    for login, account in planned.accounts.items():
        stones.update(account.stones)
        busy = account.close or account.open or account.remove
        entry = account.intent if busy else account.done
        if entry is not None:
            accounts[login] = entry
    return made_groups.intended(current, planned.groups)._replace(
        sequence=target.sequence,
        digest=target.digest,
        ca_keys=target.ca_keys,
        last_seen=_last_seen(run, current),
        accounts=accounts,
        tombstones=stones,
        retired=_retired_without_steps(planned, current),
        rebuilt="",  # this run's answer tells it
    )


def _last_seen(run: Run, current: Ledger) -> int:
    """Time never goes back. A clock known to run far ahead isn't written down: nothing would open again."""
    ahead = run.drift is not None and run.drift > names.DRIFT_REFUSAL_SECONDS
    return current.last_seen if ahead else max(run.now, current.last_seen)


def _worth_writing(intent: Ledger, current: Ledger) -> bool:
    same_but_time = intent._replace(last_seen=current.last_seen) == current
    return not same_but_time or intent.last_seen - current.last_seen >= LAST_SEEN_STEP_SECONDS


def final_ledger(intent: Ledger, planned: Plan, applied: Applied) -> Ledger:
    """The ledger with what is true now; accounts without steps stay as in `intent`."""
    accounts = dict(intent.accounts)
    retired = intent.retired
    for login, account in planned.accounts.items():
        if not (account.close or account.open or account.remove):
            continue
        entry = _final_entry(account, login in applied.undone, login in applied.stuck)
        accounts.pop(login, None)
        if entry is not None:
            accounts[login] = entry
        elif account.retired is not None:
            retired = ledger.with_retired(retired, account.retired)
    return intent._replace(accounts=accounts, retired=retired)


def _final_entry(account: AccountPlan, undone: bool, stuck: bool) -> LedgerAccount | None:
    if not stuck:
        return account.undone if undone else account.done
    if undone and account.undone is not None and account.intent is not None:
        return account.undone._replace(pending="close", groups=account.intent.groups)
    return account.intent


def _retired_without_steps(planned: Plan, current: Ledger) -> tuple[ledger.Retired, ...]:
    """The retired accounts with those that were gone and left nothing to do."""
    retired = current.retired
    for account in planned.accounts.values():
        if account.retired is not None and not (account.close or account.open or account.remove):
            retired = ledger.with_retired(retired, account.retired)
    return retired


def _emergency(system: System, run: Run, refusal: Refusal) -> dict[str, Any]:
    """No ledger to go by: what the document closes is closed where it is provably ours, nothing else."""
    from ..repair import emergency  # hardly any run needs it

    base = emergency.stand_in(system, run.document, run.machine_id)
    target = emergency.target(base)
    found = host.read_facts(system, target, base.accounts)
    planned = planning.plan(base, target, found, run.now, may_open=False)._replace(emergency=True)
    applied, _ended = _apply(system, run, planned, found)
    return answer.build(run, target, planned, applied, None, refusal)


def read_machine_id(system: System) -> str | None:
    """/etc/machine-id, None where there is none."""
    content = system.read("/etc/machine-id")
    return None if content is None else content.decode("ascii", "replace").strip() or None


def _unwritable(error: OSError) -> Refusal:
    return Refusal("ledger_unwritable", f"{names.LEDGER_PATH} can't be written: {error.strerror}")


def _not_onboarded() -> Refusal:
    return Refusal("not_onboarded", "this host has no ledger", "onboard it first")
