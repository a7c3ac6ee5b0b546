"""Small policies for tests: a few people, a few servers, flows as they would be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daypass.config.access_flows import AccessFlow, Bundle
from daypass.config.settings import Integration, Settings
from daypass.directory import Directory
from daypass.directory.building import build
from daypass.directory.models import DirectoryFile
from daypass.domain.servers import Server
from daypass.flows import Ask, Policy, build_policy

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
FLOW: Mapping[str, Any] = {
    "name": "f",
    "requesters": "everyone",
    "targets": {"integration": "prod", "user_groups": ["Default", "ops"]},
    "max_duration": "8h",
    "approvers": "none",
}
# alice asks, bob manages her, carol and dave are platform, erin is dba; frank has left.
PEOPLE: tuple[Mapping[str, Any], ...] = (
    {"login": "alice", "groups": ["ops", "eu-ops"], "manager": "bob"},
    {"login": "bob", "groups": ["leads"]},
    {"login": "carol", "groups": ["platform"]},
    {"login": "dave", "groups": ["platform", "dba"]},
    {"login": "erin", "groups": ["dba"]},
    {"login": "frank", "groups": ["ops"], "active": False},
)
SHIFTS: tuple[Mapping[str, Any], ...] = (
    {"name": "day", "weekly": [{"people": ["carol"], "start": "08:00", "end": "20:00", "timezone": "UTC"}]},
    {"name": "night", "weekly": [{"people": ["erin"], "start": "20:00", "end": "08:00", "timezone": "UTC"}]},
)
SERVERS = (
    Server("web-1", "h1", tags={"env": "prod", "tier": "web"}, integration="prod"),
    Server("web-2", "h2", tags={"env": "test", "tier": "web"}, integration="prod"),
    Server("db-1", "h3", tags={"env": "prod", "owner": "dba"}, integration="prod"),
    Server("lab-1", "h4", integration="lab"),
)
INTEGRATIONS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "prod",
        "user_groups": ["Default", "ops", "dba"],
        "integration_owner": {"attribute": "group", "values": ["platform"]},
        "resource_owner": {"key": "owner", "attribute": "group"},
    },
    {"name": "lab"},
)


def directory(
    people: Iterable[Mapping[str, Any]] = PEOPLE, shifts: Iterable[Mapping[str, Any]] = SHIFTS
) -> Directory:
    """The directory of these entries; addresses are made up from logins."""
    entries = [{"email": f"{person['login']}@example.com", **person} for person in people]
    return build(DirectoryFile.model_validate({"people": entries, "shifts": list(shifts)}))


def policy(
    *flows: Mapping[str, Any],
    people: Iterable[Mapping[str, Any]] = PEOPLE,
    shifts: Iterable[Mapping[str, Any]] = SHIFTS,
    servers: Iterable[Server] = SERVERS,
    integrations: Iterable[Mapping[str, Any]] = INTEGRATIONS,
    bundles: Iterable[Mapping[str, Any]] = (),
) -> Policy:
    """A policy; each flow holds what differs from one that lets everyone have everything for eight hours."""
    listed = list(servers)
    settings = Settings.model_construct(
        state_dir=Path("/nowhere"),
        access_flows=tuple(AccessFlow.model_validate({**FLOW, **flow}) for flow in flows),
        bundles=tuple(Bundle.model_validate(bundle) for bundle in bundles),
        integrations=tuple(
            Integration.model_validate(
                {
                    "secret": {"env": "KEY"},
                    **integration,
                    "servers": tuple(s for s in listed if s.integration == integration["name"]),
                },
                context={"folder": Path("/")},
            )
            for integration in integrations
        ),
    )
    return build_policy(settings, directory(people, shifts))


def ask(grantee: str = "alice", *servers: str, groups: tuple[str, ...] = ("Default",), **more: Any) -> Ask:
    """A request of somebody for oneself, for web-1 when no server is named."""
    words = {"requester": grantee, "justification": "deploy", **more}
    return Ask(grantee=grantee, servers=servers or ("web-1",), groups=groups, **words)


class Doubtful:
    """A shift whose calendar can't be read."""

    def people(self, _at):
        return frozenset()

    def edges(self, _at, _latest):
        return ()

    def problem(self, _at):
        return "it can't be read"
