"""Carrying out a plan: what is done with accounts whose processes don't end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply import applier
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.facts import host
from ansible_collections.daypass.ssh.plugins.module_utils.plan import planning
from ansible_collections.daypass.ssh.plugins.module_utils.plan.steps import Keys, Step
from ansible_collections.daypass.ssh.plugins.module_utils.plan.values import AccountPlan, Plan
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import processes, setid_files
from tests.memory_system import JANE, JANES_GROUPS, MemorySystem, Sshd, in_memory
from tests.onboarded import empty_ledger, full_document


def test_home_of_a_person_whose_processes_live_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """He could still swap what is opened there; the other one's home is looked through."""
    logins = {"alice": 70007, "bob": 70008}
    one = host.AccountFacts(None, None, (), None, None, (), (), "/home", None, subordinate=False)
    accounts = {login: one._replace(home=f"/home/{login}") for login in logins}
    found = host.Facts(
        accounts, {}, {}, {}, (), None, None, frozenset(), None, sudo=True, mentioned=frozenset()
    )
    plans = {login: AccountPlan(login, uid, close=(Step("sessions"),)) for login, uid in logins.items()}
    monkeypatch.setattr(processes, "end_all", lambda _system, _logins, _limit: {"alice": [4711]})
    seen: list[dict[int, setid_files.Lost]] = []

    def disarm(_system, accounts, _limit):
        seen.append(accounts)
        return setid_files.Disarmed({uid: [] for uid in accounts}, frozenset())

    monkeypatch.setattr(setid_files, "disarm", disarm)
    running = applier.Applier(
        System(), Plan(plans, Keys((), expiry_z=True)), found, 0, lambda _login, _groups: None
    )
    applied = running.run()
    assert seen == [{70008: setid_files.Lost("/home/bob")}]
    assert applied.stuck == {"alice"}
    assert applied.failures["alice"][0].code == "processes_remain"


def test_what_cant_be_recorded_isnt_opened_and_closings_go_on():
    """On a full disk the ledger can't be written: closings need no record, all else waits and says so."""
    grant = ledger.LedgerGrant((), (), (), 0, 2_000_000_000, live=False)
    close, give, remove = (Step("key_file"),), (Step("unlock"),), (Step("delete_user"),)
    plans = {
        "alice": AccountPlan("alice", 70007, close=close, open=give, end={"G1": grant}, state="active"),
        "bob": AccountPlan("bob", 70008, close=close, remove=remove, state="removed"),
    }
    problem = Refusal("ledger_unwritable", "no room")
    left = planning.only_closings(Plan(plans, Keys((), expiry_z=True)), problem).accounts
    assert [one.close for one in left.values()] == [close, close]
    assert not any(one.open or one.remove for one in left.values())
    assert [one.state for one in left.values()] == ["closed", "closed"]
    assert [(one.id, one.code) for one in left["alice"].refused] == [("G1", "ledger_unwritable")]


@pytest.mark.parametrize("accident", ["sshd", "visudo"])
def test_session_of_a_moment_with_more_ends(accident: str):
    """A second grant fails with its group in place: who came in meanwhile by the first doesn't keep it."""
    system, sshd = MemorySystem(), Sshd()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system, sshd):
        wave(system, 1, ("G1", ["ops"]))
        system.log_in("alice")
        (earlier,) = system.running
        sshd.refuses = accident == "sshd"
        system.broken = {accident}
        seen = []

        def come_in() -> None:
            system.log_in("alice")
            seen.append(system.rights("alice").groups)

        system.watch = come_in
        told = wave(system, 2, ("G1", ["ops"]), ("G2", ["web"]))
    assert told["accounts"]["alice"]["grants"] == ["G1"]
    assert frozenset({"ops", "web"}) in seen
    assert system.rights("alice").groups == {"ops"}
    assert earlier in system.running
    assert {held.groups for _login, _uid, held in system.running.values()} == {frozenset({"ops"})}


@pytest.mark.parametrize("accident", ["sshd", "visudo"])
def test_session_of_a_moment_with_more_ends_for_a_joined_person_too(accident: str):
    """By certificate or by her own key: nobody can take the group from it. What she had running stays."""
    system, sshd = MemorySystem(), Sshd()
    system.have_jane()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system, sshd):
        wave(system, 1, ("G1", []), login=JANE)
        assert system.log_in(JANE)
        before = {*system.running, system.log_in_by_own_key()}
        sshd.refuses = accident == "sshd"
        system.broken = {accident}
        seen = []

        def come_in() -> None:
            if "ops" in system.rights(JANE).groups:
                system.log_in(JANE)
                seen.append(system.log_in_by_own_key())

        system.watch = come_in
        told = wave(system, 2, ("G1", []), ("G2", ["ops"]), login=JANE)
    assert told["accounts"][JANE]["grants"] == ["G1"]
    assert (bool(seen), system.rights(JANE).groups) == (True, JANES_GROUPS)
    assert set(system.running) == before


def test_her_own_session_of_a_first_joining_that_fails_ends():
    """No certificate could come in yet, but her own key can: nobody can take the group from that session."""
    system = MemorySystem()
    system.have_jane()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        before = system.log_in_by_own_key()
        system.broken = {"visudo"}
        seen = []

        def come_in() -> None:
            if "ops" in system.rights(JANE).groups:
                seen.append(system.log_in_by_own_key())

        system.watch = come_in
        told = wave(system, 1, ("G1", ["ops"]), login=JANE)
    assert (told["accounts"][JANE]["grants"], bool(seen)) == ([], True)
    assert set(system.running) == {before}


class Deathless(MemorySystem):
    """No process ends."""

    def signal(self, pid: int, number: int, still_meant: Callable[[], bool] | None = None) -> bool:
        return True


def test_nothing_is_built_on_a_closing_that_failed():
    """Whose processes don't end gets no new grant: they would hold the old one's rights beside it."""
    system = Deathless()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        wave(system, 1, ("G1", ["ops"]))
        assert system.log_in("alice")
        told = wave(system, 2, ("G2", ["web"]))["accounts"]["alice"]
        assert (told["state"], told["code"], told["grants"]) == ("failed", "processes_remain", [])
        rights = system.rights("alice")
        assert (rights.keys, rights.groups, rights.sudo, rights.day) == (set(), set(), set(), 1)
        kept = ledger_file.read_ledger(system)
        assert kept is not None
        assert (kept.accounts["alice"].pending, kept.accounts["alice"].grants) == ("close", {})
        system.running.clear()
        assert wave(system, 3, ("G2", ["web"]))["accounts"]["alice"]["grants"] == ["G2"]


def test_closing_takes_the_way_in_first_and_the_sessions_last():
    """Nobody comes in while it goes on: key line, account, jobs, rules, groups, then what runs."""
    system = MemorySystem()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        wave(system, 1, ("G1", ["ops"]))
        assert system.log_in("alice")
        system.files["/var/spool/cron/crontabs/alice"] = b"@daily true"
        system.effects.clear()
        wave(system, 2)
    found = [f"{effect} {detail}" for effect, detail in system.effects]
    order = [
        "remove /etc/ssh/daypass/keys/alice",
        "change usermod --password",
        "make_folder /var/lib/daypass/parked/alice",
        "remove /etc/sudoers.d/daypass",
        "change usermod --groups",
        "signal ",
    ]
    places = [min(n for n, one in enumerate(found) if one.startswith(word)) for word in order]
    assert places == sorted(places), found


@pytest.mark.parametrize("login", ["alice", JANE])
def test_grant_lasts_longer_and_gets_another_certificate(login: str):
    """Extended, and signed again for another key: the same grant with more, and no session ends."""
    system = MemorySystem()
    system.have_jane()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        wave(system, 1, ("G1", ["ops"]), login=login)
        assert system.log_in(login)
        longer = wave(system, 2, ("G1", ["ops"]), login=login, until="2026-11-18T13:06:40Z")
        again = wave(system, 3, ("G1", ["ops"]), login=login, certificates=(1, 2))
    assert not longer["accounts"][login]["refused"]
    assert not again["accounts"][login]["refused"]
    assert {principal for principal, _may, _end in system.rights(login).keys} == {
        "daypass-G1-1",
        "daypass-G1-2",
    }
    assert len(system.running) == 1


def wave(
    system: MemorySystem,
    sequence: int,
    *grants: tuple[str, list[str]],
    login: str = "alice",
    until: str = "2026-11-18T12:06:40Z",
    certificates: tuple[int, ...] = (1,),
) -> dict:
    """The answer to a document in which a person has grants with these groups and one rule each."""
    given = [
        {
            "id": key,
            "principals": [f"daypass-{key}-{number}" for number in certificates],
            "groups": groups,
            "sudo": [{"run_as": "root", "commands": [f"/usr/bin/{key}"]}],
            "not_after": until,
        }
        for key, groups in grants
    ]
    alice = {"name": login, "uid": 70007, "comment": f"{login}@example.com", "shell": "/bin/bash"}
    if login == JANE:
        alice |= {"uid": 1501, "existing": "join"}
    opaque = full_document(sequence, [{**alice, "grants": given}])
    return converge(system, opaque, now=1_795_000_000)["answer"]
