"""A managed lab host that can be broken: file systems without room, tools that fail, hang or are gone."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.integration.accounts.managed_host import ManagedHost, account, grant

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]
FULL = {"groups": ["team"], "sudo": ID_ONLY}
UIDS = {"alice": 70007, "bob": 70008, "carol": 70009}
FILES = "passwd shadow group gshadow subuid subgid sudoers.d ssh/daypass/keys"


class BreakingHost(ManagedHost):
    """`repair` takes back whatever was broken."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.mounted: list[str] = []
        self.away: list[str] = []

    # --- breaking -------------------------------------------------------------------------------------------
    def mount(self, script: str) -> None:
        """Run a shell script that may mount."""
        self.lab.exec(self.host, ["sh", "-ec", script], privileged=True)

    def fill(self, folder: str, size: str) -> None:
        """Put a copy of this folder on a file system of its own that has no room left."""
        mode = self.run("stat", "-c", "%a", folder).strip()
        script = f"mkdir -p /mnt/copy && cp -a {folder}/. /mnt/copy/"
        script += (
            f" && mount -t tmpfs -o size={size},mode={mode} full {folder} && cp -a /mnt/copy/. {folder}/"
        )
        script += f" && rm -rf /mnt/copy; dd if=/dev/zero of={folder}/.fill bs=4096 2>/dev/null || true"
        self.mount(script)
        self.mounted.append(folder)

    def make_room(self, folder: str) -> None:
        """Let there be room again on a full folder; what was written there stays."""
        self.run("rm", f"{folder}/.fill")

    def make_read_only(self, folder: str) -> None:
        """No file below this folder can be changed."""
        self.mount(f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}")
        self.mounted.append(folder)

    def replace(self, program: str, script: str | None) -> None:
        """Put a shell script in the place of a program; None: nothing."""
        path = self.sh(f"readlink -f $(command -v {program})").strip()
        self.run("mv", path, f"{path}.away")
        self.away.append(path)
        if script is not None:
            text = base64.b64encode(f"#!/bin/sh\n{script}\n".encode()).decode()
            self.sh(f"echo {text} | base64 -d > {path} && chmod 755 {path}")

    def install_source(self, module: Path, line: str) -> None:
        """Install a name service module, and this line of nsswitch.conf for users and groups."""
        text = base64.b64encode(module.read_bytes()).decode()
        self.lab.exec(
            self.host,
            ["sh", "-c", f"base64 -d > /usr/lib/$(uname -m)-linux-gnu/{module.name}"],
            input=text,
        )
        self.run("cp", "-n", "/etc/nsswitch.conf", "/etc/nsswitch.conf.away")
        self.run("sed", "-i", f"s/^\\(passwd\\|group\\):.*/\\1: {line}/", "/etc/nsswitch.conf")

    def repair(self) -> None:
        """Take everything back; repeating it is harmless."""
        while self.mounted:
            self.lab.exec(self.host, ["umount", "-l", self.mounted.pop()], privileged=True, check=False)
        while self.away:
            path = self.away.pop()
            self.run("mv", "-f", f"{path}.away", path)
        script = "test ! -e /etc/nsswitch.conf.away || mv /etc/nsswitch.conf.away /etc/nsswitch.conf"
        self.sh(script + "; rm -rf /etc/sudoers.d/other /etc/ssh/sshd_config.d/99-other.conf /etc/*.lock")

    # --- looking --------------------------------------------------------------------------------------------
    def fingerprint(self) -> str:
        """Every byte, owner and mode of the files that make accounts, without the tools' own backups."""
        return self.sh(
            f"cd /etc && find {FILES} ! -name '.*' -type f -exec stat -c '%n %U %a' {{}} + | sort"
            f" && find {FILES} ! -name '.*' -type f -exec sha256sum {{}} + | sort -k2; ls /home"
        )

    def begin_process(self, login: str) -> None:
        """Something that runs as this person."""
        uid = UIDS[login]
        self.sh(f"setsid setpriv --reuid={uid} --regid={uid} --clear-groups sleep 600 >/dev/null 2>&1 &")
        self.sh(f"until pgrep -u {uid} sleep >/dev/null; do sleep 0.05; done")

    def running(self, login: str) -> list[str]:
        """Processes of this person."""
        return self.sh(f"pgrep -u {UIDS[login]} || true").split()

    # --- sending --------------------------------------------------------------------------------------------
    def want(self, *, drive: dict[str, Any] | None = None, **grants: list[dict[str, Any]]) -> dict[str, Any]:
        """Converge to these people's grants; the answer."""
        people = [account(login, UIDS[login], *given) for login, given in grants.items()]
        return self.send(*people, **(drive or {}))["answer"]["answer"]


def one(key: str, **changes: Any) -> list[dict[str, Any]]:
    """One grant with a group and a sudo rule."""
    return [grant(key, **{**FULL, **changes})]
