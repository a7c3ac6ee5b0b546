"""The wave's own ssh-agent: private keys go into it through a pipe, and are nowhere else.

`ssh-agent -a SOCKET COMMAND` ends by itself when COMMAND has ended: it looks every ten seconds whether its
parent is still there (ssh-agent.c, PARENT_ALIVE_INTERVAL). COMMAND is `cat` on a pipe that we hold, so the
agent is gone soon after us, even after SIGKILL. Keys have a lifetime as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from daypass.domain.secrets import Secret
from daypass.errors import ExecutionError

STEP_SECONDS = 10  # each step takes milliseconds; a hanging one must not hang the wave
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


class Agent:
    """An agent that runs until it is left as a context manager, or until this process ends.

    Args:
        socket: Where it listens; in a folder that only this user can enter.

    Raises:
        ExecutionError: It can't be started.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        try:
            self._holder = subprocess.Popen(
                ["ssh-agent", "-a", str(socket), "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**ENVIRONMENT, "HOME": str(socket.parent)},
                start_new_session=True,  # a ^C on the terminal is ours to handle
            )
        except OSError as error:
            raise _failed(f"ssh-agent can't be started: {error.strerror}") from None
        self._agent = self._meet()

    def _meet(self) -> int:
        """Wait until `cat` answers (the socket listens before it starts), and get hold of the agent."""
        sender, receiver = self._holder.stdin, self._holder.stdout
        try:
            if sender is not None:
                sender.write(b"\n")
            answer = receiver.read(1) if receiver is not None else b""
            environment = Path(f"/proc/{self._holder.pid}/environ").read_bytes().split(b"\0")
            pids = [item.partition(b"=")[2] for item in environment if item.startswith(b"SSH_AGENT_PID=")]
            if answer == b"\n" and pids:
                return os.pidfd_open(int(pids[0]))
        except OSError:
            pass
        self._release_holder()
        raise _failed("ssh-agent ended before it was ready")

    def add(self, key: Secret, *, lifetime_seconds: int) -> None:
        """Hand over a private key for a limited time.

        Raises:
            ExecutionError: It isn't a usable private key, or a passphrase protects it.
        """
        added = self._ask("ssh-add", "-q", "-t", str(lifetime_seconds), "-", content=key.reveal())
        if added.returncode != 0:
            # ssh-add's own words aren't repeated: they depend on the key.
            raise ExecutionError(
                "ssh-add refused a private key: damaged, of an unknown kind, or with a passphrase",
                hint="a connector key without a passphrase: ssh-keygen -t ed25519 -N '' -f connector_key",
                code="connector_key",
            )

    def public_keys(self) -> list[str]:
        """The public halves of the keys, `TYPE BASE64`, in the order in which they were added."""
        listed = self._ask("ssh-add", "-L")
        lines = listed.stdout.decode("ascii", "replace").splitlines() if listed.returncode == 0 else []
        return [" ".join(line.split()[:2]) for line in lines]

    def _ask(self, *command: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment: Mapping[str, str] = {**ENVIRONMENT, "SSH_AUTH_SOCK": str(self.socket)}
        try:
            return subprocess.run(
                command,
                input=content,
                capture_output=True,
                env=environment,
                timeout=STEP_SECONDS,
                check=False,
                start_new_session=True,  # no terminal, so nothing can ask for a passphrase
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(f"{command[0]} can't be run: {type(error).__name__}") from None

    def close(self) -> None:
        """End the agent at once, and with it the keys; a second call does nothing."""
        if self._agent >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._agent, signal.SIGTERM)
            os.close(self._agent)
            self._agent = -1
        self._release_holder()

    def _release_holder(self) -> None:
        for stream in (self._holder.stdin, self._holder.stdout):
            if stream is not None:
                stream.close()
        try:
            self._holder.wait(STEP_SECONDS)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def _failed(sentence: str) -> ExecutionError:
    return ExecutionError(
        sentence, hint="OpenSSH's client programs must be installed: ssh, ssh-add, ssh-agent"
    )
