"""The process on the host is killed at every single change, for each kind of change; then the next run comes.

One account made, closed or removed, with kills inside useradd and its family too, is in
`integration/accounts/test_order.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.accounts.managed_host import account, grant, stamp
from tests.integration.faults.breaking import ID_ONLY, UIDS, BreakingHost

LEDGER, COPY = "/var/lib/daypass/ledger.json", "/var/lib/daypass/ledger.copy"
WIDE = {"groups": ["team", "web"], "sudo": [{"run_as": "root", "commands": ["/usr/bin/id", "/usr/bin/who"]}]}
NARROW = {"groups": ["team"], "sudo": ID_ONLY}

People = dict[str, list[dict[str, Any]]]


def until(key: str, end: str, **more: Any) -> dict[str, Any]:
    """A grant with a fixed end."""
    return {**grant(key, **more), "not_after": end}


SOON, LATER = stamp(7200), stamp(3 * 86400)
# name: what people have, what the killed run is told, what is emptied before it.
KINDS: dict[str, tuple[People, People, tuple[str, ...]]] = {
    "narrowed": ({"alice": [until("G1", SOON, **WIDE)]}, {"alice": [until("G1", SOON, **NARROW)]}, ()),
    "widened": ({"alice": [until("G1", SOON, **NARROW)]}, {"alice": [until("G1", SOON, **WIDE)]}, ()),
    "extended": ({"alice": [until("G1", SOON, **NARROW)]}, {"alice": [until("G1", LATER, **NARROW)]}, ()),
    "shortened": ({"alice": [until("G1", LATER, **NARROW)]}, {"alice": [until("G1", SOON, **NARROW)]}, ()),
    "one of two ends": (
        {"alice": [until("G1", LATER, **WIDE), until("G2", SOON, **NARROW)]},
        {"alice": [until("G2", SOON, **NARROW)]},
        (),
    ),
    "one closes, another opens": (
        {"alice": [until("G1", SOON, **WIDE)], "bob": [until("G2", SOON, **NARROW)]},
        {"alice": [], "bob": [until("G2", SOON, **NARROW)], "carol": [until("G3", SOON, **WIDE)]},
        (),
    ),
    "rebuilt": (
        {"alice": [until("G1", SOON, **WIDE)], "bob": [until("G2", SOON, **NARROW)]},
        {"alice": [until("G1", SOON, **NARROW)], "bob": []},
        (LEDGER,),
    ),
}


def document(host: BreakingHost, wanted: People, **changes: Any) -> str:
    """The next document with these people."""
    return host.document(
        *(account(login, UIDS[login], *grants, **changes) for login, grants in wanted.items())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_change_that_was_cut_off(host: BreakingHost, kind: str):
    """Right after the kill nobody has more than before or than wanted; the next run ends as if unkilled."""
    start, end, broken = KINDS[kind]
    first, second = document(host, start), document(host, end)
    found = host.kill_loop(
        people=UIDS,
        start=[first],
        killed=second,
        next=[second],
        expect="same",
        inside_step=0,
        **{"break": broken},
    )
    assert (found["failures"], found["kills"] > 3) == ([], True)


@pytest.mark.parametrize("policy", ["delete", "keep"])
def test_removal_that_was_cut_off(host: BreakingHost, policy: str):
    """Whatever becomes of the home, the next run finishes the removal."""
    start = [document(host, {"alice": [grant("G1")]}), document(host, {"alice": []})]
    removal = document(host, {"alice": []}, remove=True, home_on_removal=policy)
    found = host.kill_loop(
        people=UIDS, start=start, killed=removal, next=[removal], expect="same", inside_step=0
    )
    assert (found["failures"], found["kills"] > 3) == ([], True)


@pytest.mark.parametrize("emptied", [(), (LEDGER, COPY)], ids=["handed over", "begun anew"])
def test_take_over_that_was_cut_off(
    host: BreakingHost, monkeypatch: pytest.MonkeyPatch, emptied: tuple[str, ...]
):
    """Another orchestrator's host, or one whose ledger is gone: repeated, it ends as if unkilled."""
    start = document(host, {"alice": [until("G1", SOON, **WIDE)], "bob": [until("G2", SOON, **NARROW)]})
    step, first = new_owner(host, monkeypatch)
    found = host.kill_loop(
        people=UIDS,
        start=[start],
        killed=step,
        next=[step, first],
        expect="same",
        inside_step=0,
        **{"break": emptied},
    )
    assert (found["failures"], found["kills"] > 3) == ([], True)


def test_first_document_after_a_take_over_that_was_cut_off(
    host: BreakingHost, monkeypatch: pytest.MonkeyPatch
):
    """What was given before the take-over ends with it, killed or not."""
    start = document(host, {"alice": [until("G1", SOON, **WIDE)], "bob": [until("G2", SOON, **NARROW)]})
    step, first = new_owner(host, monkeypatch)
    found = host.kill_loop(
        people=UIDS, start=[start, step], killed=first, next=[first], expect="same", inside_step=0
    )
    assert (found["failures"], found["kills"] > 3) == ([], True)


def new_owner(host: BreakingHost, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """The take-over by another orchestrator, and its first document: alice has less, bob isn't in it."""
    monkeypatch.setattr(host, "orchestrator_id", "e" * 32)
    ids = {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id}
    people = [account("alice", UIDS["alice"], until("G8", SOON, **NARROW)), account("carol", UIDS["carol"])]
    return {"take_over": ids}, host.document(*people, sequence=1)
