"""Numbers for groups that hosts make."""

from __future__ import annotations

from ansible_collections.daypass.ssh.plugins.module_utils.facts import free_gids, nss


def test_numbers_come_from_the_end_of_our_range_and_are_nobodys():
    """Not held, not in a subordinate range, not given before; some to spare."""
    found = free_gids.some({"ops"}, {99999, 99997}, [("eve", 99990, 99996)])
    assert found[:3] == (99998, 99989, 99988)
    assert len(found) == 1 + free_gids.SPARE


def test_nothing_is_looked_for_where_no_group_is_to_be_made():
    """Most runs make none."""
    assert free_gids.some((), set(), []) == ()


def test_number_that_a_directory_has_is_not_free():
    """And none is, where no source could be asked."""
    assert free_gids.unknown((99999, 99998, 99997), nss.Known({}, {99999: "x"}, {}, {99998: "y"})) == (99997,)
    assert free_gids.unknown((99999,), None) == ()
