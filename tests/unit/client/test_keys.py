"""Key pairs: made by the real ssh-keygen, both halves or none, never over another file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.ca.public_keys import PublicKeyRefused
from daypass.client.keys import FIDO_TYPE, make_pair, public_key_of
from daypass.errors import UsageError

SECONDS = 60


@pytest.fixture
def private(tmp_path: Path) -> Path:
    return tmp_path / ".ssh" / "daypass"


def passphrase_opens(private: Path, passphrase: str) -> bool:
    words = ["ssh-keygen", "-y", "-P", passphrase, "-f", str(private)]
    return subprocess.run(words, capture_output=True, timeout=SECONDS, check=False).returncode == 0


def names(private: Path) -> list[str]:
    return sorted(path.name for path in private.parent.iterdir())


def test_pair_is_made_with_the_folder_and_the_private_half_for_its_owner_alone(private):
    """ed25519, as OpenSSH makes it."""
    assert public_key_of(private) is None
    make_pair(private, passphrase=False)
    key = public_key_of(private)
    assert key is not None
    assert key.type == "ssh-ed25519"
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.parent.stat().st_mode & 0o777 == 0o700
    assert names(private) == ["daypass", "daypass.pub"]
    assert passphrase_opens(private, "")


MAKE = """
import sys; from pathlib import Path; from daypass.client.keys import make_pair
make_pair(Path(sys.argv[1]))
"""


def test_passphrase_is_asked_on_the_terminal_by_ssh_keygen_itself(private):
    """It stands in no argument; the private key is worth nothing without it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", MAKE, str(private)])  # noqa: S606 - no shell
    said = b""
    answers = [(b"no passphrase): ", b"open sesame\n"), (b"same passphrase again: ", b"open sesame\n")]
    while True:
        try:
            chunk = os.read(terminal, 1024)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        said += chunk
        if answers and said.endswith(answers[0][0]):
            os.write(terminal, answers.pop(0)[1])
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert (os.waitstatus_to_exitcode(status), answers) == (0, []), said
    assert passphrase_opens(private, "open sesame")
    assert not passphrase_opens(private, "")


def test_without_a_terminal_no_key_is_made_without_a_word(private):
    """A key without a passphrase is somebody's decision."""
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(private)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "nobody can be asked for its passphrase" in done.stderr
    assert not private.parent.exists()


@pytest.mark.parametrize("there", ["daypass", "daypass.pub"])
def test_nothing_that_is_there_is_overwritten(private, there):
    """Neither half, whatever it is."""
    private.parent.mkdir()
    file = private.parent / there
    file.write_text("mine")
    with pytest.raises(UsageError) as refused:
        make_pair(private, passphrase=False)
    assert refused.value.code == "key_exists"
    assert (file.read_text(), names(private)) == ("mine", [there])


def test_key_that_came_meanwhile_is_not_overwritten(private, monkeypatch):
    """Two runs at a time: one of them makes the pair, the other says so."""
    run = subprocess.run

    def other_first(*words, **more):
        done = run(*words, **more)
        private.write_text("mine")
        return done

    monkeypatch.setattr(subprocess, "run", other_first)
    with pytest.raises(UsageError) as refused:
        make_pair(private, passphrase=False)
    assert refused.value.code == "key_not_made"
    assert (private.read_text(), names(private)) == ("mine", ["daypass"])


def test_fido_key_without_an_authenticator_leaves_nothing(private, monkeypatch):
    """The real ssh-keygen finds none; the answer says what to look at."""
    monkeypatch.setenv("SSH_SK_PROVIDER", "/nowhere.so")
    with pytest.raises(UsageError, match="authenticator") as refused:
        make_pair(private, key_type=FIDO_TYPE, passphrase=False)
    assert refused.value.code == "key_not_made"
    assert names(private) == []


def test_fido_key_is_asked_of_ssh_keygen(private, tmp_path, monkeypatch):
    """A program in its place writes down what it was given."""
    fake = tmp_path / "bin" / "ssh-keygen"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\necho "$@" > "$LOG"\nwhile [ "$1" != -f ]; do shift; done\n: > "$2"; : > "$2.pub"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    make_pair(private, key_type=FIDO_TYPE, passphrase=False)
    assert (tmp_path / "log").read_text().startswith("-t ed25519-sk -f ")
    assert names(private) == ["daypass", "daypass.pub"]


def test_private_half_alone_is_told_how_to_get_the_other(private):
    """Only its owner can make it: it may take the passphrase."""
    make_pair(private, passphrase=False)
    private.with_name("daypass.pub").unlink()
    with pytest.raises(UsageError) as refused:
        public_key_of(private)
    assert f"ssh-keygen -y -f {private}" in refused.value.hint


def test_key_that_is_not_signed_is_refused_here_already(private):
    """Before anything is sent."""
    private.parent.mkdir()
    private.with_name("daypass.pub").write_text("ssh-dss AAAA\n")
    with pytest.raises(PublicKeyRefused):
        public_key_of(private)
