"""The files of a run folder: known_hosts, public key, inventory, settings, and what a playbook needs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.errors import ExecutionError
from daypass.execution.ansible_settings import find_collections, render_settings
from daypass.execution.executor import WaveServer
from daypass.execution.run_folder import RunFolder
from daypass.execution.ssh_options import hermetic_options, jump_alias, known_hosts_text, server_options
from daypass.inventory.ansible import to_inventory, unsafe

FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Only our own names: nobody outside may set `ansible_…`, which says how and as whom Ansible connects.
VARIABLE_NAME = re.compile(r"(daypass|onboard|offboard)_[a-z0-9_]{1,60}")
AGENT_SOCKET = "agent"


@dataclass(frozen=True)
class WaveFiles:
    """Where they are."""

    inventory: Path
    settings: Path
    project: Path


def write_wave_files(
    run: RunFolder,
    servers: Sequence[WaveServer],
    *,
    connector_public_key: str,
    files: Mapping[str, bytes],
    forks: int,
    connect_timeout_seconds: int,
) -> WaveFiles:
    """Write all of it.

    Raises:
        ExecutionError: A file or variable has a name that isn't allowed.
    """
    for name in ("tmp", "ansible", "nothing"):
        run.folder(name)
    key_file = run.write("connector.pub", f"{connector_public_key}\n".encode("ascii"))
    known_hosts = run.write("known_hosts", known_hosts_text(_known(servers)))
    options = hermetic_options(known_hosts, run.path / AGENT_SOCKET, key_file, connect_timeout_seconds)
    shared = {f"daypass_file_{name}": str(_write_file(run, name, content)) for name, content in files.items()}
    shared |= {"daypass_known_hosts": str(known_hosts), "daypass_ssh_arguments": shlex.join(options)}
    settings = render_settings(
        run.path,
        collections=[find_collections()],
        ssh_arguments=options,
        forks=forks,
    )
    return WaveFiles(
        inventory=run.write(
            "inventory.json", json.dumps(_inventory(servers, options, shared)).encode("ascii")
        ),
        settings=run.write("ansible.cfg", settings),
        project=run.folder("project"),
    )


def _known(servers: Sequence[WaveServer]) -> list[tuple[str, str]]:
    own = [(wave.server.name, key) for wave in servers for key in wave.host_keys]
    return own + [(jump_alias(wave.server), key) for wave in servers for key in wave.jump_host_keys]


def _write_file(run: RunFolder, name: str, content: bytes) -> Path:
    if not FILE_NAME.fullmatch(name):
        raise ExecutionError(f"a run's file can't be named {name!r}: {FILE_NAME.pattern} is allowed")
    return run.write(f"files/{name}", content)


def _inventory(
    servers: Sequence[WaveServer], options: Sequence[str], shared: Mapping[str, str]
) -> dict[str, Any]:
    """One inventory for every playbook; text from outside is marked, so that none is a template."""
    variables: dict[str, dict[str, str]] = {}
    for wave in servers:
        for name in wave.variables:
            if not VARIABLE_NAME.fullmatch(name):
                raise ExecutionError(
                    f"a run's variable can't be named {name!r}: {VARIABLE_NAME.pattern} is allowed"
                )
        arguments = shlex.join(server_options(wave.server, options))
        variables[wave.server.name] = {**wave.variables, "ansible_ssh_common_args": arguments}
    inventory = to_inventory([wave.server for wave in servers], variables)
    inventory["all"]["vars"] = {name: unsafe(value) for name, value in shared.items()}
    return inventory
