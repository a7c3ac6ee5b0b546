"""Servers: entries of the lists, the connector's keys, and who answers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from daypass.config import Settings
from daypass.config.settings import Integration
from daypass.domain.servers import Server
from daypass.execution.reach import silent_servers
from daypass.inventory.twins import twins, twins_text
from daypass.secret_stores import decode_connector_key, resolve
from daypass.wiring.examining.progress import Progress
from daypass.workflow.doctor.findings import Check, Finding, ok, warn
from daypass.workflow.doctor.fleet import judge_reached

SAMPLE = 20  # servers that are asked by themselves; in parallel, so that one that is down costs five seconds


def checks(settings: Settings, *, every_server: bool, progress: Progress) -> Iterator[Check]:
    yield Check("servers", lambda: _twins(settings))
    for one in settings.integrations:
        yield Check(f"connector key of {one.name}", partial(_connector_key, one))
    yield Check("reachability", lambda: _reached(settings.servers, every_server, progress))


def _twins(settings: Settings) -> Iterator[Finding]:
    for group in twins(settings.servers):
        hint = "keep one of them in the server list; a machine is onboarded under one name only"
        yield warn("servers", twins_text(group), hint)


def _connector_key(integration: Integration) -> Iterator[Finding]:
    secret = integration.secret
    decode_connector_key(
        resolve(secret, dict(os.environ)), str(secret)
    )  # a copy: others need the variable, too
    yield ok(f"connector key of {integration.name}", f"readable from {secret}")


def _reached(servers: Sequence[Server], every_server: bool, progress: Progress) -> Iterator[Finding]:
    direct = [server for server in servers if not server.proxy_jump]
    asked = direct if every_server else spread(direct, SAMPLE)
    progress.expect(len(asked))
    silent = silent_servers(asked, progress.advance)
    if servers:
        yield judge_reached(silent, len(asked), len(direct) - len(asked), len(servers) - len(direct))


def spread(servers: Sequence[Server], count: int) -> Sequence[Server]:
    """So many of them, from all over the list."""
    if len(servers) <= count:
        return servers
    return [servers[number * len(servers) // count] for number in range(count)]
