"""Waves against lab hosts, with playbooks of the tests' own that do what a wave's document says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from daypass.domain.secrets import Secret
from daypass.domain.servers import Server
from daypass.execution.executor import WaveServer
from daypass.execution.runner import RunnerExecutor
from lab import api

PLAYBOOKS = Path(__file__).parent / "playbooks"


def document(**orders: Any) -> str:
    """What the test module `daypass_test_answer` is to do, as one opaque string."""
    return b64(json.dumps(orders))


def b64(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def answer(**fields: Any) -> dict[str, Any]:
    """A converged answer without accounts, as the module of the collection writes it."""
    return {"answer": {"version": 1, "status": "converged", "sequence": 1, "accounts": {}} | fields}


def server(host: api.Host, **fields: Any) -> Server:
    """A lab host as an entry of a server list."""
    return Server(**{"name": host.name, "host": host.address, "port": host.port} | fields)


def wave(host: api.Host, *, host_keys: tuple[str, ...] | None = None, **orders: Any) -> WaveServer:
    """A lab host in a wave, with orders for the test module."""
    keys = (host.host_key,) if host_keys is None else host_keys
    return WaveServer(server(host), keys, {"daypass_document": document(**orders)})


def make_executor(lab: api.Lab, run_root: Path, **options: Any) -> RunnerExecutor:
    """As the fixture, for tests that need other options."""
    playbooks = {kind: str(PLAYBOOKS / f"{kind}.yml") for kind in ("accounts", "onboard")}
    return RunnerExecutor(connector_key=make_key(lab), run_root=run_root, playbooks=playbooks, **options)


def make_key(lab: api.Lab) -> Secret:
    """The lab's connector key."""
    return Secret(lab.connector_key.read_bytes())


def processes_naming(text: str) -> list[str]:
    """Command lines and process ids of all processes whose arguments or environment hold the text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if text.encode() in command + (folder / "environ").read_bytes():
                found.append(f"{folder.name} {command.replace(bytes(1), b' ').decode(errors='replace')}")
        except OSError:  # it ended while we looked
            continue
    return found
