"""The agent holds keys for a wave, and ends with it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.domain.secrets import Secret
from daypass.errors import ExecutionError
from daypass.execution.agent import Agent


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path for the socket."""
    made = Path(tempfile.mkdtemp(prefix="daypass-"))
    yield made
    shutil.rmtree(made)


def make_key(folder: Path, name: str, *, passphrase: str = "", kind: str = "ed25519") -> tuple[Secret, str]:
    file = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "note", "-f", str(file)]
    subprocess.run(command, check=True)
    public = " ".join(file.with_suffix(".pub").read_text().split()[:2])
    return Secret(file.read_bytes()), public


def test_keys_are_held_in_the_order_of_adding(folder: Path) -> None:
    """The connector's key comes first, so its public half can be told from the others."""
    keys = [make_key(folder, "a"), make_key(folder, "b", kind="ecdsa")]
    with Agent(folder / "agent") as agent:
        for key, _ in keys:
            agent.add(key, lifetime_seconds=30)
        assert agent.public_keys() == [public for _, public in keys]


def test_agent_is_gone_when_the_wave_is_over(folder: Path) -> None:
    """At once, not at the agent's next look; closing twice is harmless."""
    with Agent(folder / "agent") as agent:
        pass
    agent.close()
    listed = subprocess.run(
        ["ssh-add", "-l"], env={"SSH_AUTH_SOCK": str(folder / "agent"), "PATH": "/usr/bin"}, check=False
    )
    assert listed.returncode == 2


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"])
def test_key_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    """The error names the key's kind of trouble and shows nothing of it."""
    with Agent(folder / "agent") as agent, pytest.raises(ExecutionError) as caught:
        agent.add(Secret(content), lifetime_seconds=30)
    assert caught.value.code == "connector_key"


def test_key_with_a_passphrase_is_refused_without_a_question(folder: Path) -> None:
    """Nobody is there to type it."""
    key, _ = make_key(folder, "locked", passphrase="correct horse")
    with Agent(folder / "agent") as agent, pytest.raises(ExecutionError, match="passphrase"):
        agent.add(key, lifetime_seconds=30)


def test_agent_that_can_not_listen_is_an_error(folder: Path) -> None:
    """A wave without an agent doesn't start."""
    with pytest.raises(ExecutionError):
        Agent(folder / "missing" / "agent")
