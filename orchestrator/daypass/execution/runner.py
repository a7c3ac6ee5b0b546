"""Waves through ansible-runner on this machine: own folder, own agent, own configuration, own environment."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.secrets import Secret
from daypass.errors import ExecutionError
from daypass.execution.agent import Agent
from daypass.execution.ansible_settings import (
    DEFAULT_CONNECT_TIMEOUT_SECONDS,
    DEFAULT_FORKS,
    build_environment,
    runner_callbacks,
)
from daypass.execution.answers import clean_text
from daypass.execution.event_folder import take_events
from daypass.execution.executor import OnOutcome, WaveServer
from daypass.execution.processes import end_processes
from daypass.execution.results import NO_RESULT, OUT_OF_TIME, WaveResults
from daypass.execution.run_folder import RunFolder
from daypass.execution.ssh_options import are_host_keys
from daypass.execution.wave_files import AGENT_SOCKET, WaveFiles, write_wave_files
from daypass.interrupts import held

PLAYBOOKS = {kind: f"daypass.ssh.{kind}" for kind in ("accounts", "onboard", "offboard", "report")}
ONE_TASK = frozenset({"accounts", "report"})  # their first result is the outcome
KEY_SPARE_SECONDS = 60  # keys outlive the deadline by this, so that a wave that ends in time never loses them
LOOK_SECONDS = 0.02  # how often events and the deadline are looked at: one list of a folder's few files
ANSIBLE_PLAYBOOK = Path(__file__).with_name("ansible_playbook.py")
OUTPUT = "output"  # what Ansible printed
LONGEST_OUTPUT = 1000  # characters of Ansible's own words in an error


class RunnerExecutor:
    """Runs waves with one connector key.

    Args:
        connector_key: Private key, PEM, without passphrase; it goes into an agent and nowhere else.
        run_root: Folder for run folders, see `run_folder.default_run_root`.
        forks: Servers that are worked on at the same time.
        connect_timeout_seconds: A server that hasn't answered by then is unreachable.
        playbooks: Kind to playbook, ours unless a test brings its own.
    """

    def __init__(
        self,
        *,
        connector_key: Secret,
        run_root: Path,
        forks: int = DEFAULT_FORKS,
        connect_timeout_seconds: int = DEFAULT_CONNECT_TIMEOUT_SECONDS,
        playbooks: Mapping[str, str] | None = None,
    ) -> None:
        self._connector_key = connector_key
        self._run_root = run_root
        self._forks = forks
        self._connect_timeout_seconds = connect_timeout_seconds
        self._playbooks = PLAYBOOKS if playbooks is None else playbooks

    def run(
        self,
        kind: str,
        servers: Sequence[WaveServer],
        *,
        deadline_seconds: int,
        on_outcome: OnOutcome | None = None,
        files: Mapping[str, bytes] | None = None,
        extra_keys: Sequence[Secret] = (),
    ) -> dict[str, Outcome]:
        """See `executor.Executor.run`."""
        playbook = self._playbook(kind)
        ready, refused = _split(servers)
        results = WaveResults(
            [wave.server.name for wave in servers], at_once=kind in ONE_TASK, on_outcome=on_outcome
        )
        for name, outcome in refused.items():
            results.tell(name, outcome)
        if not ready:
            return results.close(NO_RESULT)
        deadline = time.monotonic() + deadline_seconds
        with RunFolder(self._run_root) as run, Agent(run.path / AGENT_SOCKET) as agent:
            for key in (self._connector_key, *extra_keys):
                agent.add(key, lifetime_seconds=deadline_seconds + KEY_SPARE_SECONDS)
            wave_files = write_wave_files(
                run,
                ready,
                connector_public_key=agent.public_keys()[0],
                files=files or {},
                forks=min(self._forks, len(ready)),
                connect_timeout_seconds=self._connect_timeout_seconds,
            )
            late = _play(run, wave_files, playbook, results, deadline)
        return results.close(OUT_OF_TIME if late else NO_RESULT)

    def _playbook(self, kind: str) -> str:
        if kind not in self._playbooks:
            raise ExecutionError(f"there is no playbook for {kind!r}, known are {', '.join(self._playbooks)}")
        return self._playbooks[kind]


def _split(servers: Sequence[WaveServer]) -> tuple[list[WaveServer], dict[str, Outcome]]:
    """Servers that can be asked, and the reason for each that can't: without a recorded key none is."""
    refused: dict[str, Outcome] = {}
    for wave in servers:
        jump_keys = wave.jump_host_keys if wave.server.proxy_jump else ("jump",)
        if not wave.host_keys:
            refused[wave.server.name] = _unasked("no host key is recorded for the server")
        elif not jump_keys:
            refused[wave.server.name] = _unasked(
                f"its jump host {wave.server.proxy_jump} has no recorded host key; list it as a server"
            )
        elif not are_host_keys((*wave.host_keys, *wave.jump_host_keys)):
            refused[wave.server.name] = _unasked("a recorded host key isn't `TYPE BASE64`")
    return [wave for wave in servers if wave.server.name not in refused], refused


def _unasked(finding: str) -> Outcome:
    return Outcome(OutcomeKind.UNREACHABLE, "host_key_missing", f"{finding}; record it: daypass servers scan")


def _play(run: RunFolder, files: WaveFiles, playbook: str, results: WaveResults, deadline: float) -> bool:
    """Run the playbook to its end or to the deadline; whether the deadline came first.

    Raises:
        ExecutionError: Ansible ended before it began with the first server.
    """
    config = _runner_config(run, files, playbook)
    artifacts = Path(config.artifact_dir)
    late = False
    with _Running(config, run.path) as running:
        while running and not (late or results.complete):
            running.wait(LOOK_SECONDS)
            take_events(artifacts / "job_events", results.take)
            late = time.monotonic() >= deadline
    take_events(artifacts / "job_events", results.take)
    if not (results.started or late or running.stumbled):
        raise _not_started(artifacts / OUTPUT)
    return late


class _Running:
    """ansible-runner at work in a thread of its own; leaving the context ends it with all that it started.

    It waits for Ansible and for nothing else: with a terminal (its other way, `pexpect`) it would look for
    events in what is printed, and sleep 0.1 s at the end.
    """

    def __init__(self, config: Any, run_folder: Path) -> None:
        self._config = config
        self._run_folder = run_folder
        # A daemon: should this be left by an interruption after all, our own end doesn't wait for Ansible's.
        self._thread = threading.Thread(target=self._run, name="wave", daemon=True)
        self.stumbled = False

    def _run(self) -> None:
        from ansible_runner.runner import Runner

        try:
            with (Path(self._config.artifact_dir) / OUTPUT).open("wb") as output:
                self._config.output_fd = self._config.error_fd = output
                Runner(self._config).run()
        except Exception:  # noqa: BLE001 (any error of somebody else's code; what Ansible did until then counts)
            self.stumbled = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """With the last outcome the work is done: nobody waits for what Ansible would still tidy up."""
        with held():  # whoever presses Ctrl-C twice means it, and leaves no Ansible at work all the same
            while self:  # it may be about to start Ansible
                end_processes(self._run_folder)
                self.wait(LOOK_SECONDS)
            end_processes(self._run_folder)

    def __bool__(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Until it has ended, `seconds` at most."""
        self._thread.join(seconds)


def _runner_config(run: RunFolder, files: WaveFiles, playbook: str) -> Any:
    """ansible-runner's configuration, with the environment that it copied from ours replaced."""
    from ansible_runner.config.runner import RunnerConfig  # 0.1 s that commands without a wave needn't pay

    config = RunnerConfig(
        private_data_dir=str(run.path),
        project_dir=str(files.project),
        host_cwd=str(files.project),
        playbook=playbook,
        inventory=str(files.inventory),
        fact_cache_type="",
        quiet=True,
        suppress_env_files=True,
    )
    config.prepare()
    config.command[:1] = [sys.executable, "-P", str(ANSIBLE_PLAYBOOK)]
    config.runner_mode = "subprocess"
    config.input_fd = subprocess.DEVNULL
    config.env = build_environment(
        run.path,
        agent_socket=run.path / AGENT_SOCKET,
        settings_file=files.settings,
        artifacts=Path(config.artifact_dir),
        callbacks=runner_callbacks(),
    )
    return config


def _not_started(output: Path) -> ExecutionError:
    try:
        said = clean_text(output.read_text("utf-8", "replace")[-LONGEST_OUTPUT:])
    except OSError:
        said = ""
    return ExecutionError(
        f"Ansible ended before it reached any server: {said or 'it said nothing'}",
        hint="daypass doctor checks the installation",
        code="wave_not_started",
    )
