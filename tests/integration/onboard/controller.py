"""Playbooks against lab hosts: what is run, and what a host looks like before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import api
from tests.integration.accounts.managed_host import FOLDER
from tests.waiting import wait_for

CHECKOUT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
CALLBACK = Path(__file__).parent / "callback"
TRUST_RUN = Path(__file__).with_name("trust_run.py")

PLAYBOOK = """
- hosts: all
  gather_facts: false
  strategy: ansible.builtin.host_pinned
  roles:
    - role: daypass.ssh.onboard
"""

# Everything that onboarding may touch, as text: what is the same before and after wasn't touched.
LOOK = r"""
set -u
for file in /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid; do sort $file; done
find /etc/ssh /etc/sudoers.d /var/lib/daypass /usr/local/lib /home -printf '%p %m %U:%G\n' 2>/dev/null |
    grep -v -e '^/var/lib/daypass ' -e '^/var/lib/daypass/way-back ' -e '/lock ' -e '/way-back.lock ' | sort
find /etc/ssh -type f -exec sha256sum {} + | sort -k 2
for login in root apono nobody dp-canary; do
    sshd -T -C user=$login,host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22 2>&1 || true
done
"""


@dataclass
class Play:
    """How a run of ansible-playbook ended.

    Attributes:
        results: (task, result) of each task that ended on a host, in order.
        stats: Counts of the host.
    """

    code: int
    text: str
    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stats: dict[str, int] = field(default_factory=dict)

    def last(self, task: str) -> dict[str, Any]:
        """The result of the last task with this name."""
        return next(result for name, result in reversed(self.results) if name == task)

    @property
    def trust(self) -> dict[str, Any]:
        """What the first run of the trust module said."""
        return next(result["trust"] for _task, result in self.results if "trust" in result)


class Controller:
    """A folder on this machine with a CA key, from where playbooks run against one host."""

    def __init__(self, folder: Path, lab: api.Lab) -> None:
        self.folder = folder
        self.lab = lab
        for name in ("user_ca", "canary"):
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(argv, check=True)
        (folder / "onboard.yml").write_text(PLAYBOOK)
        (folder / "ansible.cfg").write_text(
            f"[defaults]\nstdout_callback = lines\ncallback_plugins = {CALLBACK}\n"
            "host_key_checking = true\ntimeout = 60\n"
            "[ssh_connection]\npipelining = true\n"
        )

    def inventory(self, host: api.Host) -> Path:
        """An inventory of this host alone, with strict host keys."""
        (self.folder / "known_hosts").write_text(f"{host.address} {host.host_key}\n")
        variables = {
            "ansible_host": host.address,
            "ansible_user": "apono",
            "ansible_ssh_private_key_file": str(self.lab.connector_key),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_args": "-F none -o IdentitiesOnly=yes -o ControlMaster=no"
            f" -o UserKnownHostsFile={self.folder}/known_hosts",
            # A busy test machine is no slow controller: only the tests of the way back see it fire.
            "onboard_way_back_seconds": 600,
            "onboard_canary_seconds": 600,
            "onboard_local_deadline": "if_possible",  # light hosts run sshd alone
            "onboard_ca_key_file": str(self.folder / "user_ca"),
        }
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({"all": {"hosts": {host.name: variables}}}))
        return path

    def start(
        self,
        host: api.Host,
        playbook: str = "onboard.yml",
        variables: Mapping[str, object] | None = None,
        *more: str,
    ) -> subprocess.Popen[str]:
        """Start ansible-playbook in a process group of its own."""
        argv = [str(BIN / "ansible-playbook"), "-i", str(self.inventory(host)), playbook]
        argv += ["-e", json.dumps(dict(variables or {})), *more]
        environment = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "collections"),
            "LC_ALL": "C.UTF-8",
        }
        if "SSH_AUTH_SOCK" in os.environ:
            environment["SSH_AUTH_SOCK"] = os.environ["SSH_AUTH_SOCK"]
        return subprocess.Popen(
            argv,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def onboard(self, host: api.Host, *more: str, playbook: str = "onboard.yml", **variables: object) -> Play:
        """Run the playbook to its end."""
        process = self.start(host, playbook, variables, *more)
        text, _none = process.communicate(timeout=600)
        return read_play(process.returncode, text, host.name)

    def look(self, host: api.Host) -> str:
        """Everything on the host that onboarding may touch."""
        return self.lab.exec(host, ["sh", "-c", LOOK]).stdout

    def connector_gets_in(self, host: api.Host) -> bool:
        """Whether a new login of the connector works; a reload closes the port for a moment."""
        argv = self.lab.ssh_argv(host, "id", "-un")
        done = subprocess.CompletedProcess(argv, 255, "", "")

        def answered() -> bool:
            nonlocal done
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            return "Connection refused" not in done.stderr

        return wait_for(answered) and done.stdout == "apono\n"


def read_play(code: int, text: str, host: str) -> Play:
    """Read what the callback printed; warnings between are left out."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    results = [(line["task"], line["result"]) for line in lines if line.get("host") == host]
    stats = next((line["stats"] for line in lines if "stats" in line), {})
    return Play(code, text, results, stats.get(host, {}))


def refusal_on(
    console: Controller,
    host: api.Host,
    local_deadline: str,
    host_id: str | None = None,
    orchestrator_id: str | None = None,
) -> dict[str, str] | None:
    """What the module's code on the host refuses it with."""
    argv = ["python3", f"{FOLDER}/{TRUST_RUN.name}"]
    ids = {"host_id": host_id, "orchestrator_id": orchestrator_id}
    wish = json.dumps({"local_deadline": local_deadline, **ids})
    return json.loads(console.lab.exec(host, argv, input=wish).stdout)
