"""Who is warned, when, and that a warning can't do anything but appear."""

from __future__ import annotations

import os
import pty
import time
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.deadline import warning
from ansible_collections.daypass.ssh.plugins.module_utils.effects import system
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger

END = 1_795_000_000
UID = os.getuid()


def record(*, warn_before: int = 300, not_after: int = END, live: bool = True) -> ledger.Ledger:
    """Alice's one grant."""
    grant = ledger.LedgerGrant((), (), (), warn_before, not_after, live)
    account = ledger.LedgerAccount(
        70007, "a", "/bin/sh", "/home/alice", "keep", None, "", {"G1": grant}, (), None
    )
    new = ledger.new_ledger(None, None, None, (9, 2), "apono")
    return new._replace(accounts={"alice": account})


@pytest.mark.parametrize(
    ("ahead", "warned"),
    [(301, False), (300, True), (61, True), (60, True), (1, True), (0, False), (-5, False)],
)
def test_warning_is_due_from_its_lead_to_the_end(ahead: int, warned: bool):
    """Five minutes ahead and later, never after the end."""
    notices, _marks = warning.due(record(), END - ahead, ())
    assert bool(notices) is warned


def test_each_warning_is_given_once_and_the_last_minute_again():
    """Two warnings a grant, whatever the number of ticks."""
    given: frozenset[str] = frozenset()
    moments = []
    for ahead in range(400, -10, -10):
        notices, given = warning.due(record(), END - ahead, given)
        moments += [notice.seconds for notice in notices]
    assert moments == [300, 60]


def test_late_tick_gives_one_warning_for_both():
    """Who is told at the last moment isn't told twice."""
    notices, marks = warning.due(record(), END - 30, ())
    assert [notice.seconds for notice in notices] == [30]
    assert warning.due(record(), END - 29, marks)[0] == ()


def test_extended_grant_warns_anew():
    """Its new end is another one."""
    _notices, marks = warning.due(record(), END - 200, ())
    extended = record(not_after=END + 3600)
    assert warning.due(extended, END - 190, marks)[0] == ()
    assert [one.seconds for one in warning.due(extended, END + 3300, marks)[0]] == [300]


@pytest.mark.parametrize("quiet", [{"warn_before": 0}, {"live": False}])
def test_nobody_is_warned_of_what_isnt_wanted_or_wasnt_open(quiet: dict):
    """0 means no warning; a grant that never opened has no sessions."""
    assert warning.due(record(**quiet), END - 30, ())[0] == ()


def test_text_names_end_and_both_ways_to_go_on_and_nothing_strange():
    """A host's name can't move the cursor."""
    notice = warning.Notice("alice", 70007, "G1", END, 300)
    text = warning.render(notice, "web\x1b]0;x\x07-1")
    assert "daypass access extend G1 --for 30m" in text
    assert "daypass extend G1 --for 30m" in text
    assert "ends in 5 minutes, at 11:06:40 UTC" in text
    assert not [one for one in text if not (" " <= one <= "~" or one in "\a\r\n")]


def test_terminal_of_the_person_gets_the_text():
    """A real pseudo-terminal shows it."""
    master, slave = pty.openpty()
    try:
        path = os.ttyname(slave)
        assert system.System().write_terminal(path, UID, b"hello")
        assert os.read(master, 100) == b"hello"
        assert not system.System().write_terminal(path, UID + 1, b"hello")
    finally:
        os.close(master)
        os.close(slave)


def test_stopped_terminal_takes_nothing_and_holds_nobody_up():
    """^S blocks a plain write for ever."""
    master, slave = pty.openpty()
    try:
        os.write(master, b"\x13")  # ^S
        began = time.monotonic()
        results = [system.System().write_terminal(os.ttyname(slave), UID, b"x" * 60000) for _ in range(3)]
        assert not results[-1]
        assert time.monotonic() - began < 2
    finally:
        os.close(master)
        os.close(slave)


def test_only_terminals_are_written_to(tmp_path: Path):
    """A file, a FIFO without a reader, a link and another device of the same name are left alone."""
    file, fifo, link = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    file.write_text("")
    os.mkfifo(fifo)
    link.symlink_to(file)
    for path in (file, fifo, link, Path("/dev/null")):
        assert not system.System().write_terminal(str(path), path.stat().st_uid, b"x")
    assert file.read_text() == ""


class Host(system.System):
    """A host whose files are the tests' own."""

    def write(self, path, content, mode, uid=0, gid=0, validate=None):
        Path(path).write_bytes(content)  # tests need no root

    def make_folder(self, path, mode):
        Path(path).mkdir(exist_ok=True)


def test_marks_are_kept_until_the_next_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The next tick, another process, doesn't warn again; broken marks count as none."""
    monkeypatch.setattr(warning, "RUN_FOLDER", str(tmp_path))
    monkeypatch.setattr(warning, "GIVEN_PATH", str(tmp_path / "warned.json"))
    told = [warning.claim(Host(), record(), END - 200) for _tick in range(2)]
    assert [len(notices) for notices in told] == [1, 0]
    (tmp_path / "warned.json").write_text("[7")
    assert len(warning.claim(Host(), record(), END - 200)) == 1
