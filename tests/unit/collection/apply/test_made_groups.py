"""Groups that are made for grants, on a host in memory; every kill is in `run/test_every_kill.py`."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply import account_steps
from ansible_collections.daypass.ssh.plugins.module_utils.contract.fields import show_moment
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding import leaving
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import Ledger
from ansible_collections.daypass.ssh.plugins.module_utils.run import tick
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import processes
from tests.memory_system import MemorySystem, Sshd, in_memory
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
END = NOW + 3600


def opaque(sequence: int, *, given: bool = True, group: str = "fresh") -> str:
    """A document in which alice has a grant with a group that may be made, or none any more."""
    grant = {
        "id": "G1",
        "principals": ["daypass-G1-1"],
        "groups": [group],
        "create_groups": [group],
        "not_after": show_moment(END),
    }
    account = {
        "name": "alice",
        "uid": 70007,
        "comment": "alice@example.com",
        "shell": "/bin/bash",
        "grants": [grant] if given else [],
    }
    return full_document(sequence, [account])


@pytest.fixture
def system() -> MemorySystem:
    """A host with an empty ledger."""
    found = MemorySystem()
    ledger_file.write_ledger(found, empty_ledger())
    found.now = NOW
    return found


def run(system: MemorySystem, text: str, sshd: Sshd | None = None) -> dict[str, Any]:
    with in_memory(system, sshd or Sshd()):
        return converge(system, text, now=system.now)


def kept(system: MemorySystem) -> Ledger:
    found = ledger_file.read_ledger(system)
    assert found is not None
    return found


def test_number_is_recorded_before_the_group_is_made(system: MemorySystem):
    """What proves it to be ours is written down first."""
    run(system, opaque(1))
    kinds = [detail for effect, detail in system.effects if effect in ("write", "change")]
    recorded = next(n for n, detail in enumerate(kinds) if detail.endswith("ledger.json"))
    assert recorded < kinds.index("groupadd --gid 99999 fresh")
    assert kept(system).made_groups == {"fresh": 99999}


def test_groupdel_that_says_yes_and_does_nothing_is_not_believed(system: MemorySystem, monkeypatch):
    """A group that is left stays ours: told, and removed by the next run; a person's own is a failure."""
    run(system, opaque(1))
    with monkeypatch.context() as lying:
        lying.setattr(system, "_groupdel", lambda _argv, _stdin: Completed(0, "", ""))
        warnings = run(system, opaque(2, given=False))["answer"]["warnings"]
        assert any("fresh is left" in one and "groupdel didn't delete" in one for one in warnings)
        system.groups["bert"] = (70008, set())
        with pytest.raises(Refusal, match="groupdel didn't delete bert"):
            account_steps.delete_group(system, "bert", 70008)
    assert kept(system).made_groups == {"fresh": 99999}
    run(system, opaque(3, given=False))
    assert ("fresh" in system.groups, kept(system).made_groups) == (False, {})


def test_group_made_in_vain_goes_again_and_keeps_its_number(system: MemorySystem):
    """An opening is all or nothing; tried for ever it doesn't use up the numbers."""
    sshd = Sshd()
    sshd.refuses = True
    for sequence in (1, 2):
        run(system, opaque(sequence), sshd)
        assert ("fresh" in system.groups, kept(system).made_groups) == (False, {"fresh": 99999})
    run(system, opaque(3, given=False))
    assert (kept(system).made_groups, kept(system).retired_gids) == ({}, (99999,))


def test_group_that_somebody_makes_meanwhile_is_not_ours(system: MemorySystem):
    """Another number proves it: the run fails, the next one gives it as one from before, and leaves it."""

    def come_between() -> None:
        if "fresh" in kept(system).made_groups:
            system.groups.setdefault("fresh", (2010, set()))

    system.watch = come_between
    first = run(system, opaque(1))["answer"]["accounts"]["alice"]
    assert first["code"] == "group_foreign"
    system.watch = lambda: None
    assert run(system, opaque(2))["failed"] is False
    assert system.groups["fresh"] == (2010, {"alice"})
    run(system, opaque(3, given=False))
    assert (system.groups["fresh"], kept(system).made_groups) == ((2010, set()), {})


def test_member_that_comes_while_it_is_to_go_keeps_it(system: MemorySystem):
    """The host is looked at again at the last moment; it stays ours until the next run has decided."""
    run(system, opaque(1))
    system.watch = lambda: system.groups["fresh"][1].add("olaf")
    answer = run(system, opaque(2, given=False))["answer"]
    assert any("olaf is in it" in warning for warning in answer["warnings"])
    assert (system.groups["fresh"], kept(system).made_groups) == ((99999, {"olaf"}), {"fresh": 99999})


def test_removal_that_fails_is_told_and_tried_again(system: MemorySystem):
    """A broken tool leaves the group ours."""
    run(system, opaque(1))
    system.broken = {"groupdel"}
    answer = run(system, opaque(2, given=False))["answer"]
    assert any("the next run tries again" in warning for warning in answer["warnings"])
    system.broken = set()
    run(system, opaque(3, given=False))
    assert ("fresh" in system.groups, kept(system).retired_gids) == (False, (99999,))


def test_deadline_takes_the_membership_and_the_next_wave_the_group(system: MemorySystem):
    """The host closes by itself and never removes."""
    run(system, opaque(1))
    system.now = END + 1
    with in_memory(system):
        tick.tick(system)
    assert system.groups["fresh"] == (99999, set())
    run(system, opaque(2, given=False))
    assert ("fresh" in system.groups, kept(system).made_groups) == (False, {})


def test_persons_name_never_becomes_a_group(system: MemorySystem):
    """It would be that person's private group."""
    answer = run(system, opaque(1, group="alice"))["answer"]["accounts"]["alice"]
    assert (answer["state"], answer["code"]) == ("refused", "name_reserved")


def test_group_stays_while_its_number_is_looked_for(system: MemorySystem):
    """Processes that don't end may have it: the run that comes back to them finds the number by the name."""
    run(system, opaque(1))
    system.log_in("alice")
    with in_memory(system), pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "end_all", lambda _system, _uids, _limit: {"alice": [4711]})
        converge(system, opaque(2, given=False), now=NOW)
    assert kept(system).made_groups == {"fresh": 99999}
    run(system, opaque(3, given=False))
    assert ("fresh" in system.groups, kept(system).made_groups) == (False, {})


@pytest.mark.parametrize("ended", [False, True])
def test_off_boarding_takes_the_groups_too(system: MemorySystem, ended: bool):
    """Also those whose last grant the host ended by itself, and whose people were removed."""
    run(system, opaque(1))
    if ended:
        system.broken = {"groupdel"}
        run(system, opaque(2, given=False))
        system.broken = set()
    with in_memory(system):
        leaving._remove_accounts(system, kept(system), keep_homes=True)
    assert ("fresh" in system.groups, kept(system).accounts) == (False, {})


def test_off_boarding_stops_where_a_group_is_left(system: MemorySystem):
    """The record stays, so that the next try finds it."""
    run(system, opaque(1))
    system.broken = {"groupdel"}
    with in_memory(system), pytest.raises(Refusal) as caught:
        leaving._remove_accounts(system, kept(system), keep_homes=True)
    assert caught.value.code == "groups_left"


def test_ledger_of_a_host_without_such_groups_is_as_it_was(system: MemorySystem):
    """And one with them comes back as it was written."""
    assert b"made_groups" not in ledger_file.serialise(kept(system))
    full = kept(system)._replace(made_groups={"fresh": 99999}, retired_gids=(99998,))
    assert ledger_file.parse(ledger_file.serialise(full)) == full


@pytest.mark.parametrize("groups", [{"fresh": 0}, {"fresh": 2000}, {"-f": 99999}, {"fresh": "99999"}])
def test_ledger_with_a_group_that_is_never_ours_is_corrupt(system: MemorySystem, groups: dict[str, Any]):
    """Its names go to groupdel."""
    with pytest.raises(Refusal, match="group"):
        ledger_file.parse(ledger_file.serialise(kept(system)._replace(made_groups=groups)))
