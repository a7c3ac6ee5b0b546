"""The servers that are measured: light lab hosts, onboarded for real through the command line.

Everything is kept for the next measurement: the lab `bench`, and beside its keys a folder with settings and
store.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daypass.wiring import open_daypass
from daypass.wiring.opening import Daypass
from lab import api

LAB = "bench"
GROUP = "operator"  # every Debian has it, and nothing hangs on it
SUDO_COMMAND = "/usr/bin/id"  # with `sudo -n` of it a person's rules are proven
ONBOARD_AT_ONCE = 25  # servers a command: a wave has a deadline
DEADLINE_SECONDS = 1800  # a busy machine must not end a measurement
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": os.environ["HOME"]}

SETTINGS = """\
state_dir: state
ca: {{key: {{file: state/user_ca}}}}
waves: {{forks: {forks}, deadline_seconds: {deadline}}}
integrations:
  - name: bench
    servers: ../servers.json
    secret: {{file: ../connector_key}}
    local_deadline: if_possible
    user_groups: [{{name: {group}, sudo: [{{run_as: root, commands: ["{command}"]}}]}}]
"""


@dataclass(frozen=True)
class Site:
    """Onboarded hosts.

    Attributes:
        hosts: Their names, in the order of their numbers.
        forks: Servers that are worked on at the same time, by every contender.
    """

    lab: api.Lab
    hosts: tuple[str, ...]
    forks: int

    @property
    def folder(self) -> Path:
        """Settings, store, and the key pair that all measured people share."""
        return self.lab.state_dir / "site"

    @property
    def user_key(self) -> Path:
        """Private key of the measured people, ed25519."""
        return self.folder / "user"

    @contextmanager
    def opened(self) -> Iterator[Daypass]:
        """Daypass with this site's settings and store."""
        with open_daypass(self.folder / "daypass.yaml") as daypass:
            yield daypass


def prepare(
    count: int,
    forks: int,
    prefix: str = "web",
    *,
    lab_name: str = LAB,
    image: str = "debian12",
    light: bool = True,
) -> Site:
    """Have `count` onboarded hosts `PREFIX-1` and up; repeated, it does what is missing."""
    lab = api.up(lab_name, count, light=light, image=image, prefix=prefix, shipped_kex=True)
    site = Site(lab, tuple(f"{prefix}-{number}" for number in range(1, count + 1)), forks)
    site.folder.mkdir(mode=0o700, exist_ok=True)
    text = SETTINGS.format(forks=forks, deadline=DEADLINE_SECONDS, group=GROUP, command=SUDO_COMMAND)
    (site.folder / "daypass.yaml").write_text(text)
    if not site.user_key.exists():
        words = ["-t", "ed25519", "-N", "", "-C", "bench", "-f", str(site.user_key)]
        subprocess.run(["ssh-keygen", "-q", *words], check=True)
    _daypass(site, "init")
    with site.opened() as daypass, daypass.seams.store.read() as view:
        found = {name: view.host(name) for name in site.hosts}
    missing = [name for name, host in found.items() if host is None or host.onboarded_at is None]
    for first in range(0, len(missing), ONBOARD_AT_ONCE):
        print(f"onboarding {len(missing) - first} hosts", file=sys.stderr, flush=True)
        _daypass(site, "onboard", *missing[first : first + ONBOARD_AT_ONCE])
    return site


def _daypass(site: Site, *words: str) -> None:
    argv: Sequence[str] = [str(Path(sys.executable).parent / "daypass"), words[0]]
    argv = [*argv, "--config", str(site.folder / "daypass.yaml"), *words[1:]]
    done = subprocess.run(argv, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"daypass {words[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}")
