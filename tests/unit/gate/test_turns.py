"""Whose turn it is at the gate."""

from __future__ import annotations

from daypass.gate.turns import Turns, Verdict


def turns() -> Turns:
    return Turns(most_running=2, most_waiting=2, most_of_one=2, wait_seconds=60)


def test_who_comes_runs_waits_or_is_sent_away():
    """Two run, two wait, the next one is one too many."""
    made = turns()
    found = [made.come(ticket, f"person{ticket}", 0) for ticket in range(5)]
    assert found == [Verdict.GO, Verdict.GO, Verdict.WAIT, Verdict.WAIT, Verdict.TOO_MANY]


def test_those_who_wait_go_in_the_order_in_which_they_came():
    """And nobody who comes later goes before them."""
    made = turns()
    for ticket in range(3):
        made.come(ticket, f"person{ticket}", 0)
    made.leave(0)
    assert made.come(3, "late", 1) is Verdict.WAIT
    assert list(made.next()) == [2]
    made.leave(1)
    assert list(made.next()) == [3]
    assert list(made.next()) == []


def test_one_person_has_a_few_places_running_and_waiting_together():
    """What has ended, or went away while it waited, counts no more."""
    made = turns()
    assert made.come(1, "alice", 0) is Verdict.GO
    assert made.come(2, "bob", 0) is Verdict.GO
    assert made.come(3, "alice", 0) is Verdict.WAIT
    assert made.come(4, "alice", 0) is Verdict.TOO_MANY_OF_ONE
    made.leave(3)
    assert made.come(5, "alice", 0) is Verdict.WAIT


def test_nobody_waits_for_ever():
    """After its time a ticket is given up, and its place is free."""
    made = turns()
    for ticket in range(3):
        made.come(ticket, f"person{ticket}", ticket)
    assert made.overdue(61.9) == []
    assert made.overdue(62) == [2]
    made.leave(0)
    assert list(made.next()) == []
