"""`daypass flows`: what a person and a program get to see."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.cli.policy.flows import as_moment
from daypass.config.settings import DATABASE_FILE
from daypass.domain.certificates import Constraints
from daypass.domain.grants import Grant, Share
from daypass.domain.windows import window_from
from daypass.errors import UsageError
from daypass.wiring import open_daypass
from tests.policies import NOW

CONFIGURATION = """
directory: directory.yaml
integrations:
  - {name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}, user_groups: [Default, ops]}
access_flows:
  - name: work
    requesters: {group: ops}
    targets: {servers: web-1, user_groups: [Default, ops]}
    max_duration: 8h
    timeframe: {days: [mon], start: "08:00", end: "18:00", timezone: UTC}
    approvers: [manager]
"""
DIRECTORY = """
people:
  - {email: alice@example.com, login: alice, groups: [ops], manager: bob}
  - {email: bob@example.com, login: bob}
"""
EXPLAIN = ("explain", "--server", "web-1", "--login")


@pytest.fixture
def run(tmp_path: Path):
    """`daypass flows …` on a small configuration, or on one that is changed first."""
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
    (tmp_path / "directory.yaml").write_text(DIRECTORY)

    def call(*words: str, change: tuple[str, str] = ("", "")) -> Result:
        (tmp_path / "daypass.yaml").write_text(CONFIGURATION.replace(*change))
        arguments = ["flows", *words, "--config", str(tmp_path / "daypass.yaml")]
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    return call


def test_yes_after_somebodys_yes_is_exit_code_0_with_every_reason(run):
    """Who may answer, until when, by which flow, by which rules."""
    result = run(*EXPLAIN, "alice", "--group", "ops", "--at", "2026-11-23T16:00Z")
    assert result.exit_code == 0
    assert result.output.startswith("yes, but: after a yes of: the manager")
    for words in ("who may answer: bob", "has to say why", "flow work", "Mon 2026-11-23 16:00 is within"):
        assert words in result.output


def test_no_is_exit_code_4_with_the_reasons_of_each_flow(run):
    """On a Sunday."""
    result = run(*EXPLAIN, "alice", "--at", "2026-11-22T16:00Z")
    assert result.exit_code == 4
    assert result.output.startswith("no: no access flow allows this")
    assert "Sun 2026-11-22 16:00 is outside" in result.output


def test_answer_for_programs_holds_every_rule(run):
    """Times in UTC; the timeframe cuts the window."""
    result = run(*EXPLAIN, "alice", "--at", "2026-11-23T17:00+01:00", "-o", "json")
    answer = json.loads(result.output)
    assert (answer["verdict"], answer["flow"]) == ("needs_approval", "work")
    assert (answer["not_before"], answer["not_after"]) == ("2026-11-23T16:00:00Z", "2026-11-23T18:00:00Z")
    assert answer["approvals"]["may_answer"] == ["bob"]
    assert {reason["rule"] for reason in answer["flows"][0]["reasons"]} >= {"requesters", "timeframe"}


def initialised(tmp_path: Path, options: dict[str, str], run, monkeypatch: pytest.MonkeyPatch):
    """`daypass flows explain` for alice on web-1, who has access there that is bound by these."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    asked = (*EXPLAIN, "alice", "--at", "2026-11-23T16:00Z")
    assert run(*asked).exit_code == 0  # before there is a record
    config = tmp_path / "daypass.yaml"
    assert CliRunner().invoke(main, ["init", "--config", str(config)]).exit_code == 0
    window = window_from(datetime(2026, 11, 23, 12, tzinfo=UTC), timedelta(hours=12))
    grant = replace(
        Grant("G1", "alice", "a", "work", "", "test", window, NOW), constraints=Constraints(options)
    )
    with open_daypass(config) as opened, opened.seams.store.write("test", NOW) as work:
        work.add_grant(grant, [Share("G1", "web-1", "prod", "alice", (), (), window)])
    return asked


def test_explain_says_what_a_request_would_say_of_access_with_other_bounds(run, tmp_path, monkeypatch):
    """Constraints don't mix: the record of what alice has is looked at, too."""
    asked = initialised(tmp_path, {"force-command": "/usr/bin/id"}, run, monkeypatch)
    result = run(*asked)
    assert result.exit_code == 4
    assert "grant G1 on web-1 has certificates with other bounds" in result.output
    assert json.loads(run(*asked, "-o", "json").stdout)["code"] == "certificate_lacking"
    assert run(*EXPLAIN, "alice", "--at", "2026-11-30T16:00Z").exit_code == 0  # it is over by then


def test_explain_sees_that_access_with_the_same_bounds_is_no_hindrance(run, tmp_path, monkeypatch):
    """Several grants of one person on one server add up."""
    asked = initialised(tmp_path, {}, run, monkeypatch)
    assert run(*asked).exit_code == 0


def test_explain_tells_that_a_record_cannot_be_read(run, tmp_path, monkeypatch):
    """It answers by the flows alone, and says so beside the answer."""
    asked = initialised(tmp_path, {}, run, monkeypatch)
    (tmp_path / ".daypass" / DATABASE_FILE).write_bytes(b"no database")
    result = run(*asked)
    assert result.exit_code == 0
    assert "other access of alice isn't looked at" in result.stderr


@pytest.mark.parametrize(("login", "words"), [("carol", "nobody in the directory"), ("bob", "may not ask")])
def test_who_may_not_reads_why(run, login, words):
    """Unknown, or not meant."""
    result = run(*EXPLAIN, login, "--at", "2026-11-23T16:00Z")
    assert result.exit_code == 4
    assert words in result.output


def test_time_that_is_none_is_a_usage_error(run):
    """With the form that is right."""
    result = run(*EXPLAIN, "alice", "--at", "tomorrow")
    assert result.exit_code == 2
    with pytest.raises(UsageError, match="isn't a time"):
        as_moment("2026-13-01", NOW)


def test_flows_that_are_right_are_exit_code_0(run):
    """One of two people has no manager, but only alice may ask."""
    result = run("check")
    assert (result.exit_code, result.output) == (0, "1 flow, nothing to mend\n")


def test_finding_is_exit_code_1_with_the_likely_name(run):
    """In words and for programs."""
    change = ("{group: ops}", "{group: opps}")
    result = run("check", change=change)
    assert result.exit_code == 1
    assert "did you mean 'ops'?" in result.output
    findings = json.loads(run("check", "-o", "json", change=change).output)["findings"]
    assert {finding["code"] for finding in findings} == {"unknown_group", "nobody_fits"}


def test_configuration_without_a_directory_says_what_to_add(run):
    """There is nobody to decide about."""
    result = run(
        "check", change=(CONFIGURATION, CONFIGURATION.split("access_flows", maxsplit=1)[0].split("\n", 2)[2])
    )
    assert result.exit_code == 2
    assert "directory: directory.yaml" in result.output
