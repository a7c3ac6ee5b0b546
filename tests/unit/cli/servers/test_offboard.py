"""`daypass offboard` by its words: what it refuses, and giving up a server that is in no list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.domain.hosts import Host
from daypass.wiring import open_daypass
from tests.initialised import ONE_SERVER, initialised

GONE = "web-9"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An orchestrator whose record knows a server that its lists don't."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    path = initialised(tmp_path, ONE_SERVER)
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    with open_daypass(path) as opened, opened.seams.store.write("test", moment) as work:
        work.set_host(Host(GONE, "a" * 32, onboarded_at=moment))
    return path


def daypass(config: Path, *words: str) -> Result:
    """Run the command with this configuration."""
    return CliRunner().invoke(main, [*words, "--config", str(config)])


def test_a_server_that_is_in_no_list_can_only_be_given_up(config):
    """It can't be reached; the hint is the command to type."""
    done = daypass(config, "offboard", GONE, "--yes", "--output", "json")
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["code"]) == (2, "server_not_listed")
    assert f"daypass offboard {GONE} --forget" in error["hint"]


def test_giving_up_takes_the_name_and_is_done_once(config):
    """Without the name nothing happens; afterwards there is nothing left to give up."""
    assert daypass(config, "offboard", GONE, "--forget").exit_code == 2
    assert daypass(config, "offboard", GONE, "--forget", "--confirm", "web-1").exit_code == 2
    shown = daypass(config, "offboard", GONE, "--forget", "--check", "--output", "json")
    assert json.loads(shown.stdout) == {
        "check": True,
        "confirmed": False,
        "ends": {"accounts": [], "grants": {}},
        "forgotten": GONE,
    }
    assert daypass(config, "offboard", GONE, "--forget", "--confirm", GONE).exit_code == 0
    assert daypass(config, "offboard", GONE, "--forget", "--confirm", GONE).exit_code == 2
    assert daypass(config, "reconcile").exit_code == 0
    listed = daypass(config, "audit", "list", "--output", "json").stdout
    assert "host.forgotten" in listed


@pytest.mark.parametrize("words", [("web-1", "web-2"), (GONE, "--yes"), (GONE, "--keep-homes")])
def test_giving_up_is_for_one_server_and_nothing_else(config, words):
    """--yes must not stand for the typed name."""
    assert daypass(config, "offboard", "--forget", *words).exit_code == 2


def test_a_report_of_a_server_that_is_not_onboarded_is_refused(config):
    """Nothing could be compared; the hint is the command to type."""
    done = daypass(config, "report", "web-1", "--output", "json")
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["hint"]) == (2, "daypass onboard web-1")
    assert daypass(config, "report").exit_code == 0
