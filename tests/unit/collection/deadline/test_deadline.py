"""When the host looks again, and that no moment falls into a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.deadline import timer, units
from ansible_collections.daypass.ssh.plugins.module_utils.effects import system
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger

NOW = 1_795_000_000


class Host(system.System):
    """A host with systemd in a folder; programs that change it are noted, and take `seconds` of its clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = NOW
        self.seconds = 0
        self.ran: list[list[str]] = []
        self.failing = False

    def clock(self) -> int:
        return self.time

    def write(self, path, content, mode, uid=0, gid=0, validate=None):
        Path(path).write_bytes(content)  # tests need no root

    def make_folder(self, path, mode):
        Path(path).mkdir(exist_ok=True)

    def change(self, argv, stdin="", timeout_seconds=30):
        self.ran.append(argv)
        self.time += self.seconds
        if self.failing:
            raise system.CommandFailed(argv, system.Completed(1, "", "no bus"))
        unit = next((word.partition("=")[2] for word in argv if word.startswith("--unit=")), None)
        kind = "timer" if any(word.startswith("--on-calendar") for word in argv) else "service"
        if unit:
            (self.folder / f"{unit}.{kind}").touch()
        return system.Completed(0, "", "")

    def attempt(self, argv, stdin="", timeout_seconds=30):
        if argv[:2] == ["systemctl", "stop"]:
            (self.folder / argv[2]).unlink()
        self.ran.append(argv)
        return system.Completed(0, "", "")

    @property
    def timers(self) -> list[str]:
        return [word for argv in self.ran for word in argv if word.startswith("--on-calendar")]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with systemd and nothing armed."""
    monkeypatch.setattr(timer, "RUN_FOLDER", str(tmp_path))
    monkeypatch.setattr(timer, "ARMED_PATH", str(tmp_path / "armed"))
    monkeypatch.setattr(timer, "TRANSIENT", str(tmp_path))
    monkeypatch.setattr(units, "scheduler", lambda _system: units.SYSTEMD)
    return Host(tmp_path)


def record(*ends: int, warn_before: int = 0) -> ledger.Ledger:
    """One grant for each end."""
    grants = {
        f"G{number}": ledger.LedgerGrant((), (), (), warn_before, end, live=True)
        for number, end in enumerate(ends)
    }
    account = ledger.LedgerAccount(70007, "a", "/bin/sh", "/home/a", "keep", None, "", grants, (), None)
    return ledger.new_ledger(None, None, None, (9, 2), "apono")._replace(accounts={"alice": account})


@pytest.mark.parametrize(
    ("ends", "warn_before", "moment"),
    [
        ((), 0, None),
        ((NOW,), 0, None),
        ((NOW + 900, NOW + 700), 0, NOW + 700),
        ((NOW + 900,), 300, NOW + 600),
        ((NOW + 200,), 300, NOW + 140),
        ((NOW + 30,), 300, NOW + 30),
    ],
)
def test_next_moment_is_the_first_end_or_warning_to_come(ends, warn_before, moment):
    """What is due now was done by this run."""
    assert timer.next_moment(record(*ends, warn_before=warn_before), NOW) == moment


def test_timer_is_absolute_in_utc_and_a_second_early(host: Host):
    """The tick is up when the moment comes, whatever the host's time zone."""
    assert timer.arm(host, record(NOW + 60), NOW) is None
    assert host.timers == ["--on-calendar=2026-11-18 11:07:39 UTC"]


def test_armed_moment_is_left_as_it_is(host: Host):
    """A run that changes nothing starts nothing."""
    for _run in range(3):
        timer.arm(host, record(NOW + 60), NOW)
    assert len(host.ran) == 1


def test_new_timer_is_armed_before_the_old_one_is_stopped(host: Host):
    """No gap in which nothing is armed, and no name is used twice."""
    timer.arm(host, record(NOW + 60), NOW)
    timer.arm(host, record(NOW + 30), NOW)
    assert [argv[0] for argv in host.ran] == ["systemd-run", "systemd-run", "systemctl"]
    names = {word for argv in host.ran for word in argv if word.startswith("--unit=")}
    assert len(names) == 2
    timer.arm(host, record(), NOW)
    assert timer.read_armed(host) is None
    assert list(host.folder.glob("*.timer")) == []


def test_timer_that_is_gone_is_armed_again(host: Host):
    """After a boot the record of it is gone with it; where only the timer is gone, it isn't believed."""
    timer.arm(host, record(NOW + 60), NOW)
    for path in host.folder.glob("*.timer"):
        path.unlink()
    timer.arm(host, record(NOW + 60), NOW)
    assert len(host.timers) == 2


def test_moment_that_came_while_arming_starts_the_tick_at_once(host: Host):
    """A timer in the past returns success and never fires."""
    host.seconds = 59
    timer.arm(host, record(NOW + 60), NOW)
    assert [any(word.startswith("--on-calendar") for word in argv) for argv in host.ran] == [True, False]


@pytest.mark.parametrize("ahead", [-5, 0, 1, 2])
def test_moment_too_near_for_a_timer_starts_the_tick_at_once_and_once(host: Host, ahead: int):
    """The tick waits for it; the run that it makes starts no further one for the same moment."""
    host.time = NOW
    wanted = record(NOW + ahead)
    for _run in range(3):
        timer.arm(host, wanted, NOW - 10)
    assert host.timers == []
    assert len(host.ran) == 1


def test_systemd_that_wont_is_told_and_stops_nothing(host: Host):
    """The tick of each minute is left; the wave's answer says it."""
    host.failing = True
    assert "up to a minute late" in (timer.arm(host, record(NOW + 60), NOW) or "")


def test_host_without_a_scheduler_is_told(host: Host, monkeypatch: pytest.MonkeyPatch):
    """With cron nothing is armed, and without it somebody has to know."""
    monkeypatch.setattr(units, "scheduler", lambda _system: units.CRON)
    assert timer.arm(host, record(NOW + 60), NOW) is None
    monkeypatch.setattr(units, "scheduler", lambda _system: None)
    assert timer.arm(host, record(NOW + 60), NOW) == timer.NONE_THERE
    assert host.ran == []
