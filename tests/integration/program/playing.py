"""Runs the action `daypass.ssh.accounts` against a host by ansible-playbook, and counts what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import api
from tests.integration.accounts.managed_host import ManagedHost
from tests.integration.onboard.controller import Controller, Play

PROGRAM = "/usr/local/lib/daypass/daypass-host.pyz"
SIZES = "/var/tmp/daypass-sizes"
PYTHON = "/usr/local/bin/counted-python3"
# A Python that notes how much it was sent.
COUNTED = f"""#!/bin/sh
input=$(mktemp) && cat > $input && wc -c < $input >> {SIZES} && exec /usr/bin/python3 "$@" < $input
"""
# Ansible sets a task's environment for modules alone, so such a task goes as a module.
WAYS = {"program": {}, "module": {"environment": {"DAYPASS_TEST": "module"}}}
MOST_REQUEST_BYTES = 12_000
VOLATILE = ("now", "drift_seconds", "program", "warnings")  # clocks of a busy machine drift


def playbook(arguments: str, more: Mapping[str, Any]) -> str:
    """One task with our module (JSON is YAML)."""
    task = {"name": "Converge", "daypass.ssh.accounts": arguments, "become": True, **more}
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}])


class Playing(ManagedHost):
    """A managed host that is reached through Ansible."""

    def __init__(self, lab: api.Lab, host: api.Host, folder: Path) -> None:
        super().__init__(lab, host)
        self._controller = Controller(folder, lab)
        for way, more in WAYS.items():
            (folder / f"{way}.yml").write_text(playbook("{{ arguments }}", more))
            each = {**more, "loop": "{{ arguments }}", "ignore_errors": True}
            (folder / f"{way}-each.yml").write_text(playbook("{{ item }}", each))
        self.put(PYTHON, COUNTED)
        self.sh(f"chmod 755 {PYTHON}")

    def put(self, path: str, text: str) -> None:
        """Write a file on the host."""
        self.lab.exec(self.host, ["sh", "-c", f"cat > {path}"], input=text)

    def forget(self, *logins: str) -> None:
        """As the host's, and the program goes too."""
        super().forget(*logins)
        self.sh(f"rm -rf {PROGRAM.rpartition('/')[0]} {SIZES}; test ! -e /etc/ssh/sshd_config.d/50-test.conf")

    def play(self, arguments: object, *options: str, playbook: str = "program.yml") -> Play:
        """Run the one task to its end; our arguments never come back."""
        play = self._controller.onboard(
            self.host,
            *options,
            playbook=playbook,
            arguments=arguments,
            ansible_python_interpreter=PYTHON,
        )
        assert play.results, play.text
        assert "invocation" not in play.text
        return play

    def result(self, arguments: Mapping[str, Any], *options: str, way: str = "program") -> dict[str, Any]:
        """What the task returned, with `failed`."""
        play = self.play(arguments, *options, playbook=f"{way}.yml")
        assert str(arguments.get("document", "nothing sent")) not in play.text
        return {**play.last("Converge"), "failed": play.code != 0}

    def results(self, several: Sequence[Mapping[str, Any]], way: str) -> list[dict[str, Any]]:
        """What the task returned for each of these arguments."""
        play = self.play(list(several), playbook=f"{way}-each.yml")
        found: list[dict[str, Any]] = play.last("Converge")["results"]
        return found

    def sizes(self) -> list[int]:
        """Bytes that the host's Python was sent, run by run, since the last call."""
        return [int(line) for line in self.sh(f"cat {SIZES}; rm -f {SIZES}").split()]


def lasting(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what differs from run to run, or is Ansible's own about the module's way."""
    kept = {
        key: value for key, value in result.items() if key in ("changed", "failed", "msg", "code", "diff")
    }
    kept.setdefault("failed", False)
    if "answer" in result:
        kept["answer"] = {key: value for key, value in result["answer"].items() if key not in VOLATILE}
    return kept
