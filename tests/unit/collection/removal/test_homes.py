"""Homes that were set aside: archived whole or not at all, bit by bit, and only then deleted."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.removal import homes, tar_stream
from ansible_collections.daypass.ssh.plugins.module_utils.removal.unfinished import IN_WORK

NAME = "alice-70007-20261122T100000Z"


class Killed(BaseException):
    """The process is gone."""


class Local(System):
    """Writes as whoever runs the tests; may die at an effect, may have a clock that hurries."""

    def __init__(self, last: int | None = None, entries: int | None = None) -> None:
        self.effects: list[str] = []
        self.last = last
        self.looks, self.entries = 0, entries

    def write(self, path, content, mode, _uid=0, _gid=0, validate=None):
        super().write(path, content, mode, os.getuid(), os.getgid(), validate)

    def before(self, effect: str, detail: str) -> None:
        self._step(f"before {effect} {detail}")

    def after(self, effect: str, detail: str) -> None:
        self._step(f"after {effect} {detail}")

    def _step(self, text: str) -> None:
        self.effects.append(text)
        if len(self.effects) == self.last:
            raise Killed

    def monotonic(self) -> float:
        """An hour later after so many looks; the first is the run's own."""
        self.looks += 1
        return 3600.0 if self.entries is not None and self.looks > self.entries else 0.0


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive folder of a host, with nothing in it."""
    monkeypatch.setattr(homes, "HOME_BASE", str(tmp_path))
    monkeypatch.setattr(names, "ARCHIVE_LOCK_PATH", str(tmp_path / "lock"))
    monkeypatch.setattr(homes, "SPARE_BYTES", 0)
    folder = tmp_path / homes.ARCHIVE_NAME
    folder.mkdir()
    return folder


@pytest.fixture
def home(archive: Path) -> Path:
    """A home that was set aside, with what people and programs leave in one."""
    top = archive / NAME
    (top / "src" / "empty").mkdir(parents=True)
    (top / "src" / "notes.txt").write_text("notes\n" * 300)
    os.utime(top / "src" / "notes.txt", (1_700_000_000, 1_700_000_000))
    (top / "tool").write_bytes(b"\x7fELF" + bytes(5000))
    (top / "tool").chmod(0o4750)
    os.link(top / "tool", top / "zz-same-tool")
    (top / "elsewhere").symlink_to("/etc/passwd")
    os.mkfifo(top / "pipe", 0o600)
    Path(os.fsdecode(os.fsencode(str(top)) + b"/latin-\xe9")).write_text("odd")
    (top / "two\nlines").write_text("odd")
    (top / ("d" * 150) / ("e" * 150)).mkdir(parents=True)
    (top / ("d" * 150) / ("e" * 150) / ("f" * 150)).write_text("far")
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.open(".", os.O_RDONLY)
        os.chdir(top)
        try:
            bound.bind("socket")
        finally:
            os.fchdir(here)
            os.close(here)
    return top


def copy(source: Path, target: Path) -> None:
    """A copy with everything in it."""
    subprocess.run(["cp", "-a", source, target], check=True)


def listing(path: Path) -> list[tuple[object, ...]]:
    """What an archive holds, as values."""
    with tarfile.open(path, "r:", errors="surrogateescape") as archive:
        return [
            (
                one.name,
                one.type,
                oct(one.mode),
                one.uid,
                one.gid,
                one.uname,
                one.mtime,
                one.linkname,
                (archive.extractfile(one).read() if one.isreg() else b""),
            )
            for one in archive
        ]


def test_archive_holds_everything_and_the_home_is_gone(archive: Path, home: Path):
    """Owners as numbers, modes, times, links as links; only a socket can't be kept."""
    old = {one.name: one.lstat() for one in home.iterdir()}
    assert homes.go_on(Local()) == {}
    (left,) = archive.iterdir()
    assert (left.name, stat.S_IMODE(left.stat().st_mode)) == (f"{NAME}.tar", 0o600)
    found = {one[0]: one for one in listing(left)}
    assert set(found) == {
        "alice",
        "alice/src",
        "alice/src/empty",
        "alice/src/notes.txt",
        "alice/tool",
        "alice/zz-same-tool",
        "alice/elsewhere",
        "alice/pipe",
        "alice/latin-\udce9",
        "alice/two\nlines",
        f"alice/{'d' * 150}",
        f"alice/{'d' * 150}/{'e' * 150}",
        f"alice/{'d' * 150}/{'e' * 150}/{'f' * 150}",
    }
    assert found["alice/src/notes.txt"][6:] == (1_700_000_000, "", b"notes\n" * 300)
    assert found["alice/tool"][1:6] == (tarfile.REGTYPE, "0o4750", old["tool"].st_uid, old["tool"].st_gid, "")
    assert found["alice/zz-same-tool"][1] == tarfile.LNKTYPE
    assert found["alice/zz-same-tool"][7] == "alice/tool"
    assert found["alice/elsewhere"][7] == "/etc/passwd"
    assert homes.go_on(Local()) is None


@pytest.mark.parametrize("entries", [3, 4, 7])
def test_archive_that_took_many_runs_is_the_same(archive: Path, home: Path, entries: int):
    """Each run goes on where the one before stopped, and says that it isn't done."""
    whole, many = archive / "whole", 0
    copy(home, whole)
    while (left := homes.go_on(Local(entries=12 + entries))) is not None and left:
        assert left["alice"].code == IN_WORK
        many += 1
        assert many < 60
    (archive / f"{NAME}.tar").rename(archive / "many")
    whole.rename(home)
    homes.go_on(Local())
    one = [(*entry[:1], entry[8]) for entry in listing(archive / f"{NAME}.tar")]
    several = [(*entry[:1], entry[8]) for entry in listing(archive / "many")]
    assert [name for name, _ in several] == [name for name, _ in one]
    assert {k: v for k, v in several if not k.endswith("tool")} == {
        k: v for k, v in one if not k.endswith("tool")
    }


def test_killed_anywhere_nothing_is_lost_and_the_next_run_finishes(archive: Path, home: Path):
    """At no moment is there neither the home nor its whole archive."""
    copy(home, archive.parent / "saved")
    wanted, last = None, 1
    while True:
        system = Local(last=last)
        try:
            homes.go_on(system)
            killed = False
        except Killed:
            killed = True
        target = archive / f"{NAME}.tar"
        assert home.exists() or target.exists(), system.effects[-1]
        if target.exists():
            wanted = wanted or [one[:1] for one in listing(target)]
            assert [one[:1] for one in listing(target)] == wanted
        assert not homes.go_on(Local())
        assert [one.name for one in archive.iterdir()] == [f"{NAME}.tar"], system.effects[-1]
        if not killed:
            break
        target.unlink()
        copy(archive.parent / "saved", home)
        last += 1
    assert last > 25


def test_home_larger_than_the_limit_is_kept_and_told(archive: Path, home: Path, monkeypatch):
    """Before a byte of it is written; a hole in a file counts as if it were none."""
    monkeypatch.setattr(homes, "BYTES_MAX", 100 << 20)
    with (home / "image").open("wb") as file:
        file.truncate(1 << 40)
    left = homes.go_on(Local())
    assert left is not None
    assert left["alice"].code == "home_too_large"
    assert [one.name for one in archive.iterdir()] == [NAME]


def test_home_without_room_for_its_archive_is_kept_and_told(archive: Path, home: Path, monkeypatch):
    """Room must be left for others, too."""
    monkeypatch.setattr(homes, "SPARE_BYTES", 1 << 60)
    left = homes.go_on(Local())
    assert left is not None
    assert left["alice"].code == "home_no_room"
    assert [one.name for one in archive.iterdir()] == [NAME]


def test_disk_that_fills_up_meanwhile_leaves_no_half_archive(archive: Path, home: Path, monkeypatch):
    """What was written gives its room back; the home stays."""
    write = tar_stream.Writer._write

    def full(self, content):
        if os.lseek(self._file, 0, os.SEEK_CUR) > 3000:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, content)

    monkeypatch.setattr(tar_stream.Writer, "_write", full)
    left = homes.go_on(Local())
    assert left is not None
    assert left["alice"].code == "home_no_room"
    assert [one.name for one in archive.iterdir()] == [NAME]


def test_folders_nested_without_end_are_kept_and_told(archive: Path, home: Path):
    """A descriptor each: there is a limit, and nothing is deleted that isn't archived."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(home)
    try:
        for _ in range(tar_stream.DEPTH_MAX + 10):
            Path("n" * 200).mkdir()
            os.chdir("n" * 200)
    finally:
        os.fchdir(here)
        os.close(here)
    left = homes.go_on(Local())
    assert left is not None
    assert left["alice"].code == "home_odd"
    assert home.exists()
    home.rename(f"{home}{homes.DELETING}")
    assert homes.go_on(Local()) == {}
    assert not archive.exists()


def test_home_to_be_deleted_goes_over_several_runs(archive: Path, home: Path):
    """The time of a run is limited here, too."""
    home.rename(f"{home}{homes.DELETING}")
    left = homes.go_on(Local(entries=4))
    assert left is not None
    assert left["alice"].code == IN_WORK
    assert homes.go_on(Local()) == {}
    assert not archive.exists()


def test_file_that_changes_its_size_meanwhile_breaks_nothing(tmp_path: Path):
    """Somebody may hold it open: what follows it in the archive can still be read."""
    (tmp_path / "a").write_text("aaaa")
    (tmp_path / "b").write_text("bbbb")
    with (tmp_path / "out").open("wb") as out:
        writer = tar_stream.Writer(out.fileno(), "home")
        source = os.open(tmp_path / "a", os.O_RDONLY)
        writer._header("home/a", os.fstat(source), "REGTYPE", 600)
        writer._copy(source, 600)
        os.close(source)
        folder = os.open(tmp_path, os.O_RDONLY)
        writer.add(tar_stream.Entry(("b",), (tmp_path / "b").lstat(), folder))
        os.close(folder)
        writer.end()
    assert [(one[0], one[8][:4]) for one in listing(tmp_path / "out")] == [
        ("home/a", b"aaaa"),
        ("home/b", b"bbbb"),
    ]


def test_two_runs_at_once_don_t_write_the_same_archive(archive: Path, home: Path):
    """The second says that the first is at work; it doesn't wait."""
    with Path(names.ARCHIVE_LOCK_PATH).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        left = homes.go_on(Local())
    assert left is not None
    assert left["alice"].code == IN_WORK
    assert home.exists()


def test_archives_and_strangers_things_are_left_alone(archive: Path):
    """Only what has the name of a home that was set aside is work."""
    for name in (f"{NAME}.tar", "alice", ".hidden", f"{NAME}.tar.part"):
        (archive / name).touch()
    assert homes.go_on(Local()) is None


@pytest.mark.parametrize("content", ["", "[]", "[1]", '["x", []]', '[-1, ["a"]]', "[99999999, []]"])
def test_state_that_says_nothing_begins_the_archive_anew(archive: Path, home: Path, content: str):
    """It is root's own file; one that is broken all the same must not keep a home, nor spoil an answer."""
    (archive / f"{NAME}.tar.part").write_bytes(b"half")
    (archive / f"{NAME}.tar.state").write_text(content)
    assert homes.go_on(Local()) == {}
    assert [one.name for one in archive.iterdir()] == [f"{NAME}.tar"]
    assert ("alice/src/notes.txt", b"notes\n" * 300) in {
        (one[0], one[8]) for one in listing(archive / f"{NAME}.tar")
    }


def test_archive_that_is_complete_is_not_written_anew(home: Path):
    """A run that was cut off behind it left the home: only that goes."""
    target = home.with_name(home.name + ".tar")
    target.write_bytes(b"complete")
    homes.go_on(Local())
    assert (target.read_bytes(), home.exists()) == (b"complete", False)
