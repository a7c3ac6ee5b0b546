"""Three ways of working on all hosts, each called once a round: Daypass, Ansible's ping, stock modules.

All have the same inventory, agent, forks, pipelining, Python on the hosts, and ssh options; beyond these,
ping and the stock playbook run with Ansible's defaults. One difference: the stock playbook keeps its
connection to a host open from task to task, as a cold one a task would be slower.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.people import LENGTH, Person, make_person, next_number, variables_of
from bench.site import DEADLINE_SECONDS, GROUP, Site
from daypass.domain.outcomes import OutcomeKind
from daypass.domain.secrets import Secret
from daypass.execution.agent import Agent
from daypass.execution.ansible_settings import (
    DEFAULT_CONNECT_TIMEOUT_SECONDS,
    TARGET_PYTHON,
    build_environment,
)
from daypass.execution.executor import Executor, WaveServer
from daypass.execution.run_folder import RunFolder, default_run_root
from daypass.execution.wave_files import AGENT_SOCKET, write_wave_files
from daypass.wiring.opening import Daypass
from daypass.workflow.granting import GrantRequest, give

STOCK_PLAYBOOK = Path(__file__).parent / "stock" / "grant.yml"
PLAIN_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "ANSIBLE_CONFIG")
# Given on purpose: without it Ansible looks for a Python first, with a second login on each host.
PLAIN_SETTINGS = """\
[defaults]
forks = {forks}
interpreter_python = {python}
host_key_checking = True
[ssh_connection]
pipelining = True
retries = 0
ssh_args = {ssh_arguments}
"""


class ContenderFailed(Exception):
    """A contender didn't do all of its work, so its time means nothing."""


@dataclass(frozen=True)
class Granted:
    """One grant by Daypass: seconds of the whole use case, and of the wave in it."""

    seconds: float
    wave_seconds: float
    login: str
    certificate: str


def grant(site: Site, daypass: Daypass) -> Granted:
    """Give a new person access on all hosts: decide, record, sign, plan, send, record each answer."""
    login = f"person{next_number(site)}"
    request = GrantRequest(
        login=login,
        servers=site.hosts,
        tags=(),
        groups=(GROUP,),
        length=LENGTH,
        public_key=site.user_key.with_suffix(".pub").read_text(),
        comment=f"{login}@example.com",
    )
    timed = _Timed(daypass.seams.executor("bench"))
    seams = replace(daypass.seams, executor=lambda _integration: timed)
    start = time.perf_counter()
    answer = give(seams, request, daypass.now())
    seconds = time.perf_counter() - start
    bad = {name: one for name, one in answer.outcomes.items() if one.kind is not OutcomeKind.APPLIED}
    if bad:
        raise ContenderFailed(f"Daypass, {len(bad)} hosts: {next(iter(bad.items()))}")
    return Granted(seconds, timed.seconds, login, answer.certificate.text or "")


class _Timed:
    """An executor whose waves are timed."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.seconds = 0.0

    def run(self, kind: str, servers: Sequence[WaveServer], **options: object):
        start = time.perf_counter()
        try:
            return self._executor.run(kind, servers, **options)
        finally:
            self.seconds += time.perf_counter() - start


def ping(site: Site, daypass: Daypass) -> float:
    """Seconds of `ansible all -m ping --become`, one cold connection a host."""
    with _ansible(site, daypass, share_connections=False) as (environment, run):
        words = ["ansible", "all", "--module-name", "ansible.builtin.ping", "--become"]
        return _timed_run([*words, "--inventory", str(run / "inventory.json")], environment, run)


def stock(site: Site, daypass: Daypass, people: list[Person]) -> float:
    """Seconds of the stock playbook for one more person; who it was is appended to `people`."""
    people.append(make_person(site, daypass, next_number(site), datetime.now(UTC)))
    variables = variables_of(people[-1], "".join(person.sudo_line for person in people))
    with _ansible(site, daypass, share_connections=True) as (environment, run):
        (run / "person.json").write_text(json.dumps(variables))
        words = ["ansible-playbook", str(STOCK_PLAYBOOK), "--extra-vars", f"@{run / 'person.json'}"]
        return _timed_run([*words, "--inventory", str(run / "inventory.json")], environment, run)


def _timed_run(words: list[str], environment: Mapping[str, str], run: Path) -> float:
    argv = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
    output = run / "output"
    with output.open("wb") as stream:  # no pipe: a connection that is kept open would hold it
        start = time.perf_counter()
        done = subprocess.run(
            argv,
            env=environment,
            cwd=run,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            check=False,
        )
        seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise ContenderFailed(f"{words[0]}: {output.read_text()[-4000:]}")
    return seconds


@contextmanager
def _ansible(
    site: Site, daypass: Daypass, *, share_connections: bool
) -> Iterator[tuple[dict[str, str], Path]]:
    """A run folder as a wave has it, with plain settings for Ansible: environment and path."""
    servers = [daypass.seams.server(name) for name in site.hosts]
    waves = [WaveServer(server, (server.host_key or "",)) for server in servers]
    root = default_run_root(site.folder, {})
    with RunFolder(root) as folder, Agent(folder.path / AGENT_SOCKET) as agent:
        agent.add(Secret(site.lab.connector_key.read_bytes()), lifetime_seconds=DEADLINE_SECONDS)
        files = write_wave_files(
            folder,
            waves,
            connector_public_key=agent.public_keys()[0],
            files={},
            forks=site.forks,
            connect_timeout_seconds=DEFAULT_CONNECT_TIMEOUT_SECONDS,
        )
        wave_settings = configparser.RawConfigParser()
        wave_settings.read(files.settings)
        ssh_arguments = wave_settings["ssh_connection"]["ssh_args"]
        if share_connections:  # ssh takes the first value of each option
            sockets = folder.folder("c")
            sharing = f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={sockets}/%h"
            ssh_arguments = f"{sharing} {ssh_arguments}"
        text = PLAIN_SETTINGS.format(forks=site.forks, python=TARGET_PYTHON, ssh_arguments=ssh_arguments)
        environment = build_environment(
            folder.path,
            agent_socket=folder.path / AGENT_SOCKET,
            settings_file=folder.write("plain.cfg", text.encode()),
            artifacts=folder.path,
            callbacks=folder.path,
        )
        yield {name: environment[name] for name in PLAIN_ENVIRONMENT}, folder.path
