"""A person with a key, and what the record and the servers hold of him."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.workflow.granting import GrantRequest
from tests.fakes import World, make_world

PUBLIC_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three servers, and cleanup windows of 0 days."""
    return make_world(tmp_path, "web-1", "web-2", "web-3")


@pytest.fixture
def request_for() -> Callable[..., GrantRequest]:
    """`request_for("alice", "web-1", groups=…)`: an hour of access."""

    def build(
        login: str, *servers: str, groups: tuple[str, ...] = (), length: timedelta = timedelta(hours=1)
    ) -> GrantRequest:
        return GrantRequest(login, servers, (), groups, length, PUBLIC_KEY)

    return build
