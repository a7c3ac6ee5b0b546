"""Access that a flow gave, without the request before it: servers in memory, a flow `work`, alice and bob."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.directory import Directory
from daypass.domain.certificates import Constraints
from daypass.domain.grants import Grant, Trigger
from daypass.domain.people import Person
from daypass.domain.windows import window_from
from daypass.workflow.giving import NewGrant, put_into_effect, record_grant
from tests.fakes import World
from tests.policies import policy

HOUR = timedelta(hours=1)
PEOPLE = Directory({login: Person(login, f"{login}@example.com") for login in ("alice", "bob")})
FLOW: dict[str, Any] = {
    "name": "work",
    "targets": {"integration": "lab", "user_groups": ["Default", "ops", "logs"]},
    "max_duration": "1h",
    "max_extensions": 2,
    "extension_duration": "30m",
}


def new_key() -> str:
    return public_line(load_ca_key(generate_ca_key("ed25519")))


def with_flow(world: World, **settings: Any) -> World:
    """The world with people and the flow `work`, which holds what differs from two times half an hour."""
    rules = replace(
        policy({**FLOW, **settings}),
        directory=PEOPLE,
        servers=world.seams.servers,
        integrations=world.seams.integrations,
    )
    return replace(world, seams=replace(world.seams, directory=lambda: PEOPLE, policy=lambda: rules))


def given(world: World, login: str = "alice", *servers: str, keys: int = 1, **words: Any) -> Grant:
    """Access by the flow `work`: an hour from now."""
    new = {
        "flow": "work",
        "window": window_from(world.clock(), HOUR),
        "groups": ("ops",),
        "constraints": Constraints(),
        "trigger": Trigger.SELF_SERVE,
        **words,
    }
    named = servers or ("web-1",)
    public_keys = tuple(check_public_key(new_key()) for _ in range(keys))
    with world.seams.store.write("test", world.clock()) as unit:
        grant = record_grant(
            world.seams,
            unit,
            NewGrant(login, f"{login}@example.com", reason="", servers=named, public_keys=public_keys, **new),
            world.clock(),
        )
    return put_into_effect(world.seams, grant, world.clock()).grant
