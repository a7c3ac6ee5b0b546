"""Messages name the line that people type here."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.wiring.first_start import initialise
from daypass.wiring.opening import open_daypass

CONFIGURATION = """
state_dir: state
ca: {key: {file: state/user_ca}}
integrations:
  - {name: prod, servers: [{name: web-1, host: h}], secret: {file: key}}
"""


def command(folder: Path, more: str = "") -> str:
    """The setting as the sender of messages has it."""
    (folder / "daypass.yaml").write_text(CONFIGURATION + more)
    initialise(folder / "daypass.yaml", servers=None, integration="prod", groups=(), connector_key=None)
    with open_daypass(folder / "daypass.yaml") as daypass:
        return daypass.sender.settings.command


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """What `gate install` notes."""
    file = tmp_path / "state" / "gate" / "address"
    file.parent.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    file.write_text("ssh daypass@broker.example.com\n")
    return file


def test_line_of_the_installed_gate_is_what_messages_name(tmp_path, note):
    """The operator needn't write it a second time."""
    assert command(tmp_path) == "ssh daypass@broker.example.com"


def test_line_of_the_configuration_wins(tmp_path, note):
    """Also where it is the same as without a gate."""
    assert command(tmp_path, "notices: {command: daypass}\n") == "daypass"


@pytest.mark.parametrize(
    "text", ["", "ssh -oProxyCommand=id daypass@b", "rm -rf /", "ssh daypass@b; id", "x" * 999]
)
def test_note_that_is_no_such_line_counts_for_nothing(tmp_path, note, text):
    """It lies in a folder of the gate's account, and people type what they read."""
    note.write_text(text)
    assert command(tmp_path) == "daypass"


def test_without_a_gate_people_type_daypass(tmp_path):
    """On the orchestrator's own machine."""
    assert command(tmp_path) == "daypass"
