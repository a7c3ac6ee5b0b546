"""Commands through the gate: how ssh is started, what its exit codes mean, what of an answer is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.client.address import parse_address
from daypass.client.via import MOST_BYTES, Gate, GateError
from daypass.errors import UsageError
from daypass.gate.words import split_words
from tests.fake_ssh import FakeSsh


@pytest.fixture
def ssh(tmp_path: Path) -> FakeSsh:
    return FakeSsh(tmp_path)


@pytest.fixture
def gate(ssh: FakeSsh) -> Gate:
    return Gate(parse_address("ssh://daypass@broker:2222"), program=str(ssh.bin / "ssh"))


def test_ssh_gets_one_argument_of_words_behind_the_address(gate, ssh):
    """The host key is checked whatever the person's settings say; nothing is forwarded or shared."""
    words = ["request", "new", '--reason=it\'s "down"; rm -rf $HOME']
    gate.ask(words, b"ssh-ed25519 AAAA\n")
    [(argv, stdin)] = ssh.started
    assert argv[0] == "-T"
    assert argv[-5:-1] == ["-p", "2222", "daypass@broker", "--"]
    assert split_words(argv[-1]) == words
    assert stdin == "ssh-ed25519 AAAA\n"
    options = [argv[n + 1] for n, word in enumerate(argv) if word == "-o"]
    assert {"StrictHostKeyChecking=yes", "ControlPath=none", "ForwardAgent=no", "RemoteCommand=none"} <= set(
        options
    )


@pytest.mark.parametrize("words", [["request", "show", "a\nb"], ["a\x1b[2J"], ["x"] * 501, ["\ud800"]])
def test_words_that_the_gate_would_refuse_are_never_sent(gate, ssh, words):
    """Exit code 2, and no connection is made."""
    with pytest.raises(UsageError):
        gate.ask(words)
    with pytest.raises(UsageError):
        gate.pass_on(words, terminal=False)
    assert ssh.started == []


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_exit_codes_of_the_gate_come_through(gate, ssh, capsys, code):
    """And so does what it said, on the stream where it said it."""
    ssh.answers(("out\n", "err\n", code))
    assert gate.pass_on(["access", "list"], terminal=False) == code
    assert capsys.readouterr() == ("out\n", "err\n")
    assert (gate.ask(["access", "list"]).code, gate.ask(["x"]).said) == (code, "err\n")


@pytest.mark.parametrize(
    ("said", "code", "hint"),
    [
        ("Host key verification failed.\r\n", "via_host_key", "daypass gate install"),
        ("No ED25519 host key is known for broker and you have …\n", "via_host_key", "known_hosts"),
        ("daypass@broker: Permission denied (publickey).\r\n", "via_refused", "directory"),
        ("ssh: Could not resolve hostname broker: Name or service not known\r\n", "via_unknown", "--via"),
        ("ssh: connect to host broker port 22: Connection refused\r\n", "via_failed", "ssh -p 2222 d"),
        ("", "via_failed", "by hand"),
    ],
)
def test_ssh_that_failed_is_an_error_of_ours_with_what_to_type_next(gate, ssh, said, code, hint):
    """255 is ssh's own (ssh(1), EXIT STATUS): the gate was never asked."""
    ssh.answers(("", said, 255))
    for run in (lambda: gate.ask(["help"]), lambda: gate.pass_on(["help"], terminal=False)):
        with pytest.raises(GateError) as failed:
            run()
        assert failed.value.code == code
        assert hint in failed.value.hint
        assert "\r" not in failed.value.sentence


def test_missing_ssh_is_told(tmp_path):
    """With the package that has it."""
    with pytest.raises(GateError, match="can't be started") as failed:
        Gate(parse_address("broker"), program=str(tmp_path / "none")).ask(["help"])
    assert "openssh-client" in failed.value.hint


@pytest.mark.parametrize("output", ["", "no", '{"a": 1', "[" * 100_000, "\udcff"])
def test_answer_that_is_not_json_is_refused(gate, ssh, output):
    """A login banner, half an answer, one that is nested without end."""
    ssh.answers((output, "\x1b]0;pwned\x07what the gate said", 0))
    with pytest.raises(GateError) as refused:
        gate.ask(["access", "list"]).value()
    assert refused.value.code == "via_answer"
    assert "\x1b" not in refused.value.sentence


def test_answer_without_an_end_is_cut_off(gate, ssh):
    """Nobody fills this machine's memory."""
    ssh.answers(("x" * (MOST_BYTES + 1), "", 0))
    with pytest.raises(GateError):
        gate.ask(["access", "list"])


def test_text_of_a_hostile_gate_is_harmless(gate, ssh, capsys):
    """Whatever is sent, a terminal obeys none of it."""
    ssh.answers(("a\x1b]52;c;aWQ=\x07b\u202e\n", "\x1b[2J\n", 0))
    assert gate.pass_on(["access", "list"], terminal=False) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\u202e" not in out
    assert out.endswith("\n")


def test_terminal_gets_the_colours_of_the_gate_and_nothing_else(gate, ssh, capsys):
    """The command there has a terminal of its own."""
    ssh.answers(("\x1b[1mgrant\x1b[0m \x1b[2J\r\n", "", 3))
    assert gate.pass_on(["access", "list"], terminal=True) == 3
    assert capsys.readouterr().out == "\x1b[1mgrant\x1b[0m \\x1b[2J\r\n"
    [(argv, _)] = ssh.started
    assert argv[0] == "-tt"
