"""Orchestrators that `daypass init` has made, for tests of its commands in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from daypass.cli import main

ONE_SERVER = """
state_dir: state
ca: {key: {file: state/user_ca}}
integrations:
  - name: lab
    servers: [{name: web-1, host: 192.0.2.1}]
    user_groups: [Default]
    secret: {env: DAYPASS_CONNECTOR_KEY}
"""
ALICE_ASKS_BOB = """
state_dir: state
ca: {key: {file: state/user_ca}}
directory: directory.yaml
integrations:
  - {name: prod, servers: [{name: web-1, host: 192.0.2.1}], secret: {file: key}, user_groups: [Default, ops]}
access_flows:
  - name: production
    requesters: {user: alice}
    targets: {integration: prod, user_groups: [Default, ops]}
    max_duration: 8h
    approvers: [{user: bob}]
"""


def initialised(folder: Path, configuration: str, keys: Mapping[str, str] | None = None) -> Path:
    """The configuration's file, once `daypass init` has used it.

    Args:
        keys: Who is in directory.yaml, by login: the public key.
    """
    path = folder / "daypass.yaml"
    path.write_text(configuration)
    people = [{"login": n, "email": f"{n}@example.com", "public_keys": [k]} for n, k in (keys or {}).items()]
    (folder / "directory.yaml").write_text(yaml.safe_dump({"people": people}))
    with pytest.raises(SystemExit) as end:
        main(["init", "--config", str(path)])
    assert end.value.code == 0
    return path
