from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main

LIST = [
    {"name": "web-1", "host": "10.0.0.1", "tags": {"env": "prod"}},
    {"name": "db-1", "host": "10.0.0.2", "port": "2222", "tags": ["env=prod", "blue"]},
    {"name": "web-2", "host": "10.0.0.3"},
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `daypass …` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAYPASS_CONFIG", raising=False)

    def run_words(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(words), input=stdin)

    return run_words


def test_list_without_problems_is_summed_up(run, tmp_path):
    """Exit code 0, what was read with its defaults, and no configuration is asked for."""
    (tmp_path / "servers.json").write_text(json.dumps(LIST))
    result = run("servers", "check", "servers.json")
    assert result.exit_code == 0
    assert "servers.json: 3 servers, no problems" in result.stdout
    assert "apono@10.0.0.2" in result.stdout


def test_list_with_problems_ends_in_code_2_and_all_of_them(run, tmp_path):
    """For people a table, for programs index, name, field, found and allowed."""
    (tmp_path / "servers.json").write_text(
        '[{"name": "web 1", "host": "-x"}, {"name": "a", "hots": "h", "host": "h"}]'
    )
    table = run("servers", "check", "servers.json")
    assert table.exit_code == 2
    assert "servers.json: 3 problems" in table.stderr
    report = run("servers", "check", "servers.json", "-o", "json")
    assert report.exit_code == 2
    problems = json.loads(report.stdout)["problems"]
    assert [(p["index"], p["name"], p["field"]) for p in problems] == [
        (0, "web 1", "name"),
        (0, "web 1", "host"),
        (1, "a", "hots"),
    ]
    assert all(p["found"] and p["allowed"] for p in problems)


def test_list_is_read_from_standard_input(run):
    """`-` takes a list from a pipe."""
    result = run("servers", "check", "-", "-o", "json", stdin=json.dumps(LIST))
    assert json.loads(result.stdout)["ok"] is True


def test_hostile_list_prints_nothing_that_a_terminal_obeys(run):
    """Escape sequences in a list are written out."""
    hostile = '[{"name": "\\u001b]0;x\\u0007", "\\u001b[2J": 1, "host": "\\u202e", "user": "\\u009b31m"}]'
    result = run("servers", "check", "-", stdin=hostile)
    assert result.exit_code == 2
    assert all(character.isprintable() or character == "\n" for character in result.output)


@pytest.mark.parametrize("file", ["missing.json", "."])
def test_file_that_cant_be_read_is_named(run, file):
    """Wrong words, exit code 2."""
    result = run("servers", "check", file)
    assert result.exit_code == 2
    assert file in result.stderr


def test_check_does_without_configuration_store_and_ansible():
    """It is the first command of a newcomer, and quick."""
    code = (
        "import sys; from daypass.cli import main; main(['servers', 'check', '-'], standalone_mode=False);"
        "print([name for name in ('sqlalchemy', 'ansible', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(LIST),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def configured(tmp_path):
    """A configuration with these servers."""
    (tmp_path / "servers.json").write_text(json.dumps(LIST))
    text = "integrations: [{name: prod, servers: servers.json, secret: {env: KEY}}]"
    (tmp_path / "daypass.yaml").write_text(text)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["web-1", "db-1", "web-2"]),
        (("--tag", "env=prod"), ["web-1", "db-1"]),
        (("--tag", "env=prod", "--tag", "blue"), ["db-1"]),
        (("--tag", "env=test"), []),
        (("--integration", "prod"), ["web-1", "db-1", "web-2"]),
        (("--integration", "other"), []),
    ],
)
def test_servers_are_listed_by_tag_and_integration(run, words, names):
    """Several tags narrow the list down, as in `daypass grant`."""
    result = run("servers", "list", *words, "-o", "json")
    assert result.exit_code == 0
    assert [server["name"] for server in json.loads(result.stdout)["servers"]] == names


@pytest.mark.usefixtures("configured")
def test_servers_are_listed_for_people(run):
    """A table with what ssh connects to."""
    result = run("servers", "list")
    assert "apono@10.0.0.2  2222" in result.stdout
    assert "env=prod blue" in result.stdout
    assert "3 servers" in result.stderr


def test_list_without_configuration_names_the_way_to_one(run):
    """Exit code 2 and the command that makes one."""
    result = run("servers", "list")
    assert result.exit_code == 2
    assert "daypass init" in result.stderr
