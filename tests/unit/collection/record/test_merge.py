"""Merging: what is wanted follows from ledger and document, whatever their order of arrival."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, json_text
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file, merge, rights

NOW = 1_795_000_000
EMPTY = ledger.new_ledger("a" * 32, "m" * 32, "b" * 32, (9, 2), "apono")


def wish(
    grants=(), absent=(), *, sequence=7, digest="d" * 64, exclusive=True, name="alice"
) -> document.Document:
    """A document with one account."""
    account = document.AccountWanted(
        name,
        70007,
        f"{name}@example.com",
        "/bin/bash",
        "refuse",
        "archive",
        None,
        False,
        tuple(grants),
        tuple(absent),
    )
    ids = ("a" * 32, "b" * 32) if sequence is not None else (None, None)
    return document.Document(*ids, sequence, exclusive, ("ca",), (account,), digest)


def grant(grant_id: str, end: int = NOW + 3600, groups=(), sudo=()) -> document.GrantWanted:
    """A present grant."""
    return document.GrantWanted(grant_id, (f"daypass-{grant_id}-1",), tuple(groups), 0, tuple(sudo), end)


def kept(one: document.GrantWanted, *, live: bool = True) -> ledger.LedgerGrant:
    """A grant as the ledger keeps it."""
    return ledger.LedgerGrant(one.principals, one.groups, one.sudo, one.warn_before, one.not_after, live)


def having(*grants: document.GrantWanted, base: ledger.Ledger = EMPTY) -> ledger.Ledger:
    """A ledger in which alice has these grants."""
    in_effect = {one.id: kept(one) for one in grants}
    entry = ledger.LedgerAccount(
        70007, "alice@example.com", "/bin/bash", "/home/alice", "archive", None, "", in_effect, (), None
    )
    return base._replace(accounts={"alice": entry})


def test_end_itself_is_outside():
    """Windows are half-open: at `not_after` the grant is gone."""
    wanted = merge.merge(EMPTY, wish([grant("G1", NOW), grant("G2", NOW + 1)]), NOW)
    assert set(wanted.accounts["alice"].grants) == {"G2"}


def test_same_sequence_with_other_content_is_a_conflict():
    """Equal sequence must mean equal content."""
    known = EMPTY._replace(sequence=7, digest="e" * 64)
    with pytest.raises(Refusal) as caught:
        merge.merge(known, wish([grant("G1")]), NOW)
    assert caught.value.code == "sequence_conflict"


def test_same_sequence_with_same_content_converges_again():
    """A wave that is repeated does no harm, and finishes what was cut off."""
    known = EMPTY._replace(sequence=7, digest="d" * 64)
    assert set(merge.merge(known, wish([grant("G1")]), NOW).accounts["alice"].grants) == {"G1"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("host_id", "c" * 32, "host_id_mismatch"),
        ("host_id", None, "host_id_mismatch"),
        ("orchestrator_id", "c" * 32, "orchestrator_mismatch"),
        ("sequence", None, "sequence_missing"),
    ],
)
def test_document_for_somebody_else_is_refused(field: str, value: object, code: str):
    """Another host's document, another orchestrator's, or one without the order that this host follows."""
    known = EMPTY._replace(sequence=5)
    with pytest.raises(Refusal) as caught:
        merge.check_address(known, wish()._replace(**{field: value}), "m" * 32)
    assert caught.value.code == code


def test_cloned_host_is_refused():
    """The ledger names the machine; on another machine it isn't that host's."""
    with pytest.raises(Refusal) as caught:
        merge.check_address(EMPTY, wish(), "n" * 32)
    assert caught.value.code == "machine_id_mismatch"


def test_ended_grant_leaves_a_tombstone_until_its_end():
    """A job that is launched again can't bring it back, and the stone goes when it could no longer matter."""
    local = EMPTY._replace(host_id=None, orchestrator_id=None)
    wanted = merge.merge(having(grant("G1"), base=local), wish(absent=["G1"], sequence=None), NOW)
    assert wanted.tombstones["G1"].until == NOW + 3600
    buried = having(base=local)._replace(tombstones=wanted.tombstones)
    again = merge.merge(buried, wish([grant("G1")], sequence=None), NOW)
    assert [one.code for one in again.accounts["alice"].refused] == ["grant_ended"]
    assert "G1" not in merge.merge(buried, wish(sequence=None), NOW + 3600).tombstones


GROUPS = st.lists(st.sampled_from(["ops", "web", "db"]), unique=True, max_size=3)
GRANTS = st.dictionaries(
    st.sampled_from(["G1", "G2", "G3", "G4"]),
    st.tuples(st.integers(NOW - 5, NOW + 5), GROUPS),
    max_size=4,
).map(lambda found: [grant(key, end, groups) for key, (end, groups) in found.items()])
ABSENT = st.lists(st.sampled_from(["G1", "G2", "G3", "G4"]), unique=True, max_size=4)


@given(before=GRANTS, after=GRANTS, now=st.integers(NOW - 6, NOW + 6))
def test_full_document_is_the_truth(before, after, now):
    """With a sequence the grants are exactly the listed ones that aren't over, and groups are their union."""
    wanted = merge.merge(having(*before), wish(after), now).accounts["alice"].grants
    due = [one for one in after if one.not_after > now]
    assert set(wanted) == {one.id for one in due}
    assert rights.groups_of(wanted) == {group for one in due for group in one.groups}


@given(before=GRANTS, after=GRANTS, absent=ABSENT, now=st.integers(NOW - 6, NOW + 6))
def test_stale_document_only_ends_what_it_names(before, after, absent, now):
    """A late document opens nothing, and closes nothing by leaving it out."""
    known = having(*before)._replace(sequence=8, digest="e" * 64)
    after = [one for one in after if one.id not in absent]
    wanted = merge.merge(known, wish(after, absent), now)
    due = {one.id for one in before if one.not_after > now}
    assert set(wanted.accounts["alice"].grants) == due - set(absent)
    assert (wanted.sequence, wanted.digest) == (8, "e" * 64)


@given(before=GRANTS, after=GRANTS, absent=ABSENT)
def test_without_sequence_others_stay(before, after, absent):
    """Listed grants are added or replaced, absent ones end, the rest is left alone."""
    local = EMPTY._replace(host_id=None, orchestrator_id=None)
    after = [one for one in after if one.id not in absent]
    wanted = merge.merge(having(*before, base=local), wish(after, absent, sequence=None), NOW - 6)
    assert set(wanted.accounts["alice"].grants) == ({one.id for one in before} - set(absent)) | {
        one.id for one in after
    }


@given(old=GRANTS, new=GRANTS)
def test_common_part_gives_no_more_than_either(old, new):
    """What an account keeps while it changes is in both the old and the new."""
    first = {one.id: kept(one) for one in old}
    second = {one.id: kept(one, live=False) for one in new}
    shared = rights.common(first, second)
    assert set(shared) == set(first) & set(second)
    for whole in (first, second):
        assert rights.groups_of(shared) <= rights.groups_of(whole)
        assert all(shared[key].not_after <= whole[key].not_after for key in shared)
    assert not rights.less_than(first, shared)


@given(grants=GRANTS)
def test_ledger_comes_back_as_it_was(grants):
    """What is written is what is read."""
    whole = having(*grants)._replace(tombstones={"G9": ledger.Tombstone(NOW, "ended")})
    assert ledger_file.parse(ledger_file.serialise(whole)) == whole


def test_ledger_written_twice_says_what_is_true_the_second_time():
    """What was rendered is used again for accounts that are the same; changed and new ones are rendered."""
    rendered: dict = {}
    first = having(grant("G1"))
    alice = first.accounts["alice"]
    first = first._replace(accounts={"carol": alice._replace(uid=70009), **first.accounts})
    ledger_file.serialise(first, rendered)
    shut = alice._replace(pending="close")
    for accounts in (first.accounts, {"bob": alice._replace(uid=70008), "alice": shut}):
        second = first._replace(accounts=accounts, sequence=8)
        content = ledger_file.serialise(second, rendered)
        assert content == ledger_file.serialise(second)
        assert ledger_file.parse(content) == second
        assert json_text.dumps(json_text.loads(content.decode())) + "\n" == content.decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version":1}',
        b"\xff",
        ledger_file.serialise(EMPTY)[:-20],
        b"[" * 100_000,
    ],
)
def test_broken_ledger_is_corrupt(content: bytes):
    """A ledger that can't be read whole isn't trusted in part."""
    with pytest.raises(Refusal) as caught:
        ledger_file.parse(content)
    assert caught.value.code == "ledger_corrupt"


def test_newer_ledger_is_left_alone():
    """An older program doesn't guess what a newer one meant."""
    with pytest.raises(Refusal) as caught:
        ledger_file.parse(b'{"version":2}')
    assert caught.value.code == "ledger_newer"


def test_ledger_with_a_system_uid_is_corrupt():
    """Uids of the ledger go into signals: one outside our range would end somebody else's processes."""
    content = ledger_file.serialise(having()).replace(b"70007", b"33")
    with pytest.raises(Refusal):
        ledger_file.parse(content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"principals":["daypass-G1-1"]', b'"principals":["daypass-G2-1"]'),
        (b'"principals":["daypass-G1-1"]', b'"principals":["\\ud800"]'),
        (b'"groups":["web"]', b'"groups":["we\\nb"]'),
        (b'"groups":["web"]', b'"groups":[7]'),
        (b'"sudo":[]', b'"sudo":[["root",["/bin/a\\nALL ALL=ALL"]]]'),
        (str(NOW + 3600).encode(), b"9" * 30),
        (b"70007", b"70007.5"),
    ],
)
def test_ledger_with_a_value_that_no_document_has_is_corrupt(old: bytes, new: bytes):
    """One value that can't be rendered would end the run before anybody is closed."""
    content = ledger_file.serialise(having(grant("G1", groups=["web"])))
    assert old in content
    with pytest.raises(Refusal) as caught:
        ledger_file.parse(content.replace(old, new))
    assert caught.value.code == "ledger_corrupt"


def test_person_is_retired_once():
    """An account that comes and goes (a canary at each onboarding) doesn't make the ledger grow."""
    first = ledger.Retired(70000, "dp-canary", "daypass canary", NOW, "")
    bob = ledger.Retired(70001, "bob", "bob@example.com", NOW, "")
    assert ledger.with_retired((first, bob), first._replace(at=NOW + 1)) == (bob, first._replace(at=NOW + 1))
