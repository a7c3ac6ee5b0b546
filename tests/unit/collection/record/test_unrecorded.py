"""What has no deadline on the host isn't opened, and isn't noted as open either; endings are noted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import UNRECORDED_PATH, Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import timer
from ansible_collections.daypass.ssh.plugins.module_utils.program import installing
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger_file, unrecorded
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from tests.memory_system import Killed, MemorySystem, in_memory
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
PROGRAM = installing.Program("f" * 64, installed=False)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemorySystem]:
    """An onboarded host on which our program can't be written."""

    def refuse(*_any: object) -> None:
        raise Refusal("program_unwritable", "read-only")

    monkeypatch.setattr(installing, "install", refuse)
    monkeypatch.setattr(timer, "arm", lambda *_any: None)
    system = MemorySystem()
    ledger_file.write_ledger(system, empty_ledger())
    system.effects.clear()
    with in_memory(system):
        yield system


def wave(host: MemorySystem, sequence: int, *grants: str, program: installing.Program | None) -> dict:
    """The answer to a document in which alice has these grants."""
    given = [
        {"id": key, "principals": [f"daypass-{key}-1"], "groups": [], "not_after": "2026-11-18T12:06:40Z"}
        for key in grants
    ]
    alice = {"name": "alice", "uid": 70007, "comment": "alice@example.com", "shell": "/bin/bash"}
    opaque = full_document(sequence, [{**alice, "grants": given}])
    return converge(host, opaque, now=NOW, program=program)["answer"]


def test_account_that_wasnt_opened_isnt_in_the_ledger(host: MemorySystem):
    """Without the program nothing would end access in time: refused, and the ledger names no such account."""
    told = wave(host, 1, "G1", program=PROGRAM)
    assert (told["code"], told["accounts"]["alice"]["state"]) == ("program_unwritable", "refused")
    assert "alice" not in host.users
    assert ledger_file.read_ledger(host).accounts == {}


def test_grant_that_wasnt_added_isnt_in_the_ledger(host: MemorySystem):
    """A grant beside another stays out of the record until it is in place."""
    wave(host, 1, "G1", program=None)
    wave(host, 2, "G1", "G2", program=PROGRAM)
    assert set(ledger_file.read_ledger(host).accounts["alice"].grants) == {"G1"}
    assert wave(host, 2, "G1", "G2", program=None)["accounts"]["alice"]["grants"] == ["G1", "G2"]


def test_closing_is_recorded_where_the_ledger_can_be_written(host: MemorySystem):
    """What was carried out is proven, so the next tick doesn't end anybody's sessions once more."""
    wave(host, 1, "G1", "G2", program=None)
    wave(host, 2, "G1", program=PROGRAM)
    alice = ledger_file.read_ledger(host).accounts["alice"]
    assert (alice.pending, set(alice.grants)) == ("", {"G1"})


def test_home_of_somebody_who_worked_is_never_a_half_made_one(host: MemorySystem):
    """Opened and not yet recorded, then shut on a full disk: the account was somebody's, and stays."""
    host.die = (5, "after")  # the key file is there, and the record doesn't say so yet
    with pytest.raises(Killed):
        wave(host, 1, "G1", program=None)
    host.die = None
    assert host.log_in("alice")
    host.full = True
    told = wave(host, 2, program=None)
    assert (told["code"], host.rights("alice").keys, host.running) == ("ledger_unwritable", frozenset(), {})
    host.full = False
    told = wave(host, 3, "G2", program=None)
    assert told["accounts"]["alice"]["grants"] == ["G2"]
    assert not any("userdel" in detail for _kind, detail in host.effects)
    assert host.homes == {"/home/alice": 70007}


def test_revocation_on_a_full_disk_holds_against_the_document_from_before(host: MemorySystem):
    """Which document was followed is noted where nothing else can be: the one from before opens nothing."""
    wave(host, 1, "G1", program=None)
    host.full = True
    assert wave(host, 2, program=None)["code"] == "ledger_unwritable"
    host.full = False
    assert wave(host, 1, "G1", program=None)["status"] == "stale"
    assert host.rights("alice").keys == frozenset()
    assert wave(host, 2, program=None)["status"] == "converged"


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"sequence": "9"}', b"\0" * 512])
def test_note_that_says_nothing_changes_nothing(host: MemorySystem, text: bytes):
    """It can only add to what the ledger says, and only on the host that it names."""
    before = ledger_file.read_ledger(host)
    assert before is not None
    host.files[UNRECORDED_PATH] = text
    assert unrecorded.with_unrecorded(host, before) == before
    other = before._replace(host_id="c" * 32, sequence=9, last_seen=NOW + 9)
    host.files[UNRECORDED_PATH] = bytes(unrecorded.SIZE)
    unrecorded.note(host, other)
    assert unrecorded.with_unrecorded(host, before) == before
    assert unrecorded.with_unrecorded(host, other._replace(sequence=1, last_seen=0)) == other
    assert len(host.files[UNRECORDED_PATH]) == unrecorded.SIZE
