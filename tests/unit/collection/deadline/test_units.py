"""What starts the tick on hosts with systemd, and on those with cron."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import units
from ansible_collections.daypass.ssh.plugins.module_utils.effects import system
from ansible_collections.daypass.ssh.plugins.module_utils.program.start import PROGRAM_PATH

TICK = f"/usr/bin/python3 -I -S {PROGRAM_PATH} tick"


class Host(system.System):
    """A host in a folder."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []

    def write(self, path, content, mode, uid=0, gid=0, validate=None):
        Path(path).write_bytes(content)  # tests need no root

    def make_folder(self, path, mode):
        Path(path).mkdir(exist_ok=True)

    def change(self, argv, stdin="", timeout_seconds=30):
        self.ran.append(argv)
        return system.Completed(0, "", "")

    attempt = change


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of units and of cron's file."""
    for name in ("UNIT_FOLDER", "CRON_FOLDER"):
        monkeypatch.setattr(units, name, str(tmp_path))
    monkeypatch.setattr(units, "CRON_PATH", str(tmp_path / "daypass"))
    monkeypatch.setattr(units, "scheduler", lambda _system: units.SYSTEMD)
    return tmp_path


def test_service_hides_nothing_that_the_tick_works_on():
    """Homes, /tmp, terminals, control groups and everybody's processes are its work."""
    text = units.service_text("/usr/bin/python3")
    assert f"ExecStart={TICK}\n" in text
    hiding = (
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectControlGroups",
        "ProtectProc",
        "ProtectSystem",
    )
    assert not [word for word in hiding if word in text]


def test_timer_fires_each_minute_and_at_once_after_a_boot():
    """A host that was off at the deadline closes when it comes up."""
    text = units.timer_text()
    assert {"OnBootSec=1s", "OnCalendar=minutely", "WantedBy=timers.target"} <= set(text.splitlines())


def test_cron_line_runs_as_root_each_minute_and_mails_nobody():
    """One line of crontab(5), ended by a newline, or cron drops it."""
    lines = units.cron_text("/usr/bin/python3").splitlines()
    assert lines[-1] == f"* * * * * root {TICK} >/dev/null 2>&1"
    assert 'MAILTO=""' in lines
    assert units.cron_text("/x").endswith("\n")
    assert "%" not in lines[-1]  # cron's newline


def test_installing_twice_changes_once(folder: Path):
    """Units are written and enabled; a host that has them stays untouched."""
    host = Host()
    assert units.install(host)
    assert [argv[1] for argv in host.ran] == ["daemon-reload", "enable", "restart"]
    (folder / "timers.target.wants").mkdir()
    (folder / "timers.target.wants" / units.TIMER).touch()
    assert not units.install(host)
    assert len(host.ran) == 3


def test_host_that_got_systemd_loses_the_cron_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """One of both runs the tick."""
    monkeypatch.setattr(units, "scheduler", lambda _system: units.CRON)
    assert units.install(Host())
    assert (folder / "daypass").exists()
    monkeypatch.setattr(units, "scheduler", lambda _system: units.SYSTEMD)
    units.install(Host())
    assert not (folder / "daypass").exists()
    units.uninstall(Host())
    assert [path.name for path in folder.iterdir()] == []


def test_host_without_a_scheduler_is_refused_unless_that_is_fine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Access there wouldn't end with the orchestrator gone."""
    monkeypatch.setattr(units, "scheduler", lambda _system: None)
    with pytest.raises(names.Refusal) as refused:
        units.check_scheduler(Host(), "required")
    assert refused.value.code == "no_scheduler"
    units.check_scheduler(Host(), "if_possible")
    assert not units.install(Host())
