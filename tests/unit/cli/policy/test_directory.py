"""`daypass directory`, and what other commands say of how sure people are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from daypass.cli import main
from daypass.wiring import initialise

LOGINS = [f"p{number}" for number in range(10)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an orchestrator and ten people."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setenv("DAYPASS_CONFIG", str(tmp_path / "daypass.yaml"))
    people(tmp_path, LOGINS)
    (tmp_path / "daypass.yaml").write_text(
        f"state_dir: {tmp_path}/state\ndirectory: directory.yaml\n"
        "integrations: [{name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}}]\n"
    )
    initialise(tmp_path / "daypass.yaml", servers=None, integration="s", groups=(), connector_key=None)
    return tmp_path


def people(folder: Path, logins: list[str]) -> None:
    entries = [{"login": login, "email": f"{login}@example.com"} for login in logins]
    (folder / "directory.yaml").write_text(yaml.safe_dump({"people": entries}))


def run(capsys, *words: str) -> tuple[int, str, str]:
    try:
        code = main.main(list(words), standalone_mode=False)
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr()
    return int(code or 0), told.out, told.err


def test_shortened_file_is_told_until_an_operator_confirms_it(place, capsys):
    """Nobody is taken for gone meanwhile; the confirmation is asked for, and ends it."""
    run(capsys, "status")
    people(place, LOGINS[5:])
    _, out, err = run(capsys, "status", "--output", "json")
    assert json.loads(out)["people"]["held"] == LOGINS[:5]
    assert "whether 5 people are still here" in err
    _, out, _ = run(capsys, "directory", "show", "--output", "json")
    assert set(json.loads(out)["doubtful"]) == set(LOGINS[:5])
    _, out, _ = run(capsys, "directory", "confirm", "--check", "--output", "json")
    assert set(json.loads(out)["held"]) == set(LOGINS[:5])
    code, _, err = run(capsys, "directory", "confirm")
    assert (code, "--yes" in err) == (2, True)
    assert run(capsys, "directory", "confirm", "--yes")[0] == 0
    _, out, err = run(capsys, "status", "--output", "json")
    assert json.loads(out)["people"]["held"] == []
    assert "still here" not in err


def test_what_was_damaged_is_forgotten_with_a_confirmation(place, capsys):
    """Until then nobody counts as gone, and nothing opens."""
    run(capsys, "status")
    kept = place / "state" / "directory" / "people.json"
    kept.write_text("x")
    assert "can't be told who vanished" in run(capsys, "status")[2]
    assert run(capsys, "directory", "confirm", "--yes")[0] == 0
    assert "can't be told" not in run(capsys, "status")[2]
