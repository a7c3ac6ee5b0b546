"""Setuid files: found where somebody could run them, left alone where a package brought them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.report import deep_search


class Host(System):
    """A clock that a test moves, and lists of packages."""

    def __init__(self, lists: dict[str, bytes] | None = None) -> None:
        self.lists = lists or {}
        self.now = 0.0

    def names(self, folder: str) -> list:
        return sorted(self.lists) if folder == deep_search.PACKAGE_LISTS else super().names(folder)

    def read(self, path: str) -> bytes | None:
        return self.lists[Path(path).name]

    def monotonic(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A disk of our own, mounted at a folder where everybody gets in."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    walked = deep_search._files
    monkeypatch.setattr(deep_search, "_files", lambda roots: walked([str(tmp_path)]))
    return tmp_path


def setid(path: Path, mode: int = 0o4755) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(mode)
    return str(path)


def test_files_that_run_with_another_ones_rights_are_found(disk):
    """Setuid and setgid, with whose rights they are; plain files and folders are none."""
    mine = setid(disk / "a/mine")
    both = setid(disk / "both", 0o6755)
    setid(disk / "plain", 0o755)
    (disk / "shared").mkdir()
    (disk / "shared").chmod(0o2775)
    found = dict(deep_search.search(Host(), [], 1000).setid)
    assert found == {mine: f"uid {os.getuid()}", both: f"uid {os.getuid()} and gid {os.getgid()}"}


def test_what_packages_brought_is_left_out(disk):
    """Their lists name /bin/su where the file is /usr/bin/su."""
    known = setid(disk / "su")
    mine = setid(disk / "mine")
    host = Host({"login.list": f"/.\n{known}\n".encode(), "notes.md5sums": mine.encode()})
    assert [path for path, _rights in deep_search.search(host, [], 1000).setid] == [mine]


def test_what_nobody_can_reach_is_left_out(disk):
    """A copy in a folder of root's alone runs for root alone."""
    setid(disk / "images/layer/su")
    (disk / "images").chmod(0o700)
    os.chown(disk / "images", 0, 0) if os.getuid() == 0 else pytest.skip("needs root")
    assert deep_search.search(Host(), [], 1000).setid == ()


def test_a_search_ends_in_time_and_says_where(disk):
    """A host with millions of files isn't held up; what wasn't looked at isn't called clean."""
    for number in range(20):
        (disk / f"folder{number}").mkdir()
    deep = deep_search.search(Host(), [], 5)
    assert deep.stopped_at.startswith(str(disk))
    assert deep_search.search(Host(), [], 1000).stopped_at == ""
