"""Which hosts and addresses a lab gets."""

from __future__ import annotations

import pytest

from lab import model, plan
from lab.errors import LabError
from lab.model import Host, Kind
from lab.state import Record


def wanted(count: int, **changes: object) -> plan.Wanted:
    values: dict[str, object] = {
        "lab": "tests", "prefix": "web", "count": count, "image": "debian12", "kind": Kind.LIGHT
    }  # fmt: skip
    return plan.Wanted(**{**values, **changes})


def seed(name: str, listen: str) -> str:
    return f"ssh-ed25519 {name}"


def extend(before: Record, asked: plan.Wanted, others: tuple[int, ...] = ()) -> Record:
    return plan.extend(before, asked, others, seed)


def test_new_lab_takes_the_lowest_block_that_no_other_lab_has():
    """Labs never share a block of addresses."""
    record = extend(Record("tests"), wanted(2), others=(0, 1, 3))
    assert record.blocks == (2,)
    assert [(host.name, host.address) for host in record.hosts] == [
        ("web-1", "127.77.2.1"),
        ("web-2", "127.77.2.2"),
    ]


def test_larger_count_keeps_the_hosts_that_are_there():
    """`up` again adds hosts and changes none."""
    before = extend(Record("tests"), wanted(2))
    after = extend(before, wanted(4))
    assert after.hosts[:2] == before.hosts
    assert [host.name for host in after.hosts[2:]] == ["web-3", "web-4"]


def test_smaller_count_removes_nothing():
    """`up` never takes a host away."""
    before = extend(Record("tests"), wanted(3))
    assert extend(before, wanted(1)) == before


def test_full_block_gets_another_one_that_is_free():
    """A lab may have more hosts than one block holds."""
    record = extend(Record("tests"), wanted(model.BLOCK_SIZE + 1), others=(1,))
    assert record.blocks == (0, 2)
    assert record.hosts[-1].address == "127.77.2.1"
    assert len({host.address for host in record.hosts}) == model.BLOCK_SIZE + 1


def test_other_prefix_gets_other_addresses_of_the_same_block():
    """Hosts of several prefixes live in one lab."""
    before = extend(Record("tests"), wanted(2))
    after = extend(before, wanted(1, prefix="db", image="debian13", kind=Kind.FULL))
    assert after.hosts[-1] == Host("db-1", "127.77.0.3", 22, "debian13", Kind.FULL, "db", "ssh-ed25519 db-1")


@pytest.mark.parametrize("changes", [{"image": "debian13"}, {"kind": Kind.FULL}])
def test_host_of_another_image_or_kind_is_refused(changes: dict[str, object]):
    """`up` doesn't quietly hand out a host that isn't what was asked for."""
    before = extend(Record("tests"), wanted(1))
    with pytest.raises(LabError) as refused:
        extend(before, wanted(1, **changes))
    assert refused.value.code == "host_differs"


def test_all_blocks_taken_is_refused():
    """The lab never leaves 127.77.0.0/16."""
    with pytest.raises(LabError) as refused:
        extend(Record("tests"), wanted(1), others=tuple(range(model.BLOCKS)))
    assert refused.value.code == "no_addresses"


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a b", "../x", "a\n", "é", "a" * 41])
def test_name_that_is_no_host_name_is_refused(name: str):
    """Names become host names, container names and folders."""
    with pytest.raises(LabError) as refused:
        plan.check(wanted(1, lab=name))
    assert refused.value.code == "bad_name"
    with pytest.raises(LabError):
        plan.check(wanted(1, prefix=name))


@pytest.mark.parametrize("count", [0, -1, plan.COUNT_LIMIT + 1])
def test_count_out_of_range_is_refused(count: int):
    """A lab has at least one host."""
    with pytest.raises(LabError) as refused:
        plan.check(wanted(count))
    assert refused.value.code == "bad_count"


def test_unknown_image_is_refused():
    """Only images with a recipe exist."""
    with pytest.raises(LabError) as refused:
        plan.check(wanted(1, image="debian11"))
    assert refused.value.code == "unknown_image"
