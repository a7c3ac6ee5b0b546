"""What `daypass doctor` says of the directory and the flows."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from daypass.directory.state_file import write_state
from daypass.wiring import examine
from daypass.workflow.doctor import Grade

CONFIGURATION = """
directory: directory.yaml
integrations: [{name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}}]
access_flows:
  - {name: work, requesters: {group: ops}, targets: {servers: web-1}, max_duration: 1h, approvers: none}
"""
PEOPLE = "people: [{login: alice, email: alice@example.com, groups: [%s]}]"


@pytest.fixture
def findings(tmp_path: Path):
    """Grades and words of the directory and the flows, for a directory with this text."""

    def look(people: str) -> list[tuple[str, Grade, str]]:
        (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
        (tmp_path / "directory.yaml").write_text(people)
        found = examine(tmp_path / "daypass.yaml")
        return [(f.what, f.grade, f.found) for f in found if f.what in ("directory", "access flows")]

    return look


def test_people_and_flows_that_are_right(findings, tmp_path):
    """How many there are."""
    assert findings(PEOPLE % "ops") == [
        ("directory", Grade.OK, f"{tmp_path}/directory.yaml, 1 people, 1 groups"),
        ("access flows", Grade.OK, "1, nothing to mend"),
    ]


def test_flow_that_can_not_be_meant_is_a_warning(findings):
    """With the command that says more."""
    [_, (what, grade, found)] = findings(PEOPLE % "opps")
    assert (what, grade, found) == ("access flows", Grade.WARN, "to look at: work")


def test_ldap_directory_that_does_not_answer_is_a_failure(tmp_path):
    """With what was tried; the processes and the network are real, nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        url = f"ldaps://127.0.0.1:{one.getsockname()[1]}"
    ldap = f"{{ldap: {{urls: '{url}', people: {{base: 'dc=x,dc=y'}}}}}}"
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION.replace("directory.yaml", ldap))
    [found] = [one for one in examine(tmp_path / "daypass.yaml") if one.what == "directory"]
    assert found.grade is Grade.FAIL
    assert url in found.found
    assert not (tmp_path / ".daypass" / "directory").exists()


def test_people_that_vanished_are_a_failure_until_somebody_says_a_word(tmp_path):
    """With the command that says more."""
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
    kept = {"format": 1, "people": dict.fromkeys(["alice", "bob", "carol", "dave"], ""), "gone": {}}
    write_state(tmp_path / ".daypass" / "directory" / "people.json", kept)
    (tmp_path / "directory.yaml").write_text(PEOPLE % "ops")
    [found] = [one for one in examine(tmp_path / "daypass.yaml") if one.what == "people"]
    assert (found.grade, "bob, carol, dave" in found.found) == (Grade.FAIL, True)
    assert "daypass directory confirm" in found.hint


def test_every_problem_of_the_directory_is_a_failure(findings):
    """A person mends them all before the next look."""
    found = findings("people: [{login: alice, email: x}, {login: Bob, email: b@example.com}]")
    assert [(what, grade) for what, grade, _ in found] == [("directory", Grade.FAIL)] * 2
