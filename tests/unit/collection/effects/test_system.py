"""Effects on a host that isn't well: full, read-only, or filled by a person on purpose."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects import files, system
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System


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


def test_tree_that_takes_too_long_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One person's millions of files don't keep the lock; what is left goes with the next run."""
    monkeypatch.setattr(files, "REMOVE_TREE_SECONDS", -1)
    (tmp_path / "tree/folder").mkdir(parents=True)
    with pytest.raises(OSError, match="too much"):
        System().remove_tree(str(tmp_path / "tree"))
    assert (tmp_path / "tree/folder").exists()


def test_tree_that_is_gone_or_no_folder_is_removed_too(tmp_path: Path):
    """A file goes, a link goes without what it leads to, nothing stays nothing."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("file", "link", "nothing"):
        System().remove_tree(str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_can_go_goes_where_something_cant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One thing that refuses is reported, and everything beside it is gone."""
    (tmp_path / "tree/inner/deeper").mkdir(parents=True)
    (tmp_path / "tree/stays").mkdir()
    real = os.rmdir

    def rmdir(path: str, **rest: int) -> None:
        if path == "stays":
            raise OSError(errno.EBUSY, "busy", path)
        real(path, **rest)

    monkeypatch.setattr(os, "rmdir", rmdir)
    with pytest.raises(OSError, match="busy"):
        System().remove_tree(str(tmp_path / "tree"))
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["stays"]


def test_program_that_hung_once_is_not_waited_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With fifty accounts to close, no hanging usermod takes half a minute each; what it began ends too."""
    program = tmp_path / "hangs"
    sleep = f"sleep 617.{os.getpid()}"  # nobody else's, who tests beside us
    program.write_text(f"#!/bin/sh\n{sleep} &\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(system, "HUNG_SECONDS", 0.2)
    host = System()
    began = time.monotonic()
    codes = [host.attempt([str(program)], timeout_seconds=limit).rc for limit in (1, 30, 30)]
    assert (codes, time.monotonic() - began < 10) == ([124, 124, 124], True)
    assert subprocess.run(["pgrep", "-f", sleep], check=False, capture_output=True).returncode == 1
    assert host.query(["true"]).rc == 0


def test_question_is_answered_beside_other_work():
    """Whoever begins to ask goes on; what asking raised is raised where the answer is waited for."""
    system = System()
    gate = threading.Event()
    answer = system.beside(lambda: gate.wait(10))
    refused = system.beside(lambda: system.read("/"))
    gate.set()
    assert answer() is True
    with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
        refused()


def test_question_that_waits_for_a_program_begins_with_it():
    """What takes computing takes no time from what comes before a program runs; none may come: then at the
    latest when its answer is wanted."""
    system = System()
    begun: list[str] = []
    first = system.beside(lambda: begun.append("first"), at_once=False)
    assert begun == []
    system.query(["sleep", "0.01"])
    first()
    second = system.beside(lambda: begun.append("second"), at_once=False)
    second()
    second()
    assert begun == ["first", "second"]
