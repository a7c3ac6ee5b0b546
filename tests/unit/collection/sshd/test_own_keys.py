"""A person's own authorized_keys are compared without being waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import SSHD_DROPIN
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.facts import own_keys
from ansible_collections.daypass.ssh.plugins.module_utils.facts.account_files import Passwd
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import dropin


class Host(System):
    """The machine that runs the test, with a drop-in of its own."""

    def read(self, path: str) -> bytes | None:
        return dropin.render_dropin("apono", (), "%h/keys").encode() if path == SSHD_DROPIN else None


def digest(home: Path) -> str:
    return own_keys.digest(Host(), Passwd("jane", 1501, 1501, "", str(home), "/bin/sh"))


def test_digest_is_that_of_the_files_that_sshd_reads(tmp_path: Path):
    """What sshd looks at says whether she has another way in than before."""
    (tmp_path / "keys").write_text("ssh-ed25519 AAAA\n")
    first = digest(tmp_path)
    assert first.startswith("sha256:")
    (tmp_path / "keys").write_text("ssh-ed25519 AAAB\n")
    assert digest(tmp_path) != first


def test_no_file_is_told_as_none(tmp_path: Path):
    """Most people with a certificate have none."""
    assert digest(tmp_path) == own_keys.NONE


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b"x" * (own_keys.BYTES_MAX + 1)),
    ],
    ids=["fifo", "link", "folder", "too large"],
)
def test_what_could_hold_us_up_isn_t_read(tmp_path: Path, make: Callable[[Path], None]):
    """Nobody can delay another one's deadline with what lies in his home."""
    make(tmp_path / "keys")
    began = time.monotonic()
    assert digest(tmp_path) == own_keys.UNREADABLE
    assert time.monotonic() - began < own_keys.TIMEOUT_SECONDS


def test_folder_that_is_a_link_isn_t_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Below the home nothing is followed, not only at the end of the path."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "authorized_keys").write_text("x")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".ssh").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(own_keys, "joined_base", lambda _content: None)
    assert digest(tmp_path / "home") == own_keys.UNREADABLE


@pytest.mark.parametrize(
    ("base", "paths"),
    [
        (".ssh/authorized_keys", ["/home/jane/.ssh/authorized_keys"]),
        ("%h/a /srv/%u/%U /srv/%%h", ["/home/jane/a", "/srv/jane/1501", "/srv/%h"]),
    ],
)
def test_tokens_stand_for_what_sshd_says(base: str, paths: list[str]):
    """sshd_config(5), TOKENS."""
    entry = Passwd("jane", 1501, 1501, "", "/home/jane", "/bin/sh")
    assert own_keys.paths_of(base, entry) == paths
