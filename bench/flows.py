"""Deciding one request, and reading what it is decided by, with many flows, people and servers.

`python -m bench flows [--flows 1000] [--people 10000] [--servers 10000]`: times of one process, on one core.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

from daypass import config
from daypass.directory import YamlDirectory
from daypass.flows import Ask, Policy, Verdict, build_policy, decide

WANTED_READING_SECONDS = 3.0  # the issue's demands
WANTED_DECISION_SECONDS = 0.020
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
TEAMS = 200
KEY_HEAD = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
ROUNDS = 5


def write_site(folder: Path, flows: int, people: int, servers: int) -> Path:
    """A configuration of this size; a person has a manager, two groups and a key, a server four tags."""
    listed = [
        {
            "name": f"srv-{n}",
            "host": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
            "tags": {
                "env": ("prod", "test")[n % 2],
                "team": f"team-{n % TEAMS}",
                "rack": f"r{n % 40}",
                "os": "12",
            },
        }
        for n in range(servers)
    ]
    (folder / "servers.json").write_text(json.dumps(listed))
    entries = [
        {
            "email": f"user{n}@example.com",
            "login": f"user{n}",
            "groups": [f"team-{n % TEAMS}", f"office-{n % 30}"],
            **({"manager": f"user{n // 10}"} if n else {}),
            "public_keys": [public_key()],
        }
        for n in range(people)
    ]
    (folder / "directory.yaml").write_text(yaml.dump({"people": entries}, Dumper=yaml.CSafeDumper))
    settings = {
        "directory": "directory.yaml",
        "integrations": [
            {
                "name": "prod",
                "servers": "servers.json",
                "secret": {"env": "KEY"},
                "user_groups": ["Default", "ops"],
                "integration_owner": {"attribute": "group", "values": ["team-0"]},
                "resource_owner": {"key": "team", "attribute": "group"},
            }
        ],
        "access_flows": [flow(n) for n in range(flows)],
    }
    file = folder / "daypass.yaml"
    file.write_text(yaml.dump(settings, Dumper=yaml.CSafeDumper))
    return file


def public_key() -> str:
    """A line that passes every check: any 32 bytes whose last bit says so are an ed25519 key's text."""
    return "ssh-ed25519 " + base64.b64encode(KEY_HEAD + os.urandom(32)).decode("ascii")


def flow(n: int) -> dict[str, object]:
    """One flow of a team for its own servers, with two steps and an escalation."""
    return {
        "name": f"flow-{n}",
        "requesters": [
            {"group": f"team-{n % TEAMS}", "user": {"does_not_contain": "guest"}},
            {"manager": f"user{n}"},
        ],
        "targets": [
            {
                "integration": "prod",
                "servers": {"starts_with": "srv-"},
                "tags": {"team": f"team-{n % TEAMS}", "env": {"is_not": "test"}},
                "exclude": {"tags": {"rack": "r39"}},
                "user_groups": ["Default", "ops"],
            }
        ],
        "max_duration": f"{1 + n // TEAMS}h",
        "timeframe": {"days": ["mon", "tue"], "start": "06:00", "end": "22:00", "timezone": "Europe/Berlin"},
        "approvers": {
            "steps": [
                {"any_of": ["manager", "owner"], "escalation": {"tiers": [[{"group": "office-1"}]]}},
                {"all_of": [{"group": f"team-{n % TEAMS}"}, {"group": "office-2"}]},
            ]
        },
    }


def read(file: Path) -> Policy:
    settings = config.load(file, {}, file.parent)
    assert settings.directory is not None
    assert settings.directory.file is not None
    return build_policy(settings, YamlDirectory(settings.directory.file).read())


def decision_seconds(policy: Policy, servers: int, people: int) -> list[float]:
    """CPU times of requests of many teams, for one server and for several, that fit and that don't."""
    times = []
    for n in range(0, 1000, 10):
        team = n % TEAMS
        own = [f"srv-{k}" for k in range(team, servers, TEAMS) if k % 2 == 0 and k % 40 != 39][:3]
        asked = tuple(own) if own and n % 3 else (f"srv-{(n * 7 + 1) % servers}",)
        ask = Ask(f"user{n % people}", f"user{n % people}", asked, ("ops",), justification="bench")
        start = time.process_time()
        decide(ask, policy, NOW)
        times.append(time.process_time() - start)
    return times


def run(arguments: list[str] | None = None) -> bool:
    """Print the table and the JSON; False when a demand is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("flows", 1000), ("people", 10_000), ("servers", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        file = write_site(Path(name), options.flows, options.people, options.servers)
        reading = []
        for _ in range(ROUNDS):
            start = time.process_time()
            policy = read(file)
            reading.append(time.process_time() - start)
    times = decision_seconds(policy, options.servers, options.people)
    verdicts = decide(Ask("user0", "user0", ("srv-0",), ("ops",), justification="x"), policy, NOW).verdict
    assert verdicts is Verdict.NEEDS_APPROVAL
    report = {
        "flows": options.flows,
        "people": options.people,
        "servers": options.servers,
        "reading_cpu_seconds": round(statistics.median(reading), 2),
        "decision_cpu_milliseconds": round(statistics.median(times) * 1000, 1),
        "slowest_decision_cpu_milliseconds": round(max(times) * 1000, 1),
        "wanted": {"reading_seconds": WANTED_READING_SECONDS, "decision_seconds": WANTED_DECISION_SECONDS},
    }
    print(json.dumps({"access_flows": report}, indent=2))
    quick = statistics.median(times) <= WANTED_DECISION_SECONDS
    return quick and statistics.median(reading) <= WANTED_READING_SECONDS
