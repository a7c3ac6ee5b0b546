"""Effects on a host that isn't well: full, read-only, or filled by a person on purpose."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.system import Completed, System


def test_lock_is_held_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk doesn't stop closings: the note of who holds the lock is for messages only."""

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with System().lock(str(tmp_path / "lock"), 1):
        assert (tmp_path / "lock").exists()


def test_lock_is_held_on_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """flock(2) needs no right to write."""
    path = tmp_path / "lock"
    path.touch()
    real = os.open

    def read_only(name: str, flags: int, *more: int) -> int:
        if flags & (os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system")
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", read_only)
    with System().lock(str(path), 1):
        pass


def test_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that didn't get onto a full disk doesn't keep its room, and the old one stays whole."""
    path = tmp_path / "ledger.json"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        System().write(str(path), b"new", 0o600, os.getuid(), os.getgid())
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.json"]
    assert path.read_bytes() == b"old"


def test_folders_nested_deeper_than_the_stack_are_removed(tmp_path: Path):
    """A person may nest thousands of folders; that must neither stay nor end the run."""
    tree, before = tmp_path / "tree", Path.cwd()
    tree.mkdir()
    try:
        os.chdir(tree)
        for _level in range(1500):
            os.mkdir("d")  # noqa: PTH102 - the path as a whole is too long
            os.chdir("d")
    finally:
        os.chdir(before)
    try:
        System().remove_tree(str(tree))
        assert not tree.exists()
    finally:
        subprocess.run(["rm", "-rf", "--", tree], check=True)  # pytest's own clean-up would recurse


def test_link_in_a_tree_is_not_followed(tmp_path: Path):
    """Removing a tree removes links, not what they lead to."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    System().remove_tree(str(tmp_path / "tree"))
    assert (tmp_path / "kept/file").exists()


def test_tree_that_stays_is_an_error(tmp_path: Path):
    """rm's return code proves nothing: it is looked at."""

    class Lazy(System):
        def _run(self, *_arguments: object) -> Completed:
            return Completed(0, "", "")

    with pytest.raises(OSError, match="still there"):
        Lazy().remove_tree(str(tmp_path))
