"""What is left of an account, and the guards of what is removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects import mounts
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.plan.steps import Step
from ansible_collections.daypass.ssh.plugins.module_utils.plan.values import AccountPlan
from ansible_collections.daypass.ssh.plugins.module_utils.removal import leftovers
from ansible_collections.daypass.ssh.plugins.module_utils.removal.unfinished import IN_WORK, Unfinished

LINE = "36 25 0:31 / {point} rw,nosuid - {kind} source rw"


def mounts_of(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str]]:
    """What `read_mounts` makes of this mountinfo."""
    path = tmp_path / "mountinfo"
    path.write_text(text, encoding="utf-8")
    real = open
    monkeypatch.setattr(mounts, "open", lambda _path, **more: real(path, **more), raising=False)
    return mounts.read_mounts()


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_odd_name_of_a_mount_point_is_read_whole(mark: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A person may mount below his home under any name; everybody's removal must still work."""
    text = (
        LINE.format(point=f"/home/alice/a{mark}b", kind="fuse.x") + "\n" + LINE.format(point="/", kind="ext4")
    )
    found = mounts_of(text + "\n", monkeypatch, tmp_path)
    assert found == [(f"/home/alice/a{mark}b", "fuse.x"), ("/", "ext4")]


def test_escapes_of_a_mount_point_are_undone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """proc(5): blank, tab, newline and backslash are octal."""
    found = mounts_of(LINE.format(point=r"/a\040b\011c\012d\134e", kind="ext4"), monkeypatch, tmp_path)
    assert found == [("/a b\tc\nd\\e", "ext4")]


def test_home_that_cant_be_looked_at_is_kept():
    """What a dead FUSE mount says (EACCES, ENOTCONN) keeps the home, not the account."""

    class Dead(System):
        def status(self, path: str) -> os.stat_result | None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), path)

    warning = leftovers.remove_home(Dead(), "alice", 70007, "/home/alice", "delete", 0)
    assert warning is not None
    assert "kept" in warning


class Hurried(System):
    """A clock that passes every limit at its second look."""

    def __init__(self) -> None:
        self.looked = 0

    def monotonic(self) -> float:
        self.looked += 1
        return self.looked * 1000.0


def test_too_many_leftovers_dont_keep_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Thousands of files in /tmp go over several runs: others' closings need the lock."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(leftovers, "TEMPORARY_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(leftovers, "PARKED_FOLDER", str(tmp_path / "parked"))
    with pytest.raises(Unfinished) as unfinished:
        leftovers.remove_leftovers(Hurried(), "alice", os.getuid(), [])
    assert unfinished.value.code == IN_WORK
    assert (tmp_path / "file").exists()


def test_leftovers_of_the_account_go_and_those_of_others_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Files and folders of his uid, links themselves and not what they lead to."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/etc")
    monkeypatch.setattr(leftovers, "TEMPORARY_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(leftovers, "PARKED_FOLDER", str(tmp_path / "parked"))
    assert leftovers.remove_leftovers(System(), "alice", os.getuid() + 1, []) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "link"]
    assert leftovers.remove_leftovers(System(), "alice", os.getuid(), []) == []
    assert list(tmp_path.iterdir()) == []


def test_removals_take_turns_as_far_as_time_goes():
    """Somebody's closing may wait for the lock: those that come too late say so, and aren't begun."""

    class Slow(System):
        def __init__(self) -> None:
            self.time = 0.0

        def monotonic(self) -> float:
            return self.time

    system, done = Slow(), []
    accounts = [AccountPlan(f"p{n}", 70001 + n, remove=(Step("home"), Step("delete_user"))) for n in range(4)]

    def do(account: AccountPlan, step: Step) -> None:
        done.append((account.login, step.name))
        system.time += 4
        if account.login == "p1":
            raise OSError(errno.EIO, "no")

    failed = {one.login: error for one, error in leftovers.in_turn(system, accounts, do)}
    assert done == [("p0", "home"), ("p0", "delete_user"), ("p1", "home")]
    assert [type(failed[login]).__name__ for login in ("p1", "p2", "p3")] == [
        "OSError",
        "Unfinished",
        "Unfinished",
    ]
