"""The way back: what is armed, what it restores, and what a timer may do."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import (
    LEDGER_PATH,
    SSHD_DROPIN,
    Refusal,
)
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding import rolling_back, trust, way_back
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import LedgerAccount, new_ledger
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger_file import serialise
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.dropin import render_dropin
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.listeners import Listener

FRESH = way_back.WayBack("0" * 16, None, ("daypass",), ("/etc/ssh/daypass",), True, "dp-canary")


class FakeSystem:
    """Files in memory; programs do nothing and are noted, as signals are."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.run: list[list[str]] = []
        self.signals: list[int] = []
        self.seconds = 0.0

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, content: bytes, mode: int) -> None:
        self.files[path] = content

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def exists(self, path: str) -> bool:
        return path in self.files

    def names(self, folder: str) -> list[str]:
        return [path for path in self.files if path.startswith(folder + "/")]

    def make_folder(self, path: str, mode: int) -> None:
        pass

    def query(self, argv: list[str], **_more: object) -> Completed:
        self.run.append(argv)
        return Completed(0, "gssapiauthentication no\n", "")

    def change(self, argv: list[str], **_more: object) -> Completed:
        return self.query(argv)

    def signal(self, pid: int, number: int) -> None:
        self.signals.append(pid)

    def sleep(self, seconds: float) -> None:
        pass

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds

    def clock(self) -> int:
        return 1_800_000_000

    @contextmanager
    def lock(self, path: str, wait_seconds: float) -> Iterator[None]:
        yield


@pytest.fixture(autouse=True)
def one_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sshd listens, as process 7; no real timer is started."""
    monkeypatch.setattr(way_back, "start_timer", lambda system, run_id, seconds: None)
    for module in (rolling_back, trust):
        monkeypatch.setattr(module, "find_listeners", lambda: [Listener(7, "/usr/sbin/sshd")])


def armed(system: FakeSystem, marker: way_back.WayBack = FRESH) -> FakeSystem:
    way_back.arm(system, marker, 60)
    return system


@pytest.mark.parametrize("dropin", [None, b"", b"Match all\n"])
def test_marker_says_what_was_there_before(dropin: bytes | None):
    """No drop-in and an empty one are different things."""
    marker = FRESH._replace(dropin=dropin)
    assert way_back.read_armed(armed(FakeSystem(), marker)) == marker


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"run_id": "x", "dropin": "?"}', b"\xff"])
def test_marker_that_cant_be_read_is_named(content: bytes):
    """Nobody guesses what the host looked like."""
    with pytest.raises(Refusal) as refused:
        way_back.read_armed(FakeSystem({way_back.MARKER: content}))
    assert refused.value.code == "way_back_unreadable"


def test_program_runs_by_itself(tmp_path: Path):
    """It holds all that it imports: neither Ansible nor the collection is there when the timer runs out."""
    program = tmp_path / "restore.pyz"
    program.write_bytes(way_back.program_bytes())
    begin = "\ncommand('onboarding.rolling_back', 'main')\n"
    with zipfile.ZipFile(program) as archive:
        main = archive.read("__main__.py").decode()
    assert main.endswith(begin)
    script = (
        main[: -len(begin)] + f"\nfound = read_program({str(program)!r})\n"
        "function = entered('onboarding.rolling_back', 'main', found[0], code_in(found[1]))\n"
        "print(function.__module__, any(m.startswith('ansible') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "daypass_host.onboarding.rolling_back False\n"


def test_fresh_host_loses_every_trace():
    """Drop-in, ledger, folders and groups of an unproven first onboarding go, and sshd is told."""
    ledger = serialise(new_ledger(None, None, None, (9, 2), "apono"))
    groups = {"/etc/group": b"daypass:x:999:\n"}
    system = armed(FakeSystem({SSHD_DROPIN: b"x", LEDGER_PATH: ledger, **groups}))
    rolling_back.roll_back(system, FRESH)
    assert system.files == groups
    assert system.signals == [7]
    assert ["groupdel", "daypass"] in system.run
    assert ["rmdir", "--", "/etc/ssh/daypass"] in system.run


def test_known_host_gets_its_dropin_back_and_keeps_the_rest():
    """Onboarding a host again must not forget its accounts when the proof fails."""
    ledger = serialise(new_ledger(None, None, None, (9, 2), "apono"))
    marker = FRESH._replace(dropin=b"old\n", fresh=False)
    system = armed(FakeSystem({SSHD_DROPIN: b"new\n", LEDGER_PATH: ledger}), marker)
    rolling_back.roll_back(system, marker)
    assert system.files == {SSHD_DROPIN: b"old\n", LEDGER_PATH: ledger}


def test_ledger_that_a_wave_filled_meanwhile_stays(monkeypatch: pytest.MonkeyPatch):
    """An account that was opened between the last look and the removal must not lose its record."""
    bob = LedgerAccount(70008, "b", "/bin/sh", "/home/bob", "keep", None, "", {}, (), None)
    filled = serialise(new_ledger(None, None, None, (9, 2), "apono")._replace(accounts={"bob": bob}))
    system = armed(FakeSystem({LEDGER_PATH: filled}))
    monkeypatch.setattr(rolling_back, "remove_canary", lambda _system, _canary: True)
    rolling_back.roll_back(system, FRESH)
    assert system.files == {LEDGER_PATH: filled}
    assert not [argv for argv in system.run if argv[0] in ("groupdel", "rmdir")]


def test_unreadable_ledger_stays_while_the_dropin_goes():
    """What decides who gets in comes first, and what can't be read isn't thrown away."""
    system = armed(FakeSystem({SSHD_DROPIN: b"x", LEDGER_PATH: b"?"}))
    rolling_back.roll_back(system, FRESH)
    assert system.files == {LEDGER_PATH: b"?"}


@pytest.mark.parametrize("marker", [None, FRESH._replace(run_id="1" * 16)], ids=["confirmed", "armed_anew"])
def test_timer_of_another_run_does_nothing(monkeypatch: pytest.MonkeyPatch, marker: way_back.WayBack | None):
    """Confirmed meanwhile, or a later run's turn: this timer's time is over."""
    system = FakeSystem({SSHD_DROPIN: b"x"})
    if marker:
        armed(system, marker)
    before = dict(system.files)
    monkeypatch.setattr(rolling_back, "System", lambda: system)
    monkeypatch.setattr(sys, "argv", ["restore.pyz", "0" * 16, "0"])
    rolling_back.main()
    assert (system.files, system.signals) == (before, [])


def test_proof_disarms():
    """The marker goes, so the timer finds nothing to do."""
    system = armed(FakeSystem({SSHD_DROPIN: render_dropin("apono", {"kerberosauthentication"}).encode()}))
    assert trust.confirm(system, "apono") is True
    assert way_back.MARKER not in system.files
    assert trust.confirm(system, "apono") is False


def test_proof_that_comes_too_late_is_refused():
    """The host took the drop-in back: the login that worked proves nothing any more."""
    with pytest.raises(Refusal) as refused:
        trust.confirm(FakeSystem(), "apono")
    assert refused.value.code == "way_back_fired"


def test_second_run_goes_back_to_before_the_first():
    """A run that was killed left its drop-in: that isn't the host as it was."""
    first = FRESH._replace(dropin=b"admin's\n")
    prepared = trust.Prepared(
        listeners=[],
        sshd_version="9.2",
        identity=None,
        dropin="",
        dropin_before=b"unproven\n",
        ledger_before=new_ledger(None, None, None, (9, 2), "apono"),
        groups=(),
        folders=(),
        armed=first,
        missing=("proof",),
    )
    wanted = trust.Wanted(None, None, None, "apono", "dp-canary", 60, False)
    assert trust._way_back(wanted, prepared, "1" * 16) == first._replace(run_id="1" * 16)
