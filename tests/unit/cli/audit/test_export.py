"""`daypass audit export` by its words: where rows go, what is never overwritten, what goes beside them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.cli.audit.filters import as_past
from daypass.domain.grants import Grant, Share
from daypass.domain.windows import window_from
from daypass.errors import UsageError
from daypass.wiring import open_daypass
from tests.initialised import ONE_SERVER, initialised

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record with one grant."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    path = initialised(tmp_path, ONE_SERVER)
    window = window_from(NOW, timedelta(hours=1))
    grant = Grant("G1", "alice", "alice@example.com", "direct", "=1+1", "operator:test", window, NOW)
    with open_daypass(path) as opened, opened.seams.store.write("test", NOW) as work:
        work.add_grant(grant, [Share("G1", "web-1", "lab", "alice", (), (), window)])
        told = {"login": "alice", "flow": "direct", "reason": "=1+1", "servers": ["web-1"], "groups": []}
        work.append_event("grant.recorded", "G1", told)
    return path


def daypass(config: Path, *words: str | Path) -> Result:
    """Run the command with this configuration."""
    return CliRunner().invoke(main, [*map(str, words), "--config", str(config)])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rows_go_to_standard_output_and_remarks_beside_it(config):
    """What a program reads holds rows and nothing else."""
    done = daypass(config, "audit", "export")
    assert done.exit_code == 0
    (row,) = map(json.loads, done.stdout.splitlines())
    assert (row["grant"], row["grantee"], row["status"]) == ("G1", "alice", "approved")
    assert "1 row" in done.stderr
    assert "this export is event" in done.stderr


def test_json_output_does_not_change_the_rows(config):
    """`-o json` is how errors look; the rows have a format of their own."""
    rows = daypass(config, "audit", "export").stdout
    assert daypass(config, "audit", "export", "-o", "json").stdout == rows
    done = daypass(config, "audit", "export", "-o", "json", "--from", "soon")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "usage")


def test_file_is_private_and_comes_with_the_head_it_shows(config, tmp_path):
    """The head says which state of the log it was, the event in the log which file."""
    path = tmp_path / "rows.csv"
    before = os.umask(0)
    try:
        words = ("--format", "csv", "--output-file", path, "--to", "2026-12-01T00:00Z", "-o", "json")
        done = daypass(config, "audit", "export", *words)
    finally:
        os.umask(before)
    told = json.loads(done.stdout)
    head = json.loads((tmp_path / "rows.csv.head").read_text())
    assert (done.exit_code, told["rows"], told["file"]) == (0, 1, str(path))
    assert [mode_of(path), mode_of(tmp_path / "rows.csv.head")] == [0o600, 0o600]
    assert head["sha256"] == told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (head["head"], head["to"], head["verified"]) == (told["head"], "2026-12-01T00:00:00Z", True)
    assert "'=1+1" in path.read_text()
    event = json.loads(
        daypass(config, "audit", "list", "--after", str(head["event"] - 1), "-o", "json").stdout
    )[0]
    assert (event["kind"], event["details"]["sha256"]) == ("audit.exported", head["sha256"])
    assert event["details"]["head"] == head["head"]
    assert daypass(config, "audit", "verify", "--expect", head["head"]["hash"]).exit_code == 0


@pytest.mark.parametrize("there", ["rows", "rows.head"])
def test_file_that_is_there_stays_unless_forced(config, tmp_path, there):
    """An export isn't made, and not recorded, where it can't be put."""
    (tmp_path / there).write_text("precious")
    done = daypass(config, "audit", "export", "--output-file", tmp_path / "rows", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "file_exists")
    assert (tmp_path / there).read_text() == "precious"
    assert "audit.exported" not in daypass(config, "audit", "list").stdout
    assert daypass(config, "audit", "export", "--output-file", tmp_path / "rows", "--force").exit_code == 0
    assert "precious" not in (tmp_path / there).read_text()
    assert not list(tmp_path.glob(".rows*"))


def test_link_that_waits_at_the_name_is_not_followed(config, tmp_path):
    """A link to somewhere else is a file that is there; forced, the link gives way, not what it names."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "rows").symlink_to(tmp_path / "other")
    words = ("audit", "export", "--output-file", tmp_path / "rows")
    assert daypass(config, *words).exit_code == 2
    assert daypass(config, *words, "--force").exit_code == 0
    assert (tmp_path / "other").read_text() == "precious"
    assert not (tmp_path / "rows").is_symlink()


def test_refused_export_leaves_nothing_behind(config, tmp_path):
    """Half a file, or one that proves nothing, is no file."""
    with open_daypass(config) as opened, opened.seams.store.write("test", NOW) as work:
        grant = work.grant("G1")
        window = window_from(NOW, timedelta(hours=1))
        work.add_grant(Grant("G2", "bob", "", "direct", "", "x", window, NOW + timedelta(hours=1)), [])
        assert grant is not None
    done = daypass(config, "audit", "export", "--output-file", tmp_path / "rows")
    assert done.exit_code == 1
    assert "no event of the log has recorded the grant G2" in done.stderr
    assert not list(tmp_path.glob("*rows*"))
    done = daypass(config, "audit", "export")
    assert (done.exit_code, done.stdout) == (1, "")
    done = daypass(config, "audit", "export", "--unverified")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 2)
    assert "not verified" in done.stderr


def test_missing_folder_is_told_before_the_work(config, tmp_path):
    """A million rows aren't written for nothing."""
    done = daypass(config, "audit", "export", "--output-file", tmp_path / "missing" / "rows")
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("--person", "alice"), 1),
        (("--person", "bob"), 0),
        (("--server", "web-1"), 1),
        (("--server", "web-2"), 0),
        (("--from", "2026-11-22T10:00Z"), 1),
        (("--from", "2026-11-22T10:00:01Z"), 0),
        (("--to", "2026-11-22T09:00Z"), 0),
    ],
)
def test_filters_are_words(config, words, rows):
    """By person, server and time; one that finds nothing is no error."""
    done = daypass(config, "audit", "export", *words)
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, rows)


@pytest.mark.parametrize(
    "words",
    [("--from", "soon"), ("--to", "99999999d"), ("--from", "1d", "--to", "2d"), ("--person", "a@b.c")],
)
def test_odd_filters_are_refused(config, words):
    """Not a time, a period that ends before it begins, an address that nobody knows."""
    assert daypass(config, "audit", "export", *words).exit_code == 2


def test_times_are_dates_moments_and_lengths_ago():
    """Local where no zone is given."""
    assert as_past("30d", NOW) == NOW - timedelta(days=30)
    assert as_past("2026-11-22T10:00+01:00", NOW) == NOW
    assert as_past("2026-11-01", NOW) == datetime(2026, 11, 1).astimezone(UTC)
    assert as_past(None, NOW) is None
    with pytest.raises(UsageError):
        as_past("18:30", NOW)


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("--person", "alice"), ["grant.recorded", "share.applied"]),
        (("--server", "web-1"), ["grant.recorded", "share.applied"]),
        (("--person", "alice", "--from", "2026-11-22T09:30Z"), ["share.applied"]),
        (("--server", "web-1", "--to", "2026-11-22T09:30Z"), ["grant.recorded"]),
        (("--person", "bob"), []),
    ],
)
def test_events_are_filtered_by_the_same_words(config, words, kinds):
    """Events of a grant are its person's and its servers', whether they name them or not."""
    with (
        open_daypass(config) as opened,
        opened.seams.store.write("reconcile", NOW + timedelta(hours=1)) as work,
    ):
        work.append_event("share.applied", "G1", {})
        work.append_event("other", "G2", {})
    done = daypass(config, "audit", "list", *words, "-o", "json")
    assert [event["kind"] for event in json.loads(done.stdout)] == kinds
