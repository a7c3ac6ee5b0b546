"""An orchestrator in a folder of its own, used the way people use it: by its commands and by ssh."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from daypass.wiring import Daypass, open_daypass
from lab import api
from tests import commands
from tests.commands import Ran

BIN = Path(sys.executable).parent
SECRET_VARIABLE = "DAYPASS_CONNECTOR_KEY"
SSH_SECONDS = 300

CONFIGURATION = """
state_dir: .daypass
ca: {key: {file: .daypass/user_ca}}
waves: {deadline_seconds: 600}
integrations:
  - name: lab
    servers: servers.json
    user_groups:
      - Default
      - logs
      - nowhere
      - {name: made, create: true}
      - {name: ops, sudo: [{run_as: root, commands: ["/usr/bin/id -u"]}]}
    login_shell: /bin/bash
    secret: {env: DAYPASS_CONNECTOR_KEY}
    user_cleanup_days: 0
    home_on_removal: archive
    local_deadline: if_possible
"""


@dataclass(frozen=True)
class Granted:
    """A grant as its person holds it."""

    id: str
    login: str
    key: Path
    certificate: Path
    answer: Mapping[str, Any]

    @property
    def principal(self) -> str:
        return str(self.answer["certificate"]["principal"])


@dataclass(frozen=True)
class Orchestrator:
    """A folder with daypass.yaml, the servers of a lab, and the people's keys."""

    folder: Path
    lab: api.Lab

    @property
    def _settings(self) -> Path:
        return self.folder / "daypass.yaml"

    def forget_people(self) -> None:
        """Who was in the directory before: another one isn't that in which everybody vanished."""
        (self.folder / ".daypass" / "directory" / "people.json").unlink(missing_ok=True)

    @property
    def more_known_hosts(self) -> Path:
        """Host keys of names that the lab doesn't know, where a test's server list has such."""
        return self.folder / "known_hosts"

    def environment(self) -> dict[str, str]:
        """What a command's environment holds: the connector's key, and nothing of the tests' own."""
        key = base64.b64encode(self.lab.connector_key.read_bytes()).decode()
        return {
            "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            SECRET_VARIABLE: key,
        }

    def set_up(self) -> None:
        """Write the configuration and the server list; host keys are left for `servers scan` to find."""
        self._settings.write_text(CONFIGURATION)
        listed = json.loads(self.lab.servers_file.read_text())
        names = {host.name for host in self.lab.hosts}
        for entry in listed:
            del entry["host_key"]
        kept = [entry for entry in listed if entry["name"] in names]
        (self.folder / "servers.json").write_text(json.dumps(kept))

    def argv(self, *words: str | Path) -> list[str]:
        return [str(BIN / "daypass"), *map(str, words)]

    def run(self, *words: str | Path, code: int | None = 0) -> Ran:
        """Run `daypass` in the folder; with `code`, that is how it must end."""
        ran = commands.run(list(map(str, words)), folder=self.folder, environment=self.environment())
        assert code is None or ran.code == code, f"{shlex.join(map(str, words))}: {ran}"
        return ran

    def run_at_once(self, *commands: Sequence[str | Path]) -> list[Ran]:
        """Run several commands at the same time; how each ended, in their order."""
        with ThreadPoolExecutor(len(commands)) as pool:
            return list(pool.map(lambda words: self.run(*words, code=None), commands))

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Begin a command and let it run."""
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def key(self, login: str) -> Path:
        """The private key of a person, made when first asked for."""
        path = self.folder / "keys" / f"id_{login}"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", login, "-f", str(path)]
            subprocess.run(words, check=True, timeout=SSH_SECONDS)
        return path

    def grant_words(
        self, login: str, *servers: str, groups: Sequence[str] = (), length: str = "1h"
    ) -> list[str]:
        words = ["grant", "--login", login, "--for", length, "--public-key", f"{self.key(login)}.pub"]
        words += [word for server in servers for word in ("--server", server)]
        words += [word for group in groups for word in ("--group", group)]
        return [*words, "--save", str(self.folder / "keys"), "--output", "json"]

    def grant(
        self, login: str, *servers: str, groups: Sequence[str] = (), length: str = "1h", code: int = 0
    ) -> Granted:
        ran = self.run(*self.grant_words(login, *servers, groups=groups, length=length), code=code)
        return self.granted(login, ran.json)

    def granted(self, login: str, answer: Mapping[str, Any]) -> Granted:
        file = Path(answer["certificate"]["file"])
        return Granted(answer["grant"]["id"], login, self.key(login), file, answer)

    def revoke(self, grant: Granted, code: int = 0) -> Any:
        return self.run("revoke", grant.id, "--output", "json", code=code).json

    def reconcile(self, code: int = 0) -> Any:
        return self.run("reconcile", "--output", "json", code=code).json

    @contextmanager
    def opened(self, later: timedelta = timedelta(0)) -> Iterator[Daypass]:
        """This orchestrator in our own process, at a time that may lie in the future."""
        with mock.patch.dict(os.environ, self.environment()), open_daypass(self._settings) as daypass:
            clock = daypass.seams.clock

            def shifted() -> datetime:
                return clock() + later

            yield replace(daypass, seams=replace(daypass.seams, clock=shifted))

    def ssh_argv(
        self,
        grant: Granted,
        server: str,
        *command: str,
        login: str | None = None,
        options: Sequence[str] = (),
    ) -> list[str]:
        """The ssh command that the grant's answer shows, with the lab's host keys, for this login."""
        shown = shlex.split(grant.answer["servers"][server]["ssh"])
        target = shown[-1] if login is None else f"{login}@{shown[-1].rpartition('@')[2]}"
        trust = ["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        known = f"{self.lab.known_hosts} {self.more_known_hosts}"
        trust += ["-o", f"UserKnownHostsFile={known}", "-o", "LogLevel=ERROR", *options]
        return [shown[0], *trust, *shown[1:-1], target, *command]

    def ssh(
        self, grant: Granted, server: str, *command: str, login: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Log in and run a command; ssh itself ends with 255 when it isn't let in."""
        return subprocess.run(
            self.ssh_argv(grant, server, *command, login=login),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SSH_SECONDS,
            check=False,
        )

    def gets_in(self, grant: Granted, server: str) -> bool:
        """Whether the certificate opens the account on this server now."""
        done = self.ssh(grant, server, "id -un")
        assert done.returncode in (0, 255), done
        assert done.returncode == 255 or done.stdout.strip() == grant.login
        return done.returncode == 0

    def events(self) -> int:
        """How many events the audit log has."""
        with self.opened() as daypass, daypass.seams.store.read() as view:
            return view.audit_head().number
