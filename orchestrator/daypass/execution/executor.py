"""The interface of every way to run: work for a number of servers in, an outcome for each of them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from daypass.domain.outcomes import Outcome
from daypass.domain.secrets import Secret
from daypass.domain.servers import Server

Kind = Literal["accounts", "onboard", "offboard", "report"]
OnOutcome = Callable[[str, Outcome], None]


@dataclass(frozen=True)
class WaveServer:
    """One server of a wave and what is sent to it.

    Attributes:
        host_keys: `TYPE BASE64` each; the only keys that this server may show. None given: it isn't asked
        at all.
        variables: Inventory variables of this server alone, opaque text (a document, names of files).
        jump_host_keys: As `host_keys`, for the host named by `server.proxy_jump`.
    """

    server: Server
    host_keys: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    jump_host_keys: tuple[str, ...] = ()


class Executor(Protocol):
    """A way to run a wave; it has the connector's key and settings from its construction."""

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
        """Send each server its work and wait for the answers.

        Args:
            kind: Which playbook: `accounts`, `onboard`, `offboard` or `report`.
            deadline_seconds: After this the wave is ended; servers that haven't answered are `unknown`.
            on_outcome: Called once a server, in the caller's thread, as soon as its outcome is known.
            files: Put into the private run folder under these names (lower case letters, digits, `_`);
            playbooks
                find the path of each in the variable `daypass_file_<name>`.
            extra_keys: Private keys that the wave's agent holds beside the connector's.

        Returns:
            An outcome for every server given, whatever happened.

        Raises:
            ExecutionError: The wave couldn't be started at all; no server was reached.
        """
        ...
