"""Completion in real shells: what is offered, and what never happens to a line that somebody types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from daypass.cli import main
from daypass.cli.completion.candidates import MOST_CANDIDATES, chosen
from daypass.cli.names import Named
from daypass.domain.grants import Grant, GrantState, Share
from daypass.domain.windows import window_from
from daypass.store import open_store
from tests.typed_shell import BIN, TypedShell

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SERVERS = [
    {"name": "web-1", "host": "h1", "tags": {"env": "prod", "evil": "$(touch pwned)"}},
    {"name": "web-2", "host": "h2", "tags": {"env": "preview", "owner": "a;touch pwned"}},
    {"name": "db-1", "host": "h3", "tags": ["label"]},
]
CONFIGURATION = """
state_dir: state
ca: {key: {file: state/user_ca}}
directory: directory.yaml
integrations:
  - {name: prod, servers: servers.json, secret: {env: KEY}, user_groups: [Default, ops]}
"""
DIRECTORY = """
people:
  - {email: alice@example.com, login: alice}
  - {email: emil@example.com, login: emil, active: false}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Somebody's home with a configuration in it, before `daypass init`."""
    (tmp_path / "servers.json").write_text(json.dumps(SERVERS))
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
    (tmp_path / "directory.yaml").write_text(DIRECTORY)
    return tmp_path


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, home: Path) -> Iterator[TypedShell]:
    """One of the shells, where it is installed."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} isn't installed (apt-get install {request.param})")
    typed = TypedShell(request.param, home)
    yield typed
    typed.close()


@pytest.fixture
def offered(home: Path):
    """What a script gets for a line: candidates and descriptions as fish shows them, and that alone."""

    def ask(line: str) -> list[str]:
        environ = {"PATH": os.environ["PATH"], "_DAYPASS_COMPLETE": "fish", "_DAYPASS_LINE": line}
        words = [str(BIN / "daypass")]
        done = subprocess.run(words, cwd=home, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return ask


@pytest.fixture
def record(home: Path):
    """The record that `daypass init` makes, open for what a test writes into it."""
    environ = {"PATH": os.environ["PATH"]}
    subprocess.run([str(BIN / "daypass"), "init"], cwd=home, env=environ, check=True, capture_output=True)
    store = open_store(home / "state/daypass.sqlite3")
    yield store
    store.close()


def add_grant(store, grant_id: str, login: str, *servers: str, state=GrantState.ACTIVE) -> None:
    window = window_from(NOW, timedelta(hours=1))
    one = Grant(grant_id, login, "", "direct", "a\x1b[2Jreason; $(touch pwned)", "x", window, NOW, state)
    with store.write("x", NOW) as work:
        work.add_grant(one, [Share(grant_id, server, "prod", login, (), (), window) for server in servers])


def test_every_shell_completes_after_the_line_that_the_help_says(shell):
    """Commands, options and names, behind a `=` too; nothing that a shell would read as more than a word."""
    assert shell.completed("daypass gra") == ["daypass", "grant"]
    assert shell.completed("daypass audit export --fo") == "daypass audit export --format --force".split()
    assert shell.completed("daypass onboard web-1 web") == "daypass onboard web-1 web-1 web-2".split()
    assert shell.completed("daypass grant --tag env=pro")[3:] == ["env=prod"]
    assert shell.completed("daypass grant --server=d")[2:] == ["--server=db-1"]
    assert shell.completed("daypass access list --as a")[4:] == ["alice"]
    assert shell.completed("daypass grant --config dayp")[3:] == ["daypass.yaml"]
    # A tag may hold anything printable, and bash puts candidates onto the line as they are.
    assert shell.completed("daypass grant --tag ev")[3:] in (["ev"], [])
    assert shell.completed("daypass grant --tag ow")[3:] in (["ow"], [])
    assert not (shell.home / "pwned").exists()


def test_grants_that_are_not_over_with_whose_they_are_and_where(offered, record):
    """Newest first; reasons, which anybody may write, aren't shown."""
    add_grant(record, "01A", "alice", "web-1", "web-2", "db-1")
    add_grant(record, "01B", "bob", "db-1", state=GrantState.ENDING)
    add_grant(record, "01C", "carol", "db-1", state=GrantState.ENDED)
    wanted = ["plain", "01B\tbob on db-1", "01A\talice on db-1 and 2 more"]
    for command in ("revoke", "extend", "access end", "access show", "certificate reissue"):
        assert offered(f"daypass {command} 01") == wanted


def test_nothing_is_shown_and_nothing_made_where_there_is_nothing_to_read(home, offered):
    """No record yet, then no configuration: completion is no way to learn of that."""
    before = sorted(home.rglob("*"))
    assert offered("daypass revoke ") == []
    assert sorted(home.rglob("*")) == before
    (home / "daypass.yaml").write_text("integrations: [")
    assert offered("daypass grant --server ") == []
    (home / "daypass.yaml").unlink()
    assert offered("daypass grant --server ") == []


def test_a_record_of_another_version_or_a_broken_one_shows_nothing_and_stays_as_it_is(home, offered):
    """Neither upgraded nor repaired by a Tab key."""
    (home / "state").mkdir()
    for content in (b"", b"SQLite format 3\0 broken"):
        (home / "state/daypass.sqlite3").write_bytes(content)
        assert offered("daypass revoke ") == []
        assert (home / "state/daypass.sqlite3").read_bytes() == content


def test_a_record_that_somebody_writes_to_is_still_read(home, offered, record):
    """A wave of another process doesn't stop whoever types."""
    add_grant(record, "01A", "alice", "web-1")
    with record.write("x", NOW):
        assert offered("daypass revoke ") == ["plain", "01A\talice on web-1"]


def test_completion_of_names_loads_no_database_and_no_ansible(home):
    """The Tab key is pressed often."""
    asked = (
        "import os, sys; from daypass.cli import main; import daypass.cli.completion.command\n"
        "heavy = ('sqlalchemy', 'ansible', 'ansible_runner')\n"
        "os._exit = lambda code: print([name for name in heavy if name in sys.modules])\n"
        "main()"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "_DAYPASS_COMPLETE": "bash",
        "_DAYPASS_LINE": "daypass grant --server d",
    }
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=home, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[:3] == ["plain", "db-1", "[]"]


ODD = (
    "$(x)",
    "`x`",
    "a;b",
    "a b",
    "a\nb",
    "a\tb",
    "'a",
    "a*",
    "~a",
    "=ls",
    "%1",
    "a\\b",
    "a|b",
    "!a",
    "a#",
    "{a,b}",
    "é\u00a0x",
    "",
)


def test_only_plain_words_are_offered_and_descriptions_are_one_line():
    """A shell must read a candidate as one word, whatever somebody called a tag."""
    assert chosen([(value, "") for value in ODD], "") == []
    plain = ["web-1", "env=prod", "a.b:22", "alice@example.com", "rôle=büro", "50%"]
    assert [item.value for item in chosen([(value, "") for value in plain], "")] == plain
    [item] = chosen([("a", "one\ttwo\x1b[2J\nthree\u202e" + "x" * 100)], "")
    assert item.help.startswith("one?two?[2J?three?x")
    assert len(item.help) == 80


def test_of_too_many_candidates_the_ends_of_the_alphabet_are_kept():
    """A shell fills in what all have in common: that must be true of those that were left out."""
    items = chosen([(f"web-{number:05}", "") for number in range(100_000)], "web")
    assert len(items) <= MOST_CANDIDATES
    assert {"web-00000", "web-99999"} <= {item.value for item in items}


def parameters(command: click.Command, path: str = "daypass"):
    """Every parameter of every command, with the command's words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from parameters(found, f"{path} {name}")
    else:
        yield from ((path, parameter) for parameter in command.params)


NAMES = {
    "servers",
    "server",
    "grant_id",
    "request_id",
    "login",
    "person",
    "tags",
    "groups",
    "grantee",
    "integration",
}
# Names that don't exist yet, or that sshd says.
NEW = {
    ("daypass init", "servers"),
    ("daypass init", "integration"),
    ("daypass init", "groups"),
    ("daypass gate run", "person"),
}


def test_whatever_takes_a_name_completes_it():
    """A command that is added later, too: `daypass.cli.names` has the types."""
    lacking = {
        (path, parameter.name)
        for path, parameter in parameters(main)
        if parameter.name in NAMES and not isinstance(parameter.type, Named)
    }
    assert lacking - NEW == set()
