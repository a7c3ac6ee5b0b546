"""A wave's programs, as far as no server is needed for them."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from daypass.errors import ExecutionError
from daypass.execution.ansible_settings import find_ansible
from daypass.execution.processes import end_processes
from daypass.execution.results import WaveResults
from daypass.execution.run_folder import RunFolder
from daypass.execution.runner import ANSIBLE_PLAYBOOK, OUTPUT, _play, _runner_config, _Running
from daypass.execution.wave_files import WaveFiles

PATIENCE_SECONDS = 60


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    root = tmp_path / "runs"
    root.mkdir(mode=0o700)
    return RunFolder(root)


def files_of(run: RunFolder) -> WaveFiles:
    return WaveFiles(run.write("inventory.json", b"{}"), run.write("ansible.cfg", b""), run.folder("project"))


def config_of(run: RunFolder, *command: str) -> Any:
    """ansible-runner's configuration of a wave, with another command for Ansible's."""
    config = _runner_config(run, files_of(run), "daypass.ssh.accounts")
    config.command = list(command)
    return config


def test_what_still_runs_is_ended_with_the_wave(run: RunFolder) -> None:
    """With the last outcome nobody waits for what Ansible would tidy up."""
    begun = run.path / "begun"
    config = config_of(run, "sh", "-c", f"touch {begun}; sleep 1000")
    with _Running(config, run.path) as running:
        while not begun.exists():
            running.wait(0.01)
        assert running
    assert not running
    assert not [one for one in threading.enumerate() if one.name == "wave"]


def test_wave_that_ends_before_ansible_has_begun_leaves_nothing(run: RunFolder) -> None:
    """The thread may be just before the start of Ansible."""
    with _Running(config_of(run, "sleep", "1000"), run.path) as running:
        pass
    assert not running


def test_second_interruption_waits_until_the_waves_programs_have_ended(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C twice: the second one comes while the first ends Ansible, and neither leaves it at work."""
    came: list[Path] = []

    def ends(folder: Path) -> int:
        if not came:
            came.append(folder)
            signal.raise_signal(signal.SIGINT)
        return end_processes(folder)

    monkeypatch.setattr("daypass.execution.runner.end_processes", ends)
    pid = run.path / "pid"
    config = config_of(run, "sh", "-c", f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 1000")
    running = _Running(config, run.path)

    def interrupted() -> None:
        with running:
            while not pid.exists():
                running.wait(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert came
    assert not running
    assert not Path("/proc", pid.read_text().strip()).exists()


def test_ansible_has_no_terminal_and_no_input(run: RunFolder) -> None:
    """Nothing in a wave can ask anybody, and the caller's own input stays unread."""
    config = config_of(run, "sh", "-c", "test ! -t 0 && cat && test ! -t 1 && echo no terminal")
    with _Running(config, run.path) as running:
        running.wait(PATIENCE_SECONDS)
    assert (Path(config.artifact_dir) / OUTPUT).read_text() == "no terminal\n"


def test_ansible_that_never_begins_is_an_error_with_its_words(run: RunFolder) -> None:
    """A broken installation is told apart from servers that don't answer."""
    results = WaveResults(["web-1"], at_once=True)
    with pytest.raises(ExecutionError, match=r"(?s)before it reached any server: .*daypass.ssh.nowhere"):
        _play(run, files_of(run), "daypass.ssh.nowhere", results, deadline=float("inf"))


def test_a_waves_ansible_is_this_pythons() -> None:
    """Found as a package, not by a search path, and called by its usual name."""
    argv = [sys.executable, "-P", str(ANSIBLE_PLAYBOOK), "--version"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert said.startswith("ansible-playbook [core ")
    assert f"ansible python module location = {find_ansible()}" in said


def test_outcome_that_cannot_be_recorded_ends_the_wave(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk here: the error is told, and nothing goes on unrecorded on servers."""
    config = config_of(run, "sh", "-c", "echo $$ > pid; mv event job_events/1-partial.json; sleep 1000")
    config.cwd = config.artifact_dir
    event = {"event": "runner_on_ok", "event_data": {"host": "web-1", "res": {"answer": {}}}}
    Path(config.artifact_dir, "event").write_text(json.dumps(event))
    monkeypatch.setattr("daypass.execution.runner._runner_config", lambda *_: config)

    def full(_name: str, _outcome: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    results = WaveResults(["web-1", "web-2"], at_once=True, on_outcome=full)
    with pytest.raises(OSError, match="No space left"):
        _play(run, WaveFiles(run.path, run.path, run.path), "any", results, deadline=float("inf"))
    assert not Path("/proc", Path(config.artifact_dir, "pid").read_text().strip()).exists()
    assert not [one for one in threading.enumerate() if one.name == "wave"]
