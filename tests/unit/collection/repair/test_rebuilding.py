"""A ledger that can't be read: what is rebuilt, from what, and what never happens because of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import (
    LEDGER_COPY_PATH,
    LEDGER_PATH,
    Refusal,
)
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.repair import rebuilding
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from tests.memory_system import MemorySystem, User, in_memory
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
BROKEN = [b"", b"{", b"\0" * 4096, b"[]", b'{"version": 1}', b'{"version": "1", "accounts": 7}', b"\xff\xfe"]


@pytest.fixture
def host() -> Iterator[MemorySystem]:
    """A host that was onboarded."""
    system = MemorySystem()
    ledger_file.write_ledger(system, empty_ledger())
    with in_memory(system):
        yield system


def wave(host: MemorySystem, sequence: int, *accounts: dict, check: bool = False) -> dict:
    """The answer to a document with these accounts and no others."""
    return converge(host, full_document(sequence, accounts), now=NOW, check=check)["answer"]


def person(name: str, uid: int, *grants: dict, **changes) -> dict:
    """An account of a document."""
    plain = {"name": name, "uid": uid, "comment": f"{name}@example.com", "shell": "/bin/bash"}
    return {**plain, "grants": list(grants), **changes}


def grant(grant_id: str, *groups: str) -> dict:
    """A grant for an hour."""
    until = "2026-11-18T12:06:40Z"
    return {
        "id": grant_id,
        "principals": [f"daypass-{grant_id}-1"],
        "groups": list(groups),
        "not_after": until,
    }


def aside(host: MemorySystem) -> list[str]:
    """What was set aside."""
    return [path for path in host.files if "corrupt" in path]


@pytest.mark.parametrize("content", BROKEN)
def test_broken_ledger_is_rebuilt_from_its_copy(host: MemorySystem, content: bytes):
    """Ids, sequence, grants, all of it is as it was; the broken file is kept, and the answer says so once."""
    wave(host, 1, person("alice", 70007, grant("G1", "ops")))
    before = ledger_file.read_ledger(host)
    host.files[LEDGER_PATH] = content
    told = wave(host, 1, person("alice", 70007, grant("G1", "ops")))
    assert ledger_file.read_ledger(host) == before
    assert (told["status"], told["accounts"]["alice"]["grants"]) == ("converged", ["G1"])
    assert "rebuilt from its copy" in told["rebuilt"]
    assert [host.files[path] for path in aside(host)] == [content]
    assert wave(host, 2, person("alice", 70007, grant("G1", "ops")))["rebuilt"] is None


def test_lost_ledger_is_rebuilt_too(host: MemorySystem):
    """A ledger that is gone while its copy is there wasn't taken away by us."""
    wave(host, 4, person("alice", 70007, grant("G1")))
    del host.files[LEDGER_PATH]
    assert "was gone" in wave(host, 5, person("alice", 70007))["rebuilt"]
    assert host.rights("alice").keys == frozenset()


def test_late_old_document_opens_nothing_after_a_rebuilding(host: MemorySystem):
    """The copy is never behind: what a newer document closed can't come back through an older one."""
    for sequence, grants in ((1, [grant("G1")]), (5, [])):
        wave(host, sequence, person("alice", 70007, *grants))
    host.files[LEDGER_PATH] = b""
    for sequence in (2, 3, 4):
        assert wave(host, sequence, person("alice", 70007, grant("G1")))["status"] == "stale"
        assert host.rights("alice").keys == frozenset()


def test_copy_is_written_first(host: MemorySystem):
    """Killed between the two writes, the copy is ahead and never behind."""
    host.effects.clear()
    ledger_file.write_ledger(host, ledger.new_ledger(None, None, None, (9, 2), "apono"))
    assert host.effects == [("write", LEDGER_COPY_PATH), ("write", LEDGER_PATH)]


def test_account_that_only_the_host_knows_is_closed(host: MemorySystem):
    """In our group, with our numbers and a private group: ours. It is shut, and nothing of it is removed."""
    host.users["carol"] = User(70012, 70012, "changed by chfn", "/home/carol", "/bin/sh", "*", 30000)
    host.groups["carol"] = (70012, set())
    for group in ("daypass", "ops"):
        host.groups[group][1].add("carol")
    host.files[f"{names.KEYS_FOLDER}/carol"] = b'principals="daypass-X-1",expiry-time="20990101000000Z" x'
    host.homes["/home/carol"] = 70012
    host.files[LEDGER_PATH] = b"?"
    answer = wave(host, 1)
    assert answer["accounts"]["carol"]["state"] == "closed"
    rights = host.rights("carol")
    assert (rights.keys, rights.groups, rights.day) == (frozenset(), frozenset(), 1)
    assert (host.homes, host.users["carol"].uid) == ({"/home/carol": 70012}, 70012)


@pytest.mark.parametrize(
    "change",
    [
        {"uid": 1000, "gid": 1000},
        {"gid": 100},
        {"uid": 100000, "gid": 100000},
    ],
    ids=["ordinary uid", "another primary group", "beyond our range"],
)
def test_account_that_nothing_proves_to_be_ours_isnt_touched(host: MemorySystem, change: dict):
    """Membership alone proves nothing: anybody's account may have been put into the group."""
    whole = {"uid": 70012, "gid": 70012, **change}
    host.users["olaf"] = User(whole["uid"], whole["gid"], "Olaf", "/home/olaf", "/bin/sh", "$y$secret", -1)
    host.groups["olaf"] = (whole["gid"], set())
    host.groups["daypass"][1].add("olaf")
    before = host.users["olaf"]
    host.files[LEDGER_PATH] = b"?"
    assert "olaf" not in wave(host, 1)["accounts"]
    assert host.users["olaf"] == before


@pytest.mark.parametrize("copy", [b"?", None], ids=["broken", "gone"])
def test_without_a_copy_nothing_is_opened_and_named_closings_happen(host: MemorySystem, copy: bytes | None):
    """The document's own closings, where they are provably ours; the rest waits for a person."""
    wave(host, 1, person("alice", 70007, grant("G1")), person("bob", 70008, grant("G2")))
    host.files[LEDGER_PATH] = b"?"
    del host.files[LEDGER_COPY_PATH]
    if copy is not None:
        host.files[LEDGER_COPY_PATH] = copy
    told = wave(host, 2, person("alice", 70007), person("carol", 70009, grant("G3")))
    assert (told["status"], told["code"]) == ("refused", "ledger_corrupt")
    assert "take-over" in told["hint"]
    assert [bool(host.rights(login).keys) for login in ("alice", "bob")] == [False, True]
    assert "carol" not in host.users
    assert (host.files[LEDGER_PATH], aside(host)) == (b"?", [])


def test_take_over_begins_anew_where_nothing_is_left(host: MemorySystem):
    """Onboarding goes on with a new ledger; accounts that came from us are in it, to be closed."""
    wave(host, 1, person("alice", 70007, grant("G1")))
    for path in (LEDGER_PATH, LEDGER_COPY_PATH):
        host.files[path] = b"?"
    with pytest.raises(Refusal, match="copy"):
        rebuilding.read_for_onboarding(host, take_over=False)
    assert rebuilding.read_for_onboarding(host, take_over=True) is None
    fresh = empty_ledger()
    found = rebuilding.with_accounts_of_host(host, fresh).accounts["alice"]
    assert (found.uid, found.pending, found.grants, found.home_on_removal) == (70007, "close", {}, "keep")


def test_newer_ledger_is_left_alone(host: MemorySystem):
    """What a later version wrote isn't broken; its copy isn't taken for it."""
    wave(host, 1, person("alice", 70007, grant("G1")))
    newer = host.files[LEDGER_PATH].replace(b'"version":1', b'"version":2')
    host.files[LEDGER_PATH] = newer
    told = wave(host, 2, person("alice", 70007, grant("G1"), grant("G2")))
    assert (told["status"], told["code"]) == ("refused", "ledger_newer")
    assert (host.files[LEDGER_PATH], aside(host)) == (newer, [])
    assert {end[0] for end in host.rights("alice").keys} == {"daypass-G1-1"}


def test_check_mode_rebuilds_nothing(host: MemorySystem):
    """What would be rebuilt is told, and the host stays as it is."""
    wave(host, 1, person("alice", 70007, grant("G1")))
    host.files[LEDGER_PATH] = b"?"
    before = dict(host.files)
    assert "rebuilt" in wave(host, 2, person("alice", 70007), check=True)["rebuilt"]
    assert host.files == before


def test_full_disk_still_closes_with_what_the_copy_says(host: MemorySystem, monkeypatch: pytest.MonkeyPatch):
    """Nothing can be written and nothing set aside: closings need neither."""
    wave(host, 1, person("alice", 70007, grant("G1", "ops")))
    host.files[LEDGER_PATH] = b"?"
    host.full = True

    def read_only(_old: str, _new: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(host, "rename", read_only)
    told = wave(host, 2, person("alice", 70007), person("bob", 70008, grant("G2")))
    assert (told["code"], told["accounts"]["alice"]["state"]) == ("ledger_unwritable", "closed")
    assert "bob" not in host.users


def test_few_broken_ones_are_kept(host: MemorySystem):
    """A ledger that breaks again and again doesn't fill the disk."""
    for number in range(6):
        host.files[LEDGER_PATH] = b"?"
        rebuilding.read_or_rebuild(host, NOW + number)
    assert len(aside(host)) == rebuilding.ASIDE_KEPT
    assert max(aside(host)).endswith("T110645Z")


def test_ledger_without_words_on_a_rebuilding_is_read():
    """One that was written before such words were kept is as good as any."""
    whole = ledger_file.serialise(ledger.new_ledger(None, None, None, (9, 2), "apono"))
    assert ledger_file.parse(whole.replace(b'"rebuilt":"",', b"")).rebuilt == ""


@pytest.mark.parametrize("field", ["host_id", "connector", "ca_keys", "digest"])
def test_wrong_types_are_corrupt(field: str):
    """A number where a text belongs would mislead later, far from here."""
    kept = empty_ledger()
    whole = ledger_file.serialise(kept._replace(**{field: [7] if field == "ca_keys" else 7}))
    with pytest.raises(Refusal) as caught:
        ledger_file.parse(whole)
    assert caught.value.code == "ledger_corrupt"
