"""`daypass gate run`: what people may type, as whom it counts, and what nobody can say."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.cli import main
from daypass.cli.gate import offer as gate_offer
from daypass.cli.gate.offer import OFFERED, Offered, serve
from daypass.cli.render import Screen
from daypass.client.answer import read_answer
from daypass.domain.events import Event
from daypass.gate.caller import Caller, address_of, kept_environment
from daypass.gate.slots import MOST_OF_ONE, MOST_RUNNING, BusyError, place
from daypass.store import open_store
from tests.initialised import ALICE_ASKS_BOB, initialised

KEYS = {login: public_line(load_ca_key(generate_ca_key("ed25519"))) for login in ("alice", "bob", "emil")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with people, initialised."""
    return initialised(tmp_path_factory.mktemp("made"), ALICE_ASKS_BOB, KEYS).parent


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


class Gate:
    """The gate as one person after the other sees it, in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        capsys.readouterr()

    def __call__(self, login: str, *words: str, code: int | None = 0) -> str:
        caller = Caller(login, KEYS[login], "192.0.2.7", "ssh daypass@broker")
        ended = serve(caller, self.folder / "daypass.yaml", words)
        out, err = self.capsys.readouterr()
        self.err = err
        assert code is None or ended == code, out + err
        return out

    def events(self) -> list[Event]:
        store = open_store(self.folder / "state" / "daypass.sqlite3")
        with store.read() as view:
            found = list(view.events(limit=1000))
        store.close()
        return found


@pytest.fixture
def gate(folder, capsys) -> Gate:
    return Gate(folder, capsys)


NEW = ("request", "new", "--server", "web-1", "--group", "ops", "--for", "1h", "--reason", "nginx is down")


def test_request_is_the_persons_own_with_the_key_that_logged_in(gate):
    """Nobody says who he is: the record names the person, and the address that the person came from."""
    made = json.loads(gate("alice", *NEW, "-o", "json"))["request"]
    assert (made["requester"], made["grantee"], made["state"]) == ("alice", "alice", "pending")
    [event] = [one for one in gate.events() if one.kind == "request.made"]
    assert event.actor == "person:alice via gate 192.0.2.7"
    store = open_store(gate.folder / "state" / "daypass.sqlite3")
    with store.read() as view:
        asked = view.request(made["id"])
    store.close()
    assert asked.public_key == KEYS["alice"]


def test_who_is_asked_answers_and_others_see_nothing(gate):
    """Lists hold what concerns a person; what doesn't is as good as not there."""
    made = json.loads(gate("alice", *NEW, "-o", "json"))["request"]["id"]
    assert made in gate("bob", "request", "list")
    assert f"ssh daypass@broker request approve {made}" in gate.err
    assert made not in gate("emil", "request", "list")
    gate("emil", "request", "show", made, code=2)
    gate("emil", "request", "cancel", made, code=4)
    assert "hint: ssh daypass@broker request list" in gate.err
    gate("emil", "request", "approve", made, code=4)
    gate("bob", "request", "deny", made, "--reason", "use the replica")
    assert "use the replica" in gate("alice", "request", "show", made)


def test_hints_name_what_is_typed_at_the_gate(gate):
    """`--as` is for operators, and there is no file to save to."""
    gate("alice", *NEW)
    assert "ssh daypass@broker request approve" in gate.err
    assert "--as" not in gate.err


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "/etc/passwd"],
        ["--as", "bob"],
        ["--as=bob"],
        ["--public-key", "/etc/shadow"],
        ["--save", "/tmp/x"],
        ["--check-files"],
        ["--person", "bob"],
    ],
)
@pytest.mark.parametrize("command", sorted(OFFERED))
def test_options_of_operators_are_unknown_here(gate, command, words):
    """Before the command, between its words and after them."""
    for argv in ([*words, *command], [command[0], *words, command[1]], [*command, *words]):
        gate("alice", *argv, code=2)
    assert len(gate.events()) <= 2, "nothing but what init recorded"


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["grant", "--login", "alice"],
        ["reconcile"],
        ["audit", "list"],
        ["ca", "show"],
        ["gate", "run"],
        ["servers", "list"],
        ["internal-sftp"],
        ["/usr/lib/openssh/sftp-server"],
        ["scp", "-t", "/tmp"],
        ["rsync", "--server", ".", "/"],
        ["sh", "-c", "id"],
        ["request"],
        ["request", "extend"],
    ],
)
def test_other_commands_are_refused(gate, words):
    """Operators' commands, file transfer, other programs: exit code 2, and nothing happens."""
    gate("alice", *words, code=2 if words != ["request"] else None)
    assert len(gate.events()) <= 2


def test_every_parameter_of_an_offered_command_is_kept_or_withheld(tmp_path):
    """A new option of a command is offered here by a decision, not by itself."""
    root = Offered(Caller("alice", KEYS["alice"], "", "ssh b"), tmp_path)
    context = click.Context(root)
    assert root.list_commands(context) == list(gate_offer.SHORT)
    for (name, command), kept in OFFERED.items():
        group = root.get_command(context, name)
        assert isinstance(group, click.Group)
        found = {param.name for param in group.commands[command].params} - {"sent"}
        assert found == {*kept, *gate_offer.ALWAYS}, (name, command)


def test_help_shows_what_is_typed_here(gate):
    """Each example can be typed as it stands."""
    for words in (["help"], ["--help"], ["request", "new", "--help"], ["request", "approve", "-h"]):
        shown = gate("alice", *words)
        assert "ssh daypass@broker" in shown
        assert "--as" not in shown
        assert "--config" not in shown


def test_page_shows_what_concerns_the_person_with_the_line_to_type(gate):
    """What I have, what I asked for, what waits for me, what I could ask for."""
    first = gate("alice")
    assert "you have no access now" in first
    assert "production" in first
    assert "ssh daypass@broker request new --server web-1 --for 1h" in first
    made = json.loads(gate("alice", *NEW, "-o", "json"))["request"]["id"]
    assert made in gate("alice").partition("your open requests")[2]
    waiting = gate("bob")
    assert f"ssh daypass@broker request approve {made}" in waiting
    assert "nginx is down" in waiting
    assert "could ask for" not in waiting
    assert made not in gate("emil")


def picked(monkeypatch, gate, login: str, *answers: str, code: int = 0) -> str:
    """The gate with a terminal, and what is typed at its questions."""
    typed = iter(answers)
    monkeypatch.setattr(Screen, "asks", True)
    monkeypatch.setattr("click.prompt", lambda *_args, **more: next(typed) or more["default"])
    return gate(login, code=code)


def test_what_is_picked_is_what_would_be_typed(monkeypatch, gate):
    """Asking and answering by numbers and names; a wrong number is asked again."""
    shown = picked(monkeypatch, gate, "alice", "9", "1", "production", "1", "ops", "30m", "INC-7")
    assert "is pending" in shown
    [event] = [one for one in gate.events() if one.kind == "request.made"]
    assert (event.details["servers"], event.details["groups"]) == (["web-1"], ["ops"])
    assert (event.details["length_seconds"], event.details["justification"]) == (1800, "INC-7")
    assert "denied" in picked(monkeypatch, gate, "bob", "answer a request", "1", "deny", "--as emil")
    assert "no request" not in gate.err


def test_nothing_is_picked_by_enter_and_nothing_odd_by_typing(monkeypatch, gate):
    """Escape sequences are refused at questions, too."""
    picked(monkeypatch, gate, "alice", "")
    picked(monkeypatch, gate, "alice", "1", "1", "web-1\x1b[2J", code=2)
    assert not [one for one in gate.events() if one.kind == "request.made"]


def test_words_that_lost_their_quotes_are_told_how_to_keep_them(gate):
    """ssh joins words with spaces: `--reason "two words"` comes without its quotes."""
    gate("alice", "request", "show", "01X", "two", "words", code=2)
    assert "quote twice" in gate.err


def test_justification_reaches_an_approver_written_out(gate):
    """Whoever asks over another way in may have typed anything: terminals obey none of it."""
    nasty = "fix\x1b]0;pwned\x07\x1b[2Jit\u202e"
    words = ["--config", str(gate.folder / "daypass.yaml"), "--as", "alice"]
    with pytest.raises(SystemExit):
        main([*NEW[:-1], nasty, *words])
    gate.capsys.readouterr()
    seen = gate("bob", "request", "list")
    assert "\x1b" not in seen
    assert "\x07" not in seen
    assert "\u202e" not in seen


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["request", "list", "show", "new", "--as", "bob", "-o", "json", "--", "-", "help", "@x"]
        )
        | st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=6),
        max_size=6,
    )
)
def test_whatever_is_typed_ends_with_an_answer_and_changes_nothing(gate, words):
    """No word makes the gate fall over."""
    if words[:2] == ["request", "new"] and "--server" in words:
        return
    gate("emil", *words, code=None)
    assert "Traceback" not in gate.err


RUN = ("-I", "-X", "utf8", "-m", "daypass", "gate", "run")


def forced(
    folder: Path, typed: str | None, *, stdin: bytes = b"", **more: str
) -> subprocess.CompletedProcess[bytes]:
    """The forced command as sshd starts it."""
    words = ["--config", str(folder / "daypass.yaml"), "--folder", str(folder), "--broker", "broker"]
    words += ["--person", "alice", "--key", *KEYS["alice"].split()]
    environment = {"PATH": "/usr/bin", "SSH_CONNECTION": "192.0.2.7 1 192.0.2.1 22", **more}
    if typed is not None:
        environment["SSH_ORIGINAL_COMMAND"] = typed
    argv = [sys.executable, *RUN, *words]
    return subprocess.run(argv, env=environment, input=stdin, capture_output=True, check=False)


def test_variables_of_the_client_mean_nothing(folder):
    """Neither another configuration nor Python's own variables nor a locale without the letters."""
    done = forced(
        folder,
        "request new --server web-1 --reason grün -o json",
        DAYPASS_CONFIG="/nowhere",
        PYTHONPATH="/nowhere",
        PYTHONINSPECT="1",
        LC_ALL="C",
        SUDO_USER="mallory",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["request"]["justification"] == "grün"


def test_a_laptop_is_told_what_plain_ssh_needs(gate):
    """The answer is the one that a client takes; who asks is known here."""
    found = read_answer(gate("alice", "access", "ssh-config", "-o", "json"))
    assert (found.login, found.servers) == ("alice", ())


def test_resident_has_loaded_all_that_commands_need(folder):
    """What a command loads itself, it loads again each time: nothing of ours, no other library."""
    script = (
        "import os, sys\n"
        "from daypass.cli.gate import serve as gate_serve\n"
        "gate_serve.load_everything()\n"
        "known, typed = set(sys.modules), ['', 'access list', 'request list', 'help', sys.argv[1]]\n"
        "for os.environ['SSH_ORIGINAL_COMMAND'] in typed:\n"
        "    try: gate_serve._act(sys.argv[2:])\n"
        "    except SystemExit as end: assert end.code == 0\n"
        "more = set(sys.modules) - known\n"
        "print('more:', [m for m in more if m.partition('.')[0] in {'daypass', *more}])"
    )
    words = ["run", "--config", str(folder / "daypass.yaml"), "--folder", str(folder), "--broker", "broker"]
    words += ["--person", "alice", "--key", *KEYS["alice"].split()]
    argv = [sys.executable, "-I", "-X", "utf8", "-c", script, "request new --server web-1 --reason x", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("more: []\n"), done.stdout[-2000:] + done.stderr


def test_a_laptop_without_daypass_is_sent_an_archive(folder):
    """For the key that logged in, under the file name that it has there."""
    done = forced(folder, "access ssh-config --archive --key-name id_ed25519")
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert archive.getnames()[-1].endswith("/config")
    assert forced(folder, "access ssh-config --archive --key-name '../x'").returncode == 2


def test_key_comes_over_standard_input(folder):
    """Another machine's key: checked like any other, and the one that is signed."""
    typed = "request new --server web-1 --reason INC-7 --public-key - -o json"
    done = forced(folder, typed, stdin=KEYS["emil"].encode() + b" laptop\n")
    assert done.returncode == 0, done.stderr
    store = open_store(folder / "state" / "daypass.sqlite3")
    with store.read() as view:
        assert view.request(json.loads(done.stdout)["request"]["id"]).public_key == KEYS["emil"]
    store.close()
    refused = forced(folder, typed, stdin=b"-----BEGIN OPENSSH PRIVATE KEY-----")
    assert refused.returncode == 2
    assert b"private key" in refused.stderr or b"public_key_is_private" in refused.stdout


def test_odd_command_is_refused_before_anything_is_loaded(folder):
    """Exit code 2, with the way to quote."""
    done = forced(folder, "request list\nid")
    assert done.returncode == 2
    assert b"can't be printed" in done.stderr


def test_one_person_has_a_few_places_and_all_have_some(tmp_path):
    """More of one are sent away at once; others wait, and not for ever."""
    held = [place(tmp_path / "p", "alice") for _ in range(MOST_OF_ONE)]
    for one in held:
        one.__enter__()
    with pytest.raises(BusyError, match="alice has"), place(tmp_path / "p", "alice"):
        pass
    others = [place(tmp_path / "p", f"person{n}") for n in range(MOST_RUNNING - MOST_OF_ONE)]
    for one in others:
        one.__enter__()
    with pytest.raises(BusyError, match="too many"), place(tmp_path / "p", "bob", wait_seconds=0):
        pass
    held[0].__exit__(None, None, None)
    with place(tmp_path / "p", "bob", wait_seconds=0):
        pass
    for one in (*held[1:], *others):
        one.__exit__(None, None, None)


def test_command_that_does_not_end_gives_its_place_back():
    """A client that reads nothing of its answer holds nobody up; a pipe that is full stands for it."""
    script = (
        "import os; from daypass.cli.gate.run import end_after; end_after(0.2); os.write(1, b'x' * 2**20)"
    )
    stuck = subprocess.Popen([sys.executable, "-I", "-c", script], stdout=subprocess.PIPE)
    try:
        assert stuck.wait(60) == 1
    finally:
        stuck.kill()
        stuck.communicate()


def test_only_sound_values_of_the_environment_are_kept():
    """A terminal's name and the address as sshd writes it."""
    assert kept_environment({"TERM": "xterm-256color", "LD_PRELOAD": "x"}, "/h") == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/h",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    assert "TERM" not in kept_environment({"TERM": "x\x1b[2J"}, "/h")
    assert address_of({"SSH_CONNECTION": "fe80::1%eth0 1 2 3"}) == "fe80::1%eth0"
    assert address_of({"SSH_CONNECTION": "a b"}) == ""
    assert address_of(os.environ | {"SSH_CONNECTION": ""}) == ""
