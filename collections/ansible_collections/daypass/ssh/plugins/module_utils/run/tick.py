# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host does by itself, each minute and at each deadline: it closes what is over.

No controller and no network is needed. It never opens and never removes. Where nothing is to be done it
changes no file and asks neither a directory nor sudo. What it does stands in syslog (`daypass`).
"""

from __future__ import annotations

from ..apply.applied import Applied
from ..apply.applier import Applier
from ..apply.patience import BRIEF
from ..contract import names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..deadline import timer, units, warning
from ..effects.system import System
from ..facts import host, nss
from ..plan import identity, planning
from ..plan.steps import Leaving, Step
from ..record import ledger_file, merge
from ..repair import emergency, rebuilding
from ..sessions import processes, setid_files
from ..sessions.setid_files import Lost
from ..sshd.check import check_sshd
from . import converge, tick_words

if TYPE_CHECKING:
    from typing import Mapping

    from ..facts.host import Facts
    from ..plan.values import AccountPlan, Plan
    from ..record.ledger import Ledger, LedgerAccount
    from ..record.merge import Wanted

LOCK_WAIT_SECONDS = 50  # the next tick is a minute away
LOOK_AGAIN_SECONDS = 1.0  # while waiting for a moment: the clock may be set meanwhile
WAIT_SECONDS_MOST = 120  # set back further than that, the moment is a later tick's
NEAR_SECONDS = 0.02
JUMP_SECONDS = 30 * 86400  # a host that nobody spoke to for so long, or a clock that was set wrong
LATER_SECONDS = 60.0  # for copies in what one person filled with files; nobody waits for it then


class Outcome(NamedTuple):
    """What is left to do without the lock: the moment to look again, warnings, places with more copies."""

    moment: int | None = None
    notices: tuple[warning.Notice, ...] = ()
    unfinished: Mapping[int, Lost] = {}


def main() -> int:
    """One run: everything that is due, and what comes due while the next run is still far.

    Returns:
        The exit code: 1 when the lock wasn't to be had.
    """
    system = System()
    patience = timer.PATIENCE.get(units.scheduler(system) or "", 0)
    until = system.monotonic() + patience
    while True:
        try:
            with system.lock(names.LOCK_PATH, LOCK_WAIT_SECONDS):
                outcome = tick(system)
        except FileNotFoundError:  # never onboarded, or not any more
            return 0
        except Refusal as refusal:
            system.log(f"nothing was looked at: {refusal.sentence}", problem=True)
            return 1
        except Exception as error:  # noqa: BLE001 - the log says it; the next tick tries again
            system.log(f"the run failed: {type(error).__name__}: {error}", problem=True)
            return 1
        finish(system, outcome)
        if outcome.moment is None or outcome.moment - system.clock() > until - system.monotonic():
            return 0
        wait_for(system, outcome.moment)


def finish(system: System, outcome: Outcome) -> None:
    """What needs no lock, and may take as long as a person makes it take."""
    for notice in outcome.notices:
        system.log(tick_words.warned(notice, warning.give(system, notice)))
    if outcome.unfinished:
        setid_files.disarm(system, outcome.unfinished, LATER_SECONDS)


def wait_for(system: System, moment: int) -> None:
    """Wait until the clock shows this moment; one that is set meanwhile ends the wait, or makes it longer."""
    while True:
        rest = moment - system.clock()
        if rest <= 0 or rest > WAIT_SECONDS_MOST:
            return
        system.sleep(LOOK_AGAIN_SECONDS if rest > 2 else NEAR_SECONDS)


def tick(system: System) -> Outcome:
    """Close what is over now. The caller holds the lock."""
    try:
        current, _told = rebuilding.read_or_rebuild(system, system.clock())
    except Refusal as refusal:
        _without_ledger(system, refusal)
        return Outcome()
    if current is None:
        return Outcome()
    tick_words.say_once(system, "ledger", current.rebuilt or None)
    now = max(system.clock(), current.last_seen)
    target = closings_of(current, now)
    found = host.read_facts(system, target, current.accounts)
    planned = planning.plan(current, target, found, now, may_open=False)
    planned = closing_plan(planned, current, _running(system, planned, current, found))
    final, unfinished = current, {}
    if any(account.close for account in planned.accounts.values()):
        final, unfinished = _carry_out(system, planned, found, current, now)
    _sweep_retired(system, current, found)
    _tell_strangers(system, current, found)
    problem = timer.arm(system, final, now)
    tick_words.say_once(system, "deadline", problem)
    return Outcome(timer.next_moment(final, now), warning.claim(system, final, now), unfinished)


def closings_of(current: Ledger, now: int) -> Wanted:
    """What is wanted when nobody asks for anything: what is live and not over; no removal goes on."""
    wanted = merge.merge(current, emergency.NOTHING, now)
    accounts = {}
    for login, account in wanted.accounts.items():
        grants = {key: grant for key, grant in account.grants.items() if grant.live}
        accounts[login] = account._replace(grants=grants, remove=False)
    return wanted._replace(accounts=accounts)


def closing_plan(planned: Plan, current: Ledger, running: frozenset[int]) -> Plan:
    """The plan without all that isn't a closing; accounts with nothing to close stay in it without a step.

    Args:
        running: uids of closed accounts that have processes all the same.
    """
    accounts = {}
    for login, account in planned.accounts.items():
        close = _closings(account, current.accounts[login], running)
        if close:
            removing = current.accounts[login].pending == "remove"
            accounts[login] = _only_closing(account._replace(close=close), removing)
        else:
            accounts[login] = account._replace(close=(), open=(), remove=())
    return planned._replace(accounts=accounts)


def _closings(account: AccountPlan, known: LedgerAccount, running: frozenset[int]) -> tuple[Step, ...]:
    # A creation that was cut off is shut from its beginning; to take it away is a removal.
    close = tuple(step for step in account.close if step.name != "undo_create")
    if account.uid in running and not any(step.name == "sessions" for step in close):
        return (*close, Step("sessions", Leaving(park=True)))
    ended = any(grant.live and key not in account.end for key, grant in known.grants.items())
    only_look = [step.name for step in close] == ["sessions"] and not ended and not known.pending
    return () if only_look and account.uid not in running else close


def _only_closing(account: AccountPlan, removing: bool) -> AccountPlan:
    """What is gone, or to be removed, is for the next wave to settle: it stays in the ledger as it was."""
    intent = account.intent
    if account.joined is not None and account.state == "removed":
        return account  # nothing of it is ours to remove: it is just forgotten
    if account.remove or account.retired is not None or account.done is None:
        return account._replace(open=(), remove=(), done=intent, undone=intent, retired=None)
    if any(step.name == "sessions" for step in account.close) and intent is not None:
        intent = intent._replace(pending="close")
    done = account.done._replace(pending="remove") if removing else account.done
    return account._replace(open=(), intent=intent, done=done)


def _running(system: System, planned: Plan, current: Ledger, found: Facts) -> frozenset[int]:
    """uids of our closed accounts, and of those that are gone, that have processes."""
    shut = {}
    for login, account in planned.accounts.items():
        if current.accounts[login].joined is not None:
            continue  # closed, it runs what its owner likes
        ours = identity.identity(current.accounts[login], found.accounts[login]) == identity.OURS
        if not account.end and (ours or any(step.name == "sessions" for step in account.close)):
            shut[login] = account.uid
    return frozenset(process.uid for process in processes.find(shut)) if shut else frozenset()


def _carry_out(
    system: System, planned: Plan, found: Facts, current: Ledger, now: int
) -> tuple[Ledger, Mapping[int, Lost]]:
    accounts = dict(current.accounts)
    stones = dict(current.tombstones)
    for login, account in planned.accounts.items():
        stones.update(account.stones)
        if account.close and account.intent is not None:
            accounts[login] = account.intent
    intent = current._replace(
        accounts=accounts, tombstones=stones, last_seen=_last_seen(planned, current, now)
    )
    recorded = _write(system, current, intent)
    applied = Applier(system, planned, found, now, check_sshd(system), BRIEF).run()
    final = converge.final_ledger(intent, planned, applied)
    _write(system, intent if recorded else current, final)
    for line, problem in tick_words.told(planned, applied, current, now):
        system.log(line, problem)
    return final, applied.unfinished


def _last_seen(planned: Plan, current: Ledger, now: int) -> int:
    """The latest end that was carried out: it can't be gone back behind.

    Not the clock: one that jumped to 2099 would shut the host until then, with nobody to compare it with.
    Where it is that far ahead, the ends that it brought don't count either.
    """
    if now - current.last_seen > JUMP_SECONDS:
        return current.last_seen
    ends = [
        grant.not_after
        for login, account in planned.accounts.items()
        for key, grant in current.accounts[login].grants.items()
        if key not in account.end and grant.not_after <= now
    ]
    return max([current.last_seen, *ends])


def _write(system: System, before: Ledger, after: Ledger) -> bool:
    """Write the ledger where it changed; what can't be recorded is closed all the same."""
    if after == before:
        return True
    try:
        ledger_file.write_ledger(system, after)
    except OSError as error:
        converge.note(system, after)
        system.log(
            f"{names.LEDGER_PATH} can't be written: {error.strerror}; access is ended all the same", True
        )
        return False
    return True


def _sweep_retired(system: System, current: Ledger, found: Facts) -> None:
    """Accounts that are gone have no processes. A number that somebody else has by now isn't touched."""
    ours = {account.uid for account in current.accounts.values()}
    gone = {
        f"{entry.login} (removed, uid {entry.uid})": entry.uid
        for entry in current.retired
        if entry.uid not in ours and entry.uid not in found.uid_names
    }
    running = {process.uid for process in processes.find(gone)} if gone else set()
    if not running:
        return
    try:
        taken = set(nss.ask(system, (), sorted(running), ()).uids)
    except Refusal:
        return  # nobody knows whose they are
    logins = {login: uid for login, uid in gone.items() if uid in running - taken}
    if logins:
        left = processes.end_all(system, logins, BRIEF.processes_seconds)
        for login in sorted(logins):
            system.log(tick_words.swept(login, login in left), login in left)


def _tell_strangers(system: System, current: Ledger, found: Facts) -> None:
    """Members are members: one that the ledger doesn't know is reported, and not touched: it isn't ours."""
    marked = {
        member
        for name in (names.GROUP_CREATED, names.GROUP_JOINED)
        for member in (found.groups[name].members if name in found.groups else ())
    }
    strangers = sorted(marked - set(current.accounts))
    tick_words.say_once(system, "strangers", tick_words.strangers(strangers))


def _without_ledger(system: System, refusal: Refusal) -> None:
    """Nothing to go by but what is provably ours: what has run out there is closed."""
    tick_words.say_once(
        system, "ledger", f"{refusal.sentence}; {refusal.hint}" if refusal.hint else refusal.sentence
    )
    base = emergency.run_out(system, converge.read_machine_id(system), system.clock())
    if not base.accounts:
        return
    target = emergency.target(base)
    found = host.read_facts(system, target, base.accounts)
    now = system.clock()
    planned = planning.plan(base, target, found, now, may_open=False)._replace(emergency=True)
    applied: Applied = Applier(system, planned, found, now, check_sshd(system), BRIEF).run()
    for line, problem in tick_words.told(planned, applied, base, now):
        system.log(line, problem)
