"""Every way to tamper with the log, and what finds it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.audit.anchor import read_anchor, write_anchor
from daypass.audit.verifying import Report, verify, verify_store
from daypass.domain.events import GENESIS_HASH, Event, event_hash
from daypass.errors import AuditError
from daypass.store import AuditHead, Store
from tests.fakes import new_store

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
COUNT = 5


def chain(count: int = COUNT, actor: str = "operator:test") -> list[Event]:
    events: list[Event] = []
    for number in range(1, count + 1):
        previous = events[-1].hash if events else GENESIS_HASH
        fields = (
            NOW + timedelta(seconds=number),
            actor,
            "grant.recorded",
            f"G{number}",
            {"n": number},
            previous,
        )
        events.append(Event(number, *fields, event_hash(number, *fields)))
    return events


def head_of(events: list[Event]) -> AuditHead:
    return AuditHead(events[-1].number, events[-1].hash)


def rehashed(event: Event, **changes: object) -> Event:
    """An event that was altered by somebody who also computes its own hash anew."""
    changed = replace(event, **changes)
    fields = (changed.actor, changed.kind, changed.subject, changed.details, changed.previous_hash)
    return replace(changed, hash=event_hash(changed.number, changed.at, *fields))


def altered(position: int, **changes: object) -> list[Event]:
    events = chain()
    return [*events[:position], replace(events[position], **changes), *events[position + 1 :]]


def without(*positions: int) -> list[Event]:
    return [event for position, event in enumerate(chain()) if position not in positions]


def swapped() -> list[Event]:
    first, second, third, *rest = chain()
    return [first, third, second, *rest]


def renumbered_after_a_cut() -> list[Event]:
    first, _cut, *rest = chain()
    return [first, *(rehashed(event, number=event.number - 1) for event in rest)]


TAMPERED = {
    "actor": (altered(2, actor="nobody"), 2),
    "time": (altered(2, at=NOW), 2),
    "kind": (altered(2, kind="x"), 2),
    "subject": (altered(2, subject="x"), 2),
    "details": (altered(2, details={"n": 4}), 2),
    "hash": (altered(2, hash="f" * 64), 2),
    "previous hash": (altered(2, previous_hash="f" * 64), 2),
    "details of odd type": (altered(2, details={"n": object()}), 2),
    "details and hash": ([*chain()[:2], rehashed(chain()[2], details={}), *chain()[3:]], 3),
    "first event": (altered(0, actor="nobody"), 0),
    "last event": (altered(COUNT - 1, actor="nobody"), COUNT - 1),
    "cut out": (without(2), 2),
    "cut at the beginning": (without(0), 0),
    "cut out and renumbered": (renumbered_after_a_cut(), 1),
    "reordered": (swapped(), 1),
    "doubled": ([*chain()[:2], chain()[1], *chain()[2:]], 2),
}


def test_untouched_log_is_whole():
    """All events, and everything that is known from elsewhere, agree."""
    events = chain()
    report = verify(events, anchor=head_of(events), head=head_of(events), expect=events[1].hash)
    assert report == Report(COUNT, head_of(events), ())
    assert report.whole


def test_empty_log_is_whole():
    """Before the first event there is nothing to prove."""
    nothing = AuditHead(0, GENESIS_HASH)
    assert verify([], anchor=nothing, head=nothing).whole
    assert verify([], anchor=None).whole


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_found_at_its_place(what):
    """Altered, moved, cut out, doubled: the last event that holds is the one before."""
    events, holds = TAMPERED[what]
    report = verify(events)
    assert not report.whole
    assert report.checked == holds
    assert len(report.problems) == 1


@pytest.mark.parametrize("left", range(COUNT))
def test_cut_tail_is_found_by_the_anchor(left):
    """Whoever cuts the end off can set the store's own head back too, but not the anchor."""
    events = chain()[:left]
    head = head_of(events) if events else AuditHead(0, GENESIS_HASH)
    assert verify(events, head=head).whole
    [problem] = verify(events, head=head, anchor=head_of(chain())).problems
    assert f"ends at event {left}" in problem


def test_cut_tail_is_found_by_the_stores_head():
    """Deleting the last rows alone doesn't even need the anchor."""
    [problem] = verify(chain()[:3], head=head_of(chain())).problems
    assert "ends at event 3" in problem


@pytest.mark.parametrize("count", [COUNT, COUNT + 3])
def test_log_that_was_written_anew_is_found_by_the_anchor(count):
    """A whole new chain is consistent in itself, but it isn't the one that was anchored."""
    forged = chain(count, actor="nobody")
    [problem] = verify(forged, head=head_of(forged), anchor=head_of(chain())).problems
    assert "written anew" in problem


def test_anchor_may_lag_behind():
    """It is written after the commit; a process may be killed in between."""
    events = chain()
    assert verify(events, anchor=head_of(events[:3]), head=head_of(events)).whole


def test_anchored_hash_must_stand_at_its_number():
    """The right hash at another place is another log."""
    events = chain()
    assert not verify(events, anchor=AuditHead(2, events[2].hash)).whole


@pytest.mark.parametrize("expect", ["f" * 64, "", "x"])
def test_hash_that_somebody_noted_must_be_there(expect):
    """`--expect HASH`: a note on paper is an anchor too."""
    [problem] = verify(chain(), expect=expect).problems
    assert "no event has the hash" in problem


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = new_store(tmp_path / "daypass.db")
    for number in range(COUNT):
        with made.write("operator:test", NOW) as work:
            work.append_event("grant.recorded", f"G{number}", {"groups": ("ops",), 1: None, "é": 0.5})
    return made


def test_log_in_the_store_is_whole_page_by_page(store: Store, monkeypatch):
    """What was appended is what is read, tuples, odd keys and all, over the edge of a page."""
    with store.read() as view:
        read = view.events
        monkeypatch.setattr(view, "events", lambda after=0: read(after, 2))
        report = verify_store(view, anchor=None)
    assert report.whole
    assert report.checked == COUNT


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET details = '{}' WHERE number = 3",
        "UPDATE events SET details = 'not json' WHERE number = 3",
        'UPDATE events SET details = \'{"a":2,"a":1}\' WHERE number = 3',
        "UPDATE events SET details = '[]' WHERE number = 3",
        "UPDATE events SET details = x'00ff' WHERE number = 3",
        "UPDATE events SET at = 'yesterday' WHERE number = 3",
        "UPDATE events SET at = 9223372036854775807 WHERE number = 3",
        "UPDATE events SET actor = x'00' WHERE number = 3",
        "UPDATE events SET hash = lower(hash) || ' ' WHERE number = 3",
        "DELETE FROM events WHERE number = 5",
        "UPDATE audit_head SET number = 4",
    ],
)
def test_row_that_was_changed_behind_the_triggers_is_found(store: Store, tmp_path, statement):
    """Whoever owns the file can drop the triggers; the finding is a report, never a crash."""
    with closing(sqlite3.connect(tmp_path / "daypass.db", isolation_level=None)) as connection:
        for trigger in ("events_no_update", "events_no_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
    with store.read() as view:
        report = verify_store(view, anchor=None)
    assert len(report.problems) == 1


def test_details_that_are_not_json_are_refused(store: Store):
    """What can't be read back the same can't be proven."""
    for details in ({"at": NOW}, {"n": float("nan")}):
        with pytest.raises(ValueError, match="JSON"), store.write("operator:test", NOW) as work:
            work.append_event("a", "b", details)


def test_anchor_is_private_and_comes_back(tmp_path):
    """Number and hash, 0600, nothing left beside it."""
    head = head_of(chain())
    write_anchor(tmp_path / "audit-head.json", head)
    write_anchor(tmp_path / "audit-head.json", head)
    assert read_anchor(tmp_path / "audit-head.json") == head
    assert [path.name for path in tmp_path.iterdir()] == ["audit-head.json"]
    assert (tmp_path / "audit-head.json").stat().st_mode & 0o777 == 0o600


def test_missing_anchor_is_none(tmp_path):
    """Before the first event there is no anchor."""
    assert read_anchor(tmp_path / "audit-head.json") is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", '{"number": 1, "hash": "short"}',
     json.dumps({"number": "1", "hash": "0" * 64}), json.dumps({"number": -1, "hash": "0" * 64}),
     json.dumps({"number": True, "hash": "0" * 64}), "x" * 2000],
)  # fmt: skip
def test_broken_anchor_is_an_error_not_a_missing_one(tmp_path, content):
    """Spoiling the anchor must not switch the check off."""
    (tmp_path / "audit-head.json").write_text(content)
    with pytest.raises(AuditError) as caught:
        read_anchor(tmp_path / "audit-head.json")
    assert caught.value.code == "anchor_unreadable"
