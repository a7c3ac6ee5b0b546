"""`daypass gate keys`: which keys sshd is told of, and which never."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.cli.gate import keys as gate_keys
from daypass.errors import UsageError
from daypass.gate import key_index, knock
from daypass.gate.key_lines import key_line

ME = pwd.getpwuid(os.geteuid()).pw_name
ALICE, BOB, GONE, SHARED, NOBODY = (public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(5))
CONFIGURATION = """
state_dir: state
directory: directory.yaml
integrations:
  - {name: prod, servers: [{name: web-1, host: h}], secret: {file: key}}
"""


def people(*entries: tuple[str, list[str], bool]) -> str:
    return yaml.safe_dump(
        {
            "people": [
                {"login": login, "email": f"{login}@example.com", "public_keys": keys, "active": active}
                for login, keys, active in entries
            ]
        }
    )


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What the system's log gets."""
    lines: list[str] = []
    monkeypatch.setattr(gate_keys.syslog, "syslog", lambda _level, text: lines.append(text))
    return lines


@pytest.fixture
def ask(tmp_path: Path, told, capsys):
    """`ask(key)`: exit code and output, as sshd would see them."""
    (tmp_path / "daypass.yaml").write_text(CONFIGURATION)
    (tmp_path / "directory.yaml").write_text(
        people(("alice", [ALICE, SHARED], True), ("bob", [BOB, SHARED], True), ("gone", [GONE], False))
    )

    def call(key: str, user: str = ME) -> tuple[int, str]:
        words = [
            "--config",
            str(tmp_path / "daypass.yaml"),
            "--folder",
            str(tmp_path),
            "--broker",
            "b.example",
        ]
        try:
            gate_keys.keys.main([*words, "--", user, *key.split()], standalone_mode=False)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().out

    return call


def test_key_of_a_person_gets_a_line_that_allows_one_command(ask, tmp_path):
    """Everything is forbidden but a terminal and that command; it names person and key."""
    code, line = ask(ALICE)
    assert code == 0
    assert line == (
        f"restrict,pty,command=\"trap '' INT; exec {sys.executable} -I -S -X utf8 {knock.__file__} run "
        f"--config {tmp_path}/daypass.yaml --folder {tmp_path} --broker b.example "
        f'--person alice --key {ALICE}" {ALICE}\n'
    )


def test_key_that_stands_at_two_people_is_refused_for_both_and_told(ask, told):
    """The log names both; their other keys are good."""
    assert ask(SHARED) == (0, "")
    [line] = told
    assert "alice, bob: refused" in line
    assert "SHA256:" in line
    assert ask(BOB)[1]


@pytest.mark.parametrize("key", [GONE, NOBODY, "ssh-ed25519-cert-v01@openssh.com AAAA", "x y"])
def test_other_keys_get_nothing(ask, key):
    """Of somebody who left, of nobody, a certificate, nonsense."""
    assert ask(key) == (0, "")


def test_person_who_left_is_out_with_the_next_question(ask, tmp_path):
    """What was kept of the directory counts only as long as the directory is the same, byte for byte."""
    assert ask(ALICE)[1]
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    file = tmp_path / "directory.yaml"
    before = file.stat()
    file.write_text(people(("alice", [ALICE], False), ("bob", [BOB], True)))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ask(ALICE) == (0, "")
    assert ask(BOB)[1]


def test_kept_index_is_used_while_nothing_changes(ask, monkeypatch):
    """sshd asks twice in a login: the second time nothing but digests is computed."""
    first = ask(ALICE)
    monkeypatch.setattr("daypass.gate.people.read_keys", lambda *_: pytest.fail("read again"))
    assert ask(ALICE) == first


def test_directory_that_cannot_be_read_lets_nobody_in_and_says_so(ask, told, tmp_path):
    """sshd takes nothing from a command that failed, and the operator finds the reason in the log."""
    assert ask(ALICE)[1]
    (tmp_path / "directory.yaml").write_text("people: [{login: alice\x00}]")
    assert ask(ALICE) == (1, "")
    (tmp_path / "directory.yaml").unlink()
    assert ask(ALICE) == (1, "")
    assert all("nobody can come in" in line for line in told)
    assert len(told) == 2


def test_index_that_somebody_else_could_have_written_is_not_believed(ask, tmp_path):
    """Only a private file of this very user counts, and never through a link."""
    assert ask(ALICE)[1]
    index = tmp_path / "keys.json"
    forged = index.read_text().replace("alice", "boss")
    index.write_text(forged)
    index.chmod(0o620)
    assert "--person alice" in ask(ALICE)[1]
    (tmp_path / "elsewhere.json").write_text(forged)
    (tmp_path / "elsewhere.json").chmod(0o600)
    index.unlink()
    index.symlink_to("elsewhere.json")
    assert "--person alice" in ask(ALICE)[1]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', "null", "{" * 1000])
def test_broken_index_is_made_anew(ask, tmp_path, content):
    """It is a copy; the directory is the truth."""
    (tmp_path / "keys.json").write_text(content)
    (tmp_path / "keys.json").chmod(0o600)
    assert "--person alice" in ask(ALICE)[1]


def test_index_that_cannot_be_kept_keeps_nobody_out(ask, monkeypatch):
    """A full disk costs time, not access."""
    monkeypatch.setattr(key_index.tempfile, "mkstemp", lambda **_: (_ for _ in ()).throw(OSError(28, "full")))
    assert ask(ALICE)[1]


def test_only_the_gates_own_account_is_opened(ask, told):
    """Outside of its Match block the command would open root with anybody's key."""
    assert ask(ALICE, user="root" if ME != "root" else "nobody") == (1, "")
    assert told


def test_path_that_a_shell_would_take_apart_is_refused():
    """sshd hands the command to a shell: no quoting is relied upon."""
    for path in ("/etc/day pass.yaml", "/etc/$x", '/etc/"x', "/etc/x;y", "/etc/x\ny"):
        with pytest.raises(UsageError):
            key_line("/usr/bin/python3", path, "/f", "broker", "alice", ALICE)


def test_question_is_answered_without_the_heavy_part_of_daypass(ask, tmp_path):
    """sshd waits for it twice in each login: neither settings nor database libraries are loaded."""
    ask(ALICE)
    words = ["--config", str(tmp_path / "daypass.yaml"), "--folder", str(tmp_path), "--broker", "b"]
    script = (
        "import sys; from daypass.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([m for m in ('pydantic', 'rich', 'sqlalchemy', 'cryptography') if m in sys.modules])"
    )
    argv = [sys.executable, "-I", "-c", script, "gate", "keys", *words, "--", ME, *ALICE.split()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "--person alice" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_directory_on_another_machine_is_asked_again_when_it_is_time(tmp_path):
    """No question at each login, and none that is put off by a clock that ran ahead."""
    built: list[float] = []
    config = tmp_path / "daypass.yaml"
    config.write_text(CONFIGURATION)

    def ask_at(now: float) -> None:
        def build() -> key_index.KeyIndex:
            built.append(now)
            return key_index.KeyIndex({}, {}, {str(config): key_index.digest(config)}, now + 60)

        key_index.current(tmp_path / "keys.json", config, "1", now, build)

    for now in (1e9, 1e9 + 59, 1e9 + 60, 1e9 + 100, 1.0):
        ask_at(now)
    assert built == [1e9, 1e9 + 60, 1.0]
