"""`daypass review`: what a person and a program get to see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.domain.grants import Grant
from daypass.domain.windows import window_from
from daypass.store import open_store
from daypass.workflow.reviewing import open_review

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CONFIGURATION = """
state_dir: state
ca: {key: {file: state/user_ca}}
directory: directory.yaml
integrations:
  - {name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}}
access_flows:
  - name: glass
    requesters: everyone
    targets: {servers: web-1}
    max_duration: 1h
    approvers: none
    break_glass: true
    notify: {user: emil}
"""
DIRECTORY = """
people:
  - {email: alice@example.com, login: alice}
  - {email: emil@example.com, login: emil}
  - {email: fred@example.com, login: fred}
"""


@pytest.fixture
def run(tmp_path: Path):
    """`daypass …` where alice had break-glass access, with the review of it open."""
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
    (tmp_path / "directory.yaml").write_text(DIRECTORY)

    def call(*words: str) -> Result:
        arguments = [*words, "--config", str(tmp_path / "daypass.yaml")]
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert call("init").exit_code == 0
    store = open_store(tmp_path / "state" / "daypass.sqlite3")
    grant = Grant("01G", "alice", "", "glass", "db-1 is down", "x", window_from(NOW, timedelta(hours=1)), NOW)
    with store.write("x", NOW) as work:
        work.add_grant(grant, [])
        open_review(work, grant, ["emil"], NOW)
    store.close()
    return call


@pytest.mark.parametrize("words", [("status",), ("review", "list")])
def test_open_review_is_seen_until_it_is_closed(run, words):
    """In the list, and in what an operator looks at anyway; with who was told."""
    before = run(*words).output
    assert ("01G" in before, "emil" in before) == (True, True)
    close = ("review", "close", "01G", "--reason", "as INC-7 says")
    assert run(*close, "--as", "emil").exit_code == 0
    assert "01G" not in run(*words).output
    assert "closed by emil" in run("review", "list", "--all").output


def test_review_is_shown_whole(run):
    """Who, where, when, why."""
    assert "db-1 is down" in run("review", "show", "01g").output
    shown = json.loads(run("review", "show", "01G", "-o", "json").output)
    assert (shown["login"], shown["flow"], shown["open"]) == ("alice", "glass", True)
    assert json.loads(run("status", "-o", "json").output)["reviews"][0]["grant"] == "01G"


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--as", "alice"), 4, "nobody closes the review of one's own"),
        ((), 2, "--as"),
        (("--as", "nobody"), 4, "nobody in the directory"),
    ],
)
def test_who_may_not_close_it_is_told_why(run, more, code, words):
    """Denied is exit code 4, a person who isn't named is a mistake of the words."""
    result = run("review", "close", "01G", "--reason", "fine", *more)
    assert result.exit_code == code
    assert words in result.output + result.stderr


def test_review_that_is_not_there_is_a_mistake_of_the_words(run):
    """With the command that lists them."""
    result = run("review", "show", "01X")
    assert (result.exit_code, "daypass review list" in result.stderr) == (2, True)


@pytest.mark.parametrize(("person", "seen"), [("emil", True), ("alice", True), ("fred", False)])
def test_person_sees_reviews_of_own_access_and_those_to_close(run, person, seen):
    """What doesn't concern somebody is as good as not there."""
    assert ("01G" in run("review", "list", "--as", person).output) is seen
    assert run("review", "show", "01G", "--as", person).exit_code == (0 if seen else 2)
