"""A lab that runs elsewhere, reached by ssh alone: for tests that run inside one of its hosts.

`scripts/e2e-newest` copies the lab's state folder there and names the lab in `DAYPASS_LAB_ATTACH`. Hosts
can't be stopped or made anew from inside, so tests marked `essential` use `hosts`, `exec` and the files only.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from lab import api


class AttachedLab(api.Lab):
    """A lab whose commands go over ssh as the connector user, with sudo, instead of through podman."""

    def exec(
        self,
        host: api.Host | str,
        argv: Sequence[str],
        *,
        input: str | None = None,
        check: bool = True,
        privileged: bool = False,
        timeout_seconds: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root on a host; `privileged` isn't to be had from here."""
        if privileged:
            raise api.LabError("not_attached", "more privileges than root's need podman, which isn't here")
        words = self.exec_argv(host, argv)
        done = subprocess.run(
            words,
            input=input or "",
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=timeout_seconds,
        )
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise api.LabError("command_failed", f"{argv[0]} ended with {done.returncode}: {said}")
        return done

    def exec_argv(self, host: api.Host | str, argv: Sequence[str], *, interactive: bool = False) -> list[str]:
        """The words that run a command as root; what they read is for whoever starts them, as ssh does."""
        # What follows `--` is put into one line for the login shell of the connector user.
        return self.ssh_argv(host, "sudo", "-n", "-H", "--", *(shlex.quote(word) for word in argv))


def attached(name: str, prefix: str = "web") -> AttachedLab:
    """The lab of this name in the copied state folder, with the hosts of one prefix (`unknown_lab`)."""
    hosts = api.attach(name).hosts
    return AttachedLab(name, tuple(host for host in hosts if host.role == prefix))
