"""Setuid and setgid copies lose their bits, and nothing else does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import setid_files
from ansible_collections.daypass.ssh.plugins.module_utils.sessions.setid_files import Lost

UID = os.getuid()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and one open folder beside it."""
    (tmp_path / "home/deep").mkdir(parents=True)
    (tmp_path / "open").mkdir()
    monkeypatch.setattr(setid_files, "OPEN_FOLDERS", (str(tmp_path / "open"),))
    return tmp_path / "home"


def armed(path: Path, mode: int = 0o6755) -> Path:
    """A file with setuid and setgid bits."""
    path.write_text("x")
    path.chmod(mode)
    return path


def test_copies_lose_both_bits_wherever_they_lie(home: Path):
    """A copy made while in a group gives that group's rights no longer."""
    files = [armed(home / "deep/copy"), armed(home.parent / "open/copy", 0o2711)]
    assert setid_files.disarm(System(), {UID: Lost(str(home))}).warnings == {UID: []}
    assert [path.stat().st_mode & 0o7777 for path in files] == [0o755, 0o711]


def test_others_files_and_links_stay_as_they_are(home: Path):
    """Only the account's own regular files are touched, never what a link leads to."""
    outside = armed(home.parent / "outside")
    (home / "link").symlink_to(outside)
    (home / "folder-link").symlink_to(home.parent)
    setid_files.disarm(System(), {UID: Lost(str(home))})
    assert outside.stat().st_mode & 0o7777 == 0o6755
    copy = armed(home / "copy")
    setid_files.disarm(System(), {UID + 1: Lost(str(home))})
    assert copy.stat().st_mode & 0o7777 == 0o6755


def test_home_that_is_a_link_or_missing_is_left(home: Path):
    """A home that leads elsewhere isn't looked through."""
    outside = armed(home.parent / "outside")
    (home.parent / "alias").symlink_to(home.parent)
    setid_files.disarm(System(), {UID: Lost(str(home.parent / "alias")), UID + 1: Lost("/nonexistent/home")})
    assert outside.stat().st_mode & 0o7777 == 0o6755


def test_folders_nested_deeper_than_the_stack_dont_end_the_closing(home: Path):
    """A person may nest thousands of folders; what can't be reached is told."""
    before = Path.cwd()
    try:
        os.chdir(home)
        for _level in range(2200):
            os.mkdir("d")  # noqa: PTH102 - the path as a whole is too long
            os.chdir("d")
        os.chdir(before)
        (warning,) = setid_files.disarm(System(), {UID: Lost(str(home))}).warnings[UID]
        assert "can't be looked at" in warning
    finally:
        os.chdir(before)
        subprocess.run(["rm", "-rf", "--", home], check=True)  # pytest's own clean-up would recurse


def test_one_home_doesnt_use_up_the_time_of_the_next(home: Path):
    """Each place has its own limit, and what wasn't looked through is told."""

    class Slow(System):
        """The first home takes for ever."""

        def __init__(self) -> None:
            self.time = 0.0

        def monotonic(self) -> float:
            self.time += 4 if self.time < 9 else 0
            return self.time

    other = home.parent / "other"
    other.mkdir()
    for folder in (home, other):
        for name in "abc":
            (folder / name).touch()
        (folder / "copy").touch()
        (folder / "copy").chmod(0o4755)
    warnings = setid_files.disarm(Slow(), {UID + 1: Lost(str(home)), UID: Lost(str(other))}).warnings
    assert "wasn't looked through" in warnings[UID + 1][0]
    assert not (other / "copy").stat().st_mode & 0o4000


def test_time_that_is_up_for_all_leaves_the_rest_to_be_gone_on_with(home: Path):
    """Where somebody waits, all places together have a limit, and whose weren't finished is told."""

    class Slow(System):
        """A minute goes by between two looks."""

        def __init__(self) -> None:
            self.time = 0.0

        def monotonic(self) -> float:
            self.time += 60
            return self.time

    armed(home / "copy")
    (home / "more").touch()
    done = setid_files.disarm(Slow(), {UID: Lost(str(home))}, 1)
    assert done.unfinished == {UID}


@pytest.mark.parametrize(
    ("mode", "gid", "found"),
    [
        (0o2770, os.getgid(), True),  # the lost group's own folder
        (0o777, 0, True),  # everybody's
        (0o755, os.getgid(), False),
    ],
)
def test_copies_in_folders_that_the_lost_group_can_write_lose_their_bits(
    home: Path, monkeypatch: pytest.MonkeyPatch, mode: int, gid: int, found: bool
):
    """Such a folder may lie anywhere on the host; a folder that neither can write holds no copy of his."""
    shared = home.parent / "srv/shared"
    shared.mkdir(parents=True)
    copy = armed(shared / "copy")
    shared.chmod(mode)
    real = os.lstat

    def of_somebody_else(path: str) -> os.stat_result:
        status = real(path)
        fields = list(status)
        if str(path) == str(shared):
            fields[4], fields[5] = UID + 1, gid
        return os.stat_result(fields)

    monkeypatch.setattr(setid_files.os, "lstat", of_somebody_else)
    monkeypatch.setattr(setid_files, "ROOT", str(home.parent / "srv"))
    setid_files.disarm(System(), {UID: Lost("/nonexistent/home", frozenset([os.getgid()]))})
    assert copy.stat().st_mode & 0o7777 == (0o755 if found else 0o6755)
