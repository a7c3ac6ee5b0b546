from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from tests.importing_cases import flow, ssh_integration


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `daypass import apono …` in a folder with a source."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.json").write_text(json.dumps([ssh_integration(), flow()]), encoding="utf-8")

    def run_words(*words: str) -> Result:
        mapped = ("--map", "groups=user_groups")
        return CliRunner().invoke(main, ["import", "apono", "source.json", *mapped, *words])

    return run_words


def test_definitions_become_files_that_daypass_reads(run, tmp_path):
    """Exit code 0 where everything came over; what is written is a configuration."""
    result = run("--output-dir", "out")
    assert result.exit_code == 0, result.output
    assert names(tmp_path / "out") == ["daypass.yaml", "directory.yaml", "servers.json"]
    assert "1 integration, 0 bundles, 1 access flow" in result.stdout
    listed = CliRunner().invoke(main, ["servers", "list", "--config", "out/daypass.yaml"])
    assert "web-1" in listed.stdout


def test_check_shows_everything_and_writes_nothing(run, tmp_path):
    """The files as they would be, and the findings."""
    result = run("--check")
    assert result.exit_code == 0
    assert "would write daypass-from-apono" in result.stdout
    assert "access_flows:" in result.stdout
    assert names(tmp_path) == ["source.json"]


@pytest.mark.parametrize("name", ["daypass.yaml", "servers.json", "directory.yaml"])
def test_files_that_are_there_are_never_replaced_unasked(run, tmp_path, name):
    """Not one of the others is written either; --force replaces them."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine", encoding="utf-8")
    refused = run("--output-dir", "out")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert names(tmp_path / "out") == [name]
    assert run("--output-dir", "out", "--force").exit_code == 0
    assert (tmp_path / "out" / name).read_text(encoding="utf-8") != "mine"


def test_part_of_it_ends_in_code_3_and_says_which(run, tmp_path):
    """Something about SSH access didn't come over."""
    (tmp_path / "source.json").write_text(json.dumps([ssh_integration(), flow(new=1)]), encoding="utf-8")
    result = run("--output-dir", "out", "-o", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["whole"], report["written"]) == (3, False, True)
    unknown = [one for one in report["findings"] if one["kind"] == "unknown"]
    assert {one["path"] for one in unknown} == {"[1]", "[1].new"}
    assert all(one["of"] == 'access flow "ops"' for one in unknown)


def test_nothing_of_ours_ends_in_code_1(run, tmp_path):
    """Flows without integrations, or another product's."""
    (tmp_path / "source.json").write_text(json.dumps([flow()]), encoding="utf-8")
    result = run("--output-dir", "out")
    assert result.exit_code == 1
    assert "no SSH integration" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--max-duration", "400d"),
        ("--max-duration", "0s"),
        ("--map", "x=sudo"),
        ("--map", "user_groups"),
        ("--map", "other=user_groups"),
        ("missing.json",),
    ],
)
def test_wrong_words_are_refused_before_anything_is_read(run, tmp_path, words):
    """Exit code 2, and nothing is written."""
    assert run(*words).exit_code == 2
    assert names(tmp_path) == ["source.json"]


def test_hostile_source_prints_nothing_that_a_terminal_obeys(run, tmp_path):
    """Escape sequences in it are written out."""
    hostile = [ssh_integration(), flow(name="\u001b]0;x\u0007", **{"\u001b[2J": 1})]
    (tmp_path / "source.json").write_text(json.dumps(hostile), encoding="utf-8")
    result = run("--check", "-v")
    assert result.exit_code == 3
    assert all(character.isprintable() or character == "\n" for character in result.output)
