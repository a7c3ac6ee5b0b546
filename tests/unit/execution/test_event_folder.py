"""Events come from the callback's files alone."""

from __future__ import annotations

import json
from pathlib import Path

from daypass.execution.event_folder import take_events


def event_file(folder: Path, name: str, *, created: int) -> None:
    event = {
        "event": name,
        "created": f"2026-11-22T10:00:00.{created:06}+00:00",
        "event_data": {"host": "web-1"},
    }
    (folder / f"5b0cd41f-0000-4000-8000-{9 - created:012}-partial.json").write_text(json.dumps(event))


def test_each_event_counts_once_and_in_order(tmp_path: Path) -> None:
    """Whatever the files are called, and whether one look finds them or two."""
    taken: list[object] = []
    for number, name in enumerate(["first", "second", "third"]):
        event_file(tmp_path, name, created=number)
    take_events(tmp_path, lambda event, details: taken.append((event, details)))
    event_file(tmp_path, "fourth", created=4)
    take_events(tmp_path, lambda event, details: taken.append((event, details)))
    assert taken == [(name, {"host": "web-1"}) for name in ("first", "second", "third", "fourth")]


def test_unfinished_damaged_and_foreign_files_are_no_events(tmp_path: Path) -> None:
    """A run isn't stopped by them; one that is still being written is taken when it is complete."""
    taken: list[object] = []
    (tmp_path / "1-partial.json").write_text("{")
    (tmp_path / "2-partial.json").write_text("[]")
    (tmp_path / "3-partial.json").write_bytes(b"\xff")
    (tmp_path / "4-partial.json.tmp").write_text('{"event": "early"}')
    take_events(tmp_path, lambda event, _details: taken.append(event))
    assert [event for event in taken if event is not None] == []
    (tmp_path / "4-partial.json.tmp").rename(tmp_path / "4-partial.json")
    take_events(tmp_path, lambda event, _details: taken.append(event))
    assert taken[-1] == "early"


def test_folder_that_is_not_there_yet_holds_no_events(tmp_path: Path) -> None:
    """The callback makes it with its first event."""
    take_events(tmp_path / "job_events", lambda _event, _details: 1 / 0)
