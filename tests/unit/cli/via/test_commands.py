"""`daypass --via ADDRESS …`: what goes to the gate and how, and what is refused before anything is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from daypass.cli import main
from daypass.cli.gate.offer import Offered
from daypass.cli.via.words import DONE_HERE, KEPT_HERE, command_at, paths
from daypass.gate.caller import Caller
from daypass.gate.words import split_words
from tests.fake_ssh import FakeSsh

VIA = ("--via", "ssh://daypass@broker")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUDVPyLbLXWuDrPQvHU4kzK1bSFn8nXwFVZ8Gh6Q1r2"

NOTHING_OPEN = ('{"orchestrator": "%s", "login": "alice", "servers": [], "format": 1}' % ("d" * 32), "", 0)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSsh:
    fake = FakeSsh(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    monkeypatch.delenv("DAYPASS_VIA", raising=False)
    return fake


def daypass(*words: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert end.value.code == code


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (["request", "list"], ["request", "list"]),
        (["access", "list", "--past", "--limit", "3"], ["access", "list", "--past", "--limit=3"]),
        (["access", "show", "01X", "-vv"], ["access", "show", "--verbose", "--verbose", "01X"]),
        (["request", "new", "--server", "a", "--server=b"], ["request", "new", "--server=a", "--server=b"]),
        (["request", "new", "--for", "2h30m", "--check"], ["request", "new", "--for=2h30m", "--check"]),
        (["request", "new", "--reason", "it's --check"], ["request", "new", "--reason=it's --check"]),
        (["request", "new", "--reason", "--grantee"], ["request", "new", "--reason=--grantee"]),
        (["request", "approve", "01X", "--reason", "ok"], ["request", "approve", "--reason=ok", "01X"]),
        (["request", "show", "--", "-x"], ["request", "show", "--", "-x"]),
        (["access", "extend", "01X"], ["access", "extend", "01X"]),
        (["access", "end", "01X", "--yes"], ["access", "end", "--yes", "01X"]),
        (["certificate", "01X"], ["certificate", "01X"]),
        (["help"], ["help"]),
        ([], []),
    ],
)
def test_words_reach_the_gate_as_they_were_meant(ssh, typed, sent):
    """A value stays with its option, whatever it looks like."""
    ssh.answers(("", "", 0), NOTHING_OPEN)
    daypass(*VIA, *typed)
    assert split_words(ssh.words[0]) == sent
    opens = typed[:2] in (["request", "new"], ["access", "extend"]) and "--check" not in typed
    assert ssh.words[1:] == (["access ssh-config --output=json --no-sign"] if opens else [])


@pytest.mark.parametrize(
    "typed",
    [
        ["status"],
        ["grant", "--login", "alice"],
        ["review", "nonsense"],
        ["certificate", "show", "01X"],
        ["nonsense"],
        ["request", "nonsense"],
        ["request", "list", "--as", "bob"],
        ["request", "list", "--config", "x"],
        ["access", "extend", "01X", "--save", "x"],
        ["request", "new", "--for", "2x"],
        ["request", "new", "--public-key", "/nowhere"],
        ["request", "new", "--reason", "two\nlines"],
    ],
)
def test_what_the_gate_does_not_offer_is_refused_before_it_is_asked(ssh, capsys, typed):
    """Exit code 2 with a sentence; no connection is made."""
    daypass(*VIA, *typed, code=2)
    assert ssh.started == []
    assert "rror: " in capsys.readouterr().err


@pytest.mark.parametrize("address", ["-oProxyCommand=id", "ssh://daypass@-x", "ssh://daypass:x@broker"])
def test_odd_address_is_refused(ssh, capsys, address):
    """It never becomes a word of ssh's."""
    daypass(f"--via={address}", "access", "list", code=2)
    assert ssh.started == []
    assert "isn't the address of a gate" in capsys.readouterr().err


def test_address_of_the_environment_is_for_peoples_commands_alone(ssh, monkeypatch, capsys):
    """Others run here, as ever: the variable was set once for all."""
    monkeypatch.setenv("DAYPASS_VIA", "ssh://daypass@broker")
    daypass("access", "list")
    assert ssh.words == ["access list"]
    daypass("status", "--config", "/nowhere", code=2)
    assert "/nowhere" in capsys.readouterr().err
    assert len(ssh.started) == 1


def test_key_is_read_here_and_sent_along(ssh, tmp_path):
    """A file of this machine; a private key never leaves it."""
    public = tmp_path / "id.pub"
    public.write_text(f"{KEY} alice@laptop\n")
    daypass(*VIA, "certificate", "01X", "--public-key", str(public))
    [(argv, stdin)] = ssh.started
    assert argv[-1] == "certificate --public-key=- 01X"
    assert stdin == f"{KEY}\n"
    public.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    daypass(*VIA, "certificate", "01X", "--public-key", str(public), code=2)
    assert len(ssh.started) == 1


def test_json_is_read_and_written_again(ssh, capsys):
    """A program here gets JSON or an error; what the gate's own errors say comes through with its code."""
    ssh.answers(('{"b": "\\u001b[2J", "a": 1}', "a remark\n", 3))
    daypass(*VIA, "access", "list", "-o", "json", code=3)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1, "b": "\x1b[2J"}
    assert "\x1b" not in out
    assert err == "a remark\n"
    ssh.answers(("not json", "", 0))
    daypass(*VIA, "access", "list", "-o", "json", code=1)
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "via_answer"
    ssh.answers(("", "error: too many people are here right now\n", 1))
    daypass(*VIA, "access", "list", "-o", "json", code=1)
    assert "too many people" in capsys.readouterr().err


def test_help_is_shown_here_with_what_is_typed_here(ssh, monkeypatch, capsys):
    """Nobody is asked for it, and each example can be typed as it stands."""
    daypass(*VIA, "request", "new", "--help")
    shown = capsys.readouterr().out
    assert "daypass --via ssh://daypass@broker request new --server web-1" in shown
    assert "--as" not in shown
    monkeypatch.setenv("DAYPASS_VIA", "ssh://daypass@broker")
    daypass("request", "new", "--help")
    assert "\n    daypass request new --server web-1" in capsys.readouterr().out
    assert ssh.started == []


def test_every_command_of_the_gate_takes_the_same_words_here():
    """A parameter that the gate offers later is offered here, too; what is done here comes on top."""
    gate = Offered(Caller("alice", KEY, "", "ssh b"), Path("/nowhere"))
    context = click.Context(gate)
    for path in set(paths()) - set(DONE_HERE):
        there: click.Command | None = gate
        for word in path:
            assert isinstance(there, click.Group)
            there = there.get_command(context, word)
        assert there is not None
        here = command_at(path, lambda _context: None, "daypass")
        sent = [param for param in here.params if param.name not in KEPT_HERE.get(path, ())]
        names = {name for param in sent for name in param.opts}
        assert names == {name for param in there.params for name in param.opts}, path


def test_own_machine_of_a_person_loads_nothing_of_the_orchestrator():
    """Whoever types a command through the gate waits for its start: 0.3 s of CPU, not 0.55."""
    look = (
        "import sys\n"
        "from daypass.cli.via.words import command_at, paths\n"
        "from daypass.cli.via import commands\n"
        "for path in paths(): command_at(path, print, 'daypass')\n"
        "parts = ('config', 'directory', 'execution', 'flows', 'plan', 'store', 'workflow')\n"
        "heavy = {*(f'daypass.{part}' for part in parts), 'sqlalchemy', 'yaml', 'ansible_runner'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
