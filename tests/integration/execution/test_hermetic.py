"""A wave takes nothing from its caller, shows no secret, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daypass.domain.outcomes import OutcomeKind
from daypass.execution.run_folder import remove_stale_runs
from daypass.execution.runner import RunnerExecutor
from lab import api
from tests.integration.execution.waves import answer, processes_naming, wave
from tests.waiting import wait_for

DEADLINE = 600

TELLTALE = "from pathlib import Path; Path({path!r}).touch()\n"
BACKGROUND_WAVE = """
import sys
from pathlib import Path
from lab import api
from tests.integration.execution.waves import make_executor, wave
lab = api.attach(sys.argv[1])
orders = {"sleep": 600, "touch": "/root/killed"}
host = lab.host(sys.argv[3])
make_executor(lab, Path(sys.argv[2])).run("accounts", [wave(host, **orders)], deadline_seconds=700)
"""


def test_callers_environment_and_files_change_nothing(
    executor: RunnerExecutor, light_lab: api.Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable, no ansible.cfg, no plugin of the caller's has a say; host keys stay strict."""
    trace = tmp_path / "trace"
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in ("sitecustomize", "evil", "default", "daypass_silent", "awx_display"):
        (plugins / f"{name}.py").write_text(TELLTALE.format(path=str(trace)))
    settings = f"[defaults]\ncallback_plugins={plugins}\nhost_key_checking=False\nlibrary={plugins}\n"
    for name in ("ansible.cfg", ".ansible.cfg"):
        (tmp_path / name).write_text(settings)
    monkeypatch.chdir(tmp_path)
    hostile = {
        "HOME": str(tmp_path),
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no",
        "ANSIBLE_SSH_COMMON_ARGS": f"-o ProxyCommand='touch {trace}'",
        "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
        "ANSIBLE_CALLBACKS_ENABLED": "evil",
        "ANSIBLE_STDOUT_CALLBACK": "evil",
        "ANSIBLE_LIBRARY": str(plugins),
        "ANSIBLE_BECOME_PLUGINS": str(plugins),
        "ANSIBLE_PIPELINING": "False",
        "AWX_LIB_DIRECTORY": str(plugins),
        "MAX_EVENT_RES": "1",
        "RUNNER_OMIT_EVENTS": "true",
        "PYTHONPATH": str(plugins),
        "PYTHONSTARTUP": str(plugins / "evil.py"),
        "SSH_AUTH_SOCK": str(tmp_path / "no-agent"),
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    first, second, _ = light_lab.hosts
    waves = [wave(first, result=answer()), wave(second, host_keys=(first.host_key,))]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE)
    assert (outcomes[first.name].kind, outcomes[second.name].code) == (
        OutcomeKind.APPLIED,
        "host_key_mismatch",
    )
    assert not trace.exists()


def test_private_key_is_in_no_file_argument_or_environment(
    executor: RunnerExecutor, light_lab: api.Lab, run_root: Path
) -> None:
    """While a wave runs, the connector's key is in its agent's memory and nowhere else that can be read."""
    lines = light_lab.connector_key.read_text().splitlines()[1:-1]
    secret = [line for line in lines[1:] if len(line) > 30]  # the first line is in each key of this type
    assert secret
    looks, found = 0, []
    over = threading.Event()

    def look() -> None:
        nonlocal looks
        while not over.wait(0.05):
            files = [path for path in run_root.rglob("*") if path.is_file()]
            looks += any(path.name == "inventory.json" for path in files)
            for text in secret:
                found.extend(processes_naming(text))
                found.extend(str(path) for path in files if holds(path, text))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        executor.run(
            "accounts", [wave(light_lab.hosts[0], sleep=2, result=answer())], deadline_seconds=DEADLINE
        )
    finally:
        over.set()
        watcher.join()
    assert (looks > 1, found) == (True, [])


def holds(path: Path, text: str) -> bool:
    """Whether a file that may go away meanwhile has the text in it."""
    try:
        return text.encode() in path.read_bytes()
    except OSError:
        return False


def test_killed_owner_leaves_no_agent_and_no_folder(light_lab: api.Lab, run_root: Path) -> None:
    """After SIGKILL the agent ends by itself; the next pass ends and removes everything else."""
    host = light_lab.hosts[2]
    arguments = [sys.executable, "-c", BACKGROUND_WAVE, light_lab.name, str(run_root), host.name]
    root = Path(__file__).parents[3]
    owner = subprocess.Popen(arguments, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    reached = ["test", "-e", "/root/killed"]
    try:
        assert wait_for(lambda: light_lab.exec(host, reached, check=False).returncode == 0)
        assert remove_stale_runs(run_root, datetime.now(UTC)) == []
    finally:
        owner.kill()
        owner.wait()
    folder = next(iter(run_root.iterdir()))
    socket = str(folder / "agent")
    assert wait_for(lambda: not any("ssh-agent" in line for line in processes_naming(socket)))
    assert any("ansible_playbook" in line for line in processes_naming(str(folder)))
    assert remove_stale_runs(run_root, datetime.now(UTC)) == [folder.name]
    assert processes_naming(str(folder)) == []
    assert not folder.exists()


# ansible-runner leaves the files of an interrupted run to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_wave_cleans_up(executor: RunnerExecutor, light_lab: api.Lab, run_root: Path) -> None:
    """^C ends the wave, its processes and its folder before it is passed on."""

    host, reached = light_lab.hosts[1], ["test", "-e", "/root/interrupted"]

    def interrupt() -> None:
        wait_for(lambda: light_lab.exec(host, reached, check=False).returncode == 0)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    # A shell that starts the tests in the background lets them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    watcher.start()
    waves = [wave(host, touch="/root/interrupted", sleep=600)]
    try:
        with pytest.raises(KeyboardInterrupt):
            executor.run("accounts", waves, deadline_seconds=DEADLINE)
    finally:
        signal.signal(signal.SIGINT, before)
    watcher.join()
    assert processes_naming(str(run_root)) == []
