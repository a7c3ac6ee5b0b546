"""Key lines that end leave a full disk too."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply import account_steps
from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System

STAYS = 'restrict,pty,cert-authority,principals="daypass-G2-1" ssh-ed25519 AAAA\n'
ENDS = 'restrict,pty,cert-authority,principals="daypass-G1-1" ssh-ed25519 AAAA\n'


class Full(System):
    """No file can be made; `frozen`: none can be changed either."""

    def __init__(self, *, frozen: bool = False) -> None:
        self.frozen = frozen

    def write(self, path, *_words, **_more):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    def blank_lines(self, path, gone):
        if self.frozen:
            raise OSError(errno.EROFS, "Read-only file system", path)
        super().blank_lines(path, gone)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(names, "KEYS_FOLDER", str(tmp_path))
    (tmp_path / "alice").write_text(ENDS + STAYS)
    return tmp_path / "alice"


def test_line_that_ends_becomes_a_comment_and_the_other_stays(file: Path):
    """In place, without a byte more; it is told."""
    warning = account_steps.narrow_keys(Full(), "alice", 70007, STAYS)
    assert warning is not None
    assert "No space" in warning
    assert file.read_text() == "# " + ENDS[2:] + STAYS


def test_file_that_can_t_be_changed_goes_as_a_whole(file: Path):
    """A login that should end is worse than one that fails; the failure is reported."""
    with pytest.raises(OSError, match="No space"):
        account_steps.narrow_keys(Full(frozen=True), "alice", 70007, STAYS)
    assert not file.exists()


def test_a_login_that_looks_like_a_number_after_a_comment_mark_gets_no_rule(tmp_path: Path):
    """In sudoers `#1000` is a user: the mark has a blank after it."""
    path = tmp_path / "rules"
    path.write_text("a1000 ALL=(root) NOPASSWD: ALL\n")
    System().blank_lines(str(path), lambda _line: True)
    assert path.read_text() == "# 000 ALL=(root) NOPASSWD: ALL\n"
