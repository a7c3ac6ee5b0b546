"""What the tick makes of a plan: closings of what is over, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply import applied
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.plan.steps import Keys, Step
from ansible_collections.daypass.ssh.plugins.module_utils.plan.values import AccountPlan, Plan
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger
from ansible_collections.daypass.ssh.plugins.module_utils.repair import emergency
from ansible_collections.daypass.ssh.plugins.module_utils.run import tick, tick_words

NOW = 1_795_000_000
KEYS = Keys((), expiry_z=True)


def grant(end: int, *, live: bool = True) -> ledger.LedgerGrant:
    return ledger.LedgerGrant((), (), (), 0, end, live)


def known(*, pending: str = "", uid: int = 70007, **grants: ledger.LedgerGrant) -> ledger.LedgerAccount:
    return ledger.LedgerAccount(uid, "a", "/bin/sh", "/home/alice", "keep", None, pending, grants, (), None)


def record(**accounts: ledger.LedgerAccount) -> ledger.Ledger:
    new = ledger.new_ledger(None, None, None, (9, 2), "apono")
    return new._replace(accounts=accounts, last_seen=NOW - 60)


def planned(login: str = "alice", **values) -> Plan:
    account = AccountPlan(login, 70007, **{"intent": known(), "done": known(), **values})
    return Plan({login: account}, KEYS)


def steps(plan: Plan) -> tuple:
    """Alice's."""
    account = plan.accounts["alice"]
    return account.close, account.open, account.remove


def test_what_is_over_isnt_wanted_and_nothing_is_opened_or_removed():
    """Live grants stay until their end; what never opened and what was being removed waits for a wave."""
    current = record(
        alice=known(G1=grant(NOW), G2=grant(NOW + 1), G3=grant(NOW + 99, live=False)),
        bob=known(pending="remove", uid=70008),
    )
    wanted = tick.closings_of(current, NOW)
    assert set(wanted.accounts["alice"].grants) == {"G2"}
    assert not wanted.accounts["bob"].remove


def test_plan_without_closings_is_empty():
    """Nothing to do writes nothing."""
    opening = planned(open=(Step("unlock"),), remove=(Step("delete_user"),))
    assert steps(tick.closing_plan(opening, record(alice=known()), frozenset())) == ((), (), ())


def test_closing_takes_nothing_else_along():
    """Openings and removals of the same account are left out."""
    both = planned(close=(Step("lock"),), open=(Step("unlock"),), remove=(Step("delete_user"),))
    account = tick.closing_plan(both, record(alice=known()), frozenset()).accounts["alice"]
    assert (account.close, account.open, account.remove) == ((Step("lock"),), (), ())


def test_closed_account_with_processes_is_swept():
    """They end though the ledger says that all is done; and the intent is recorded first."""
    account = tick.closing_plan(planned(), record(alice=known()), frozenset([70007])).accounts["alice"]
    assert [step.name for step in account.close] == ["sessions"]
    assert account.intent is not None
    assert account.intent.pending == "close"


def test_deleted_account_without_processes_costs_nothing():
    """Its plan would look for processes at each tick; one look at all of them is enough."""
    gone = planned(close=(Step("sessions"),), done=None)
    assert steps(tick.closing_plan(gone, record(alice=known()), frozenset())) == ((), (), ())
    assert steps(tick.closing_plan(gone, record(alice=known()), frozenset([70007])))[0]


def test_removal_that_was_begun_is_still_begun_after_a_closing():
    """The next wave finishes it."""
    account = tick.closing_plan(
        planned(close=(Step("lock"),)), record(alice=known(pending="remove")), frozenset()
    ).accounts["alice"]
    assert account.done is not None
    assert account.done.pending == "remove"


def test_half_made_account_is_left_to_the_next_wave():
    """It was made shut; taking it away is a removal."""
    half = planned(close=(Step("undo_create", True),), done=None)
    assert steps(tick.closing_plan(half, record(alice=known(pending="create")), frozenset())) == ((), (), ())


@pytest.mark.parametrize(("clock", "seen"), [(NOW, NOW), (NOW + 100_000, NOW), (4_000_000_000, NOW - 60)])
def test_last_seen_is_the_latest_end_that_was_carried_out(clock: int, seen: int):
    """Not the clock: after a jump to 2099 nothing would open for years, or until the longest grant's end."""
    current = record(alice=known(G1=grant(NOW - 5), G2=grant(NOW)))
    assert tick._last_seen(planned(close=(Step("lock"),)), current, clock) == seen


def test_waiting_goes_by_the_clock_that_may_be_set():
    """A clock set forward ends the wait, one set back makes it longer; far back, it is a later tick's."""

    class Host(System):
        def __init__(self, *times: int) -> None:
            self.times = iter(times)
            self.slept: list[float] = []

        def clock(self) -> int:
            return next(self.times)

        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    for host in (Host(NOW, NOW + 1, NOW - 40, NOW + 60), Host(NOW, NOW + 1, NOW + 2, NOW - 86_400)):
        tick.wait_for(host, NOW + 50)
        assert len(host.slept) == 3


def test_lines_say_what_ended_and_what_is_left():
    """One line a person understands; what isn't closed yet is a problem."""
    current = record(alice=known(G1=grant(NOW)))
    done = planned(close=(Step("lock"),))
    nothing = applied.Applied({}, {}, frozenset(), frozenset(), changed=True)
    lines = list(tick_words.told(done, nothing, current, NOW))
    assert lines == [("closed alice: grant G1 ended at 2026-11-18T11:06:40Z; no access is left", False)]
    ((line, _problem),) = tick_words.told(done, nothing, current, NOW - 1)
    assert "taken back before its end" in line
    failures = {"alice": [applied.Failure("processes_remain", "processes of alice are left: 7")]}
    stuck = nothing._replace(stuck=frozenset(["alice"]), failures=failures)
    ((line, problem),) = tick_words.told(done, stuck, current, NOW)
    assert problem
    assert "processes of alice are left: 7" in line


def test_lasting_problem_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not each minute; and again when it comes back."""

    class Host(System):
        def __init__(self) -> None:
            self.said: list[str] = []

        def log(self, line: str, problem: bool = False) -> None:
            self.said.append(line)

        def write(self, path, content, mode, uid=0, gid=0, validate=None):
            Path(path).write_bytes(content)

        def make_folder(self, path, mode):
            pass

    monkeypatch.setattr(tick_words, "SAID_PATH", str(tmp_path / "said.json"))
    host = Host()
    for text in ("bad", "bad", None, None, "bad"):
        tick_words.say_once(host, "ledger", text)
    tick_words.say_once(host, "other", "worse")
    assert host.said == ["bad", "bad", "worse"]


@pytest.mark.parametrize(
    ("lines", "day", "over"),
    [
        ('expiry-time="20261118110640Z" x\n', None, True),
        ('expiry-time="20261118110641Z" x\n', 1, False),
        ('expiry-time="20261118110640Z" x\nexpiry-time="20261118120000Z" y\n', None, False),
        ("restrict x\n", NOW // 86400, True),
        ("restrict x\n", NOW // 86400 + 1, False),
        ("restrict x\n", None, False),
        ("", None, True),
    ],
)
def test_without_a_ledger_the_key_lines_say_what_is_over(lines: str, day: int | None, over: bool):
    """And where they have no end, the account's last day; an open account without any line is over."""
    shadow = emergency.account_files.Shadow("*", None, None, None, None, None, day)
    assert emergency._is_over(lines, shadow, NOW) is over
