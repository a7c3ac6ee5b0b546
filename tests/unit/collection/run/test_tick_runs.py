"""The tick on a host in memory, with converge beside it: whatever happens, it closes, and only closes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import LEDGER_COPY_PATH, LEDGER_PATH
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import units
from ansible_collections.daypass.ssh.plugins.module_utils.plan import planning
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.run import tick
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from tests.memory_system import Killed, MemorySystem, in_memory
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
SOON, LATER = "2026-11-18T11:16:40Z", "2026-11-18T12:06:40Z"  # 600 s and an hour from now
END = NOW + 600
SUDO = [{"run_as": "root", "commands": "ALL"}]


class Host(MemorySystem):
    """A host whose log can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def log(self, line: str, problem: bool = False) -> None:
        self.said.append(line)


def give(host: Host, sequence: int = 1) -> dict:
    """Alice until soon, Bob until later; the answer."""
    accounts = [
        {
            "name": name,
            "uid": uid,
            "comment": name,
            "shell": "/bin/bash",
            "grants": [
                {
                    "id": key,
                    "principals": [f"daypass-{key}-1"],
                    "groups": ["ops"],
                    "sudo": SUDO,
                    "not_after": end,
                }
            ],
        }
        for name, uid, key, end in (("alice", 70007, "G1", SOON), ("bob", 70008, "G2", LATER))
    ]
    return converge(host, full_document(sequence, accounts), now=host.now)["answer"]


@contextmanager
def prepared() -> Iterator[Host]:
    """Alice and Bob are in, on a host without systemd: nothing is armed."""
    host = Host()
    host.now = NOW
    with in_memory(host):
        ledger_file.write_ledger(host, empty_ledger())
        give(host)
        assert host.log_in("alice")
        assert host.log_in("bob")
        host.effects.clear()
        yield host


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The host at NOW."""
    monkeypatch.setattr(units, "scheduler", lambda _system: units.CRON)
    with prepared() as one:
        yield one


def logins(host: Host) -> set[str]:
    """Who has a session."""
    return {login for login, _uid, _rights in host.running.values()}


def closed(host: Host, login: str) -> bool:
    """Nothing is left of the login's access."""
    rights = host.rights(login)
    return not (rights.keys or rights.groups or rights.sudo) and host.users[login].password == "!*"


def test_what_is_over_is_closed_and_nobody_else_is_touched(host: Host):
    """Key line, account, sudo rules, groups and sessions go; the other person's stay."""
    before = host.rights("bob")
    host.now = END
    outcome = tick.tick(host)
    assert closed(host, "alice")
    assert logins(host) == {"bob"}
    assert host.rights("bob") == before
    assert outcome.moment == NOW + 3600
    assert host.said == [f"closed alice: grant G1 ended at {SOON}; no access is left"]


def test_one_of_two_grants_ends_and_the_sessions_with_it(host: Host):
    """A running process keeps its groups: who still has something logs in again with that."""
    current = ledger_file.read_ledger(host)
    alice = current.accounts["alice"]
    stays = alice.grants["G1"]._replace(principals=("daypass-G9-1",), groups=(), sudo=(), not_after=END + 900)
    accounts = {**current.accounts, "alice": alice._replace(grants={**alice.grants, "G9": stays})}
    ledger_file.write_ledger(host, current._replace(accounts=accounts))
    host.now = END
    outcome = tick.tick(host)
    assert logins(host) == {"bob"}
    rights = host.rights("alice")
    assert (rights.groups, rights.sudo, host.users["alice"].password) == (frozenset(), frozenset(), "*")
    assert host.said == [f"ended sessions of alice: grant G1 ended at {SOON}; what is left: G9"]
    assert outcome.moment == END + 900


def test_quiet_minute_writes_nothing_and_asks_nobody(host: Host):
    """No file, no directory, no sudo, before and after an end."""
    asked: list[list[str]] = []
    real = host._run
    host._run = lambda argv, *more: (asked.append(argv), real(argv, *more))[1]
    for moment in (NOW + 60, NOW + 120):
        host.now = moment
        tick.tick(host)
    assert (host.effects, asked) == ([], [])
    host.now = END
    tick.tick(host)
    host.effects.clear()
    asked.clear()
    host.now = END + 60
    tick.tick(host)
    assert (host.effects, asked) == ([], [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_tick_killed_at_any_change_is_finished_by_the_next(host: Host, when: str):
    """Nobody ever has more than before, and the next minute ends right."""
    host.now = END
    tick.tick(host)
    for number in range(len(host.effects)):
        with prepared() as again:
            again.now = END
            again.die = (number, when)
            with pytest.raises(Killed):
                tick.tick(again)
            again.die = None
            again.now += 60
            tick.tick(again)
            assert closed(again, "alice"), again.effects[number]
            assert logins(again) == {"bob"}
            assert ledger_file.read_ledger(again).accounts["alice"].pending == ""


@pytest.mark.parametrize("clock", [0, NOW - 86_400, NOW + 1])
def test_clock_that_is_behind_opens_and_closes_nothing(host: Host, clock: int):
    """1970 after a boot, or a step back: what was closed stays so, what is open stays until its end."""
    host.now = END
    tick.tick(host)
    host.now = clock
    host.effects.clear()
    tick.tick(host)
    assert host.effects == []
    give(host, 2)
    assert closed(host, "alice")
    assert not closed(host, "bob")


def test_clock_that_jumped_far_ahead_closes_and_removes_nothing(host: Host):
    """In 2099 all is over. Back in this year nothing opens by itself; a wave gives what is still granted."""
    host.now = 4_080_000_000
    tick.tick(host)
    assert closed(host, "alice")
    assert closed(host, "bob")
    assert set(host.users) == {"alice", "bob"}
    host.now = NOW + 60
    host.effects.clear()
    tick.tick(host)
    assert host.effects == []
    give(host, 2)
    assert not closed(host, "bob")


@pytest.mark.parametrize("content", [b"", b"{", None])
def test_broken_ledger_is_rebuilt_and_its_deadlines_hold(host: Host, content: bytes | None):
    """The tick needs no wave for it; and it says so."""
    if content is None:
        del host.files[LEDGER_PATH]
    else:
        host.files[LEDGER_PATH] = content
    host.now = END
    tick.tick(host)
    assert closed(host, "alice")
    assert not closed(host, "bob")
    assert "rebuilt from its copy" in host.said[0]


def test_without_any_ledger_what_has_run_out_is_closed(host: Host):
    """Copy and ledger are broken: the key lines' own ends count, as far as an account is provably ours."""
    host.files[LEDGER_PATH] = host.files[LEDGER_COPY_PATH] = b"{"
    host.now = END
    tick.tick(host)
    assert closed(host, "alice")
    assert logins(host) == {"bob"}
    assert "copy" in host.said[0]
    host.said.clear()
    tick.tick(host)
    assert host.said == []


def test_full_disk_keeps_nobody_in(host: Host):
    """What can't be recorded is closed all the same, and recorded when there is room."""
    host.full = True
    host.now = END
    tick.tick(host)
    assert logins(host) == {"bob"}
    assert host.users["alice"].password == "!*"
    host.full = False
    tick.tick(host)
    assert closed(host, "alice")
    assert ledger_file.read_ledger(host).accounts["alice"].grants == {}


def test_account_that_nobody_can_plan_stops_no_other(host: Host, monkeypatch: pytest.MonkeyPatch):
    """A surprise with Bob shuts Bob, and Alice's end isn't late for it."""
    real = planning._plan_account

    def surprised(want, context):
        if want.name == "bob":
            raise ZeroDivisionError("surprise")
        return real(want, context)

    monkeypatch.setattr(planning, "_plan_account", surprised)
    host.now = END
    tick.tick(host)
    assert closed(host, "alice")
    assert closed(host, "bob")
    assert any("ZeroDivisionError: surprise" in line for line in host.said)


def test_processes_of_closed_and_removed_accounts_are_swept(host: Host):
    """However they came to run; a number that somebody else has by now isn't touched."""
    host.now = END
    tick.tick(host)
    rights = host.rights("alice")
    host.running[7001] = ("alice", 70007, rights)
    tick.tick(host)
    assert logins(host) == {"bob"}
    current = ledger_file.read_ledger(host)
    retired = (
        ledger.Retired(70011, "gone", "gone", NOW, ""),
        ledger.Retired(70012, "taken", "taken", NOW, ""),
    )
    ledger_file.write_ledger(host, current._replace(retired=retired))
    host.users["stranger"] = replace(host.users["bob"], uid=70012, gid=70012)
    host.running[7002] = ("gone", 70011, rights)
    host.running[7003] = ("stranger", 70012, rights)
    tick.tick(host)
    assert logins(host) == {"bob", "stranger"}
    assert host.said[-1] == "ended processes of gone (removed, uid 70011)"


def test_member_that_left_is_closed_and_a_strange_member_is_told_once(host: Host):
    """Membership is checked both ways."""
    host.groups["daypass"][1].discard("bob")
    host.groups["daypass"][1].add("eve")
    for _tick in range(2):
        tick.tick(host)
    assert closed(host, "bob")
    assert logins(host) == {"alice"}
    assert sum("eve" in line for line in host.said) == 1
