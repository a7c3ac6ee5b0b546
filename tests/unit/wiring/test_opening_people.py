"""What commands know of people and flows when the configuration names a directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.errors import ConfigurationError
from daypass.wiring import initialise, open_daypass

CONFIGURATION = """
integrations: [{name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}}]
"""
FLOWS = """
directory: directory.yaml
access_flows:
  - {name: work, requesters: {group: ops}, targets: {servers: web-1}, max_duration: 1h, approvers: none}
"""
PEOPLE = "people: [{login: alice, email: alice@example.com, groups: [ops]}]"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an orchestrator and a directory; its file, for `open_daypass`."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    (tmp_path / "directory.yaml").write_text(PEOPLE)
    path = tmp_path / "daypass.yaml"
    path.write_text(f"state_dir: {tmp_path}/state{CONFIGURATION}{FLOWS}")
    initialise(path, servers=None, integration="servers", groups=(), connector_key=None)
    return path


def test_the_directory_is_read_once_in_a_command(place):
    """Whoever is looked up, and whoever decides: the same people, though the file changes meanwhile."""
    with open_daypass(place) as daypass:
        people = daypass.seams.directory().people
        (place.parent / "directory.yaml").write_text(PEOPLE.replace("alice", "bob"))
        policy = daypass.seams.policy()
        assert people == policy.directory.people
        assert [flow.name for flow in policy.flows] == ["work"]
        assert daypass.seams.policy() is policy


def test_a_configuration_without_a_directory_has_no_policy(place):
    """Commands that need none go on."""
    place.write_text(f"state_dir: {place.parent}/state{CONFIGURATION}")
    with open_daypass(place) as daypass:
        assert daypass.seams.directory() is None
        with pytest.raises(ConfigurationError, match="nobody to decide about"):
            daypass.seams.policy()
