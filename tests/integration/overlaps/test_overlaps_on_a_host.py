"""Tens of random sequences over a real host: what its own files give is what the model says.

The same model as in `unit/collection/run/test_overlaps.py`; here useradd, usermod, visudo and sshd are real.
`DAYPASS_HOST_SEQUENCES=200` tries more of them.
"""

from __future__ import annotations

import json
import os
import random
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from lab import api
from tests import overlap_model as model
from tests.integration.accounts.managed_host import FOLDER, ManagedHost, account
from tests.memory_system import Rights, rights_of

UIDS = {"alice": 70007, "bob": 70008}
GROUPS = ("team", "web", "ops")
RULES = (("root", "/usr/bin/id"), ("root", "/usr/bin/who"), ("nobody", "/usr/bin/id"))
SEQUENCES = int(os.environ.get("DAYPASS_HOST_SEQUENCES", "24"))
STEPS = 6


class Story:
    """One sequence: what people want, what is sent when, and where the process dies."""

    def __init__(self, host: ManagedHost, seed: int, began: int) -> None:
        self.host, self.chance, self.clock = host, random.Random(seed), began  # noqa: S311 - the same each time
        self.wish: dict[str, dict[str, model.Grant]] = {login: {} for login in UIDS}
        self.over: dict[str, set[str]] = {login: set() for login in UIDS}
        self.count = 0
        self.sent: list[model.Document] = []
        self.steps: list[tuple[model.Document, int, dict[str, Any] | None]] = []
        while len(self.steps) < STEPS:
            self._step()

    def _step(self) -> None:
        chance = self.chance
        for _change in range(chance.randint(1, 3)):
            self._change()
        self.clock += chance.choice([0, 0, 60, 660, 3660])
        late = self.sent and chance.random() < 0.2
        document = chance.choice(self.sent) if late else self._next()
        kill = {"effect": chance.randint(0, 14), "when": "after"} if chance.random() < 0.3 else None
        self.steps.append((document, self.clock, kill))

    def _change(self) -> None:
        chance = self.chance
        login = chance.choice(sorted(UIDS))
        known = sorted(self.wish[login])
        if known and chance.random() < 0.3:
            key = chance.choice(known)
            del self.wish[login][key]
            self.over[login].add(key)
            return
        if known and chance.random() < 0.5:
            key = chance.choice(known)
        else:
            self.count += 1
            key = f"G{self.count}"
        principals = frozenset(f"daypass-{key}-{chance.randint(1, 2)}" for _number in range(2))
        groups = frozenset(chance.sample(GROUPS, chance.randint(0, 2)))
        rules = frozenset(chance.sample(RULES, chance.randint(0, 2)))
        until = self.clock + chance.choice([300, 3600, 90000])
        self.wish[login][key] = model.Grant(key, principals, groups, rules, until)

    def _next(self) -> model.Document:
        grants = {login: dict(found) for login, found in self.wish.items()}
        absent = {login: frozenset(found) for login, found in self.over.items()}
        self.sent.append(model.Document(len(self.sent) + 1, grants, absent))
        return self.sent[-1]

    def to_send(self) -> list[dict[str, Any]]:
        """The steps as `sequence_loop.py` takes them."""
        return [
            {"document": self._opaque(document), "now": clock, "kill": kill}
            for document, clock, kill in self.steps
        ]

    def _opaque(self, document: model.Document) -> str:
        people = []
        for login, grants in document.grants.items():
            given = [_present(grant) for _key, grant in sorted(grants.items())]
            given += [{"id": key, "state": "absent"} for key in sorted(document.absent[login])]
            people.append(account(login, UIDS[login], *given))
        return self.host.document(*people, sequence=document.sequence)

    def check(self, results: list[dict[str, Any]]) -> None:
        """Compare each step with the model; a killed run leaves several states possible."""
        states, before, certain = [model.State()], dict.fromkeys(UIDS, Rights()), True
        for (document, clock, _kill), result in zip(self.steps, results, strict=True):
            found = {login: _rights(login, one) for login, one in result["people"].items()}
            done = [model.follow(state, document, clock) for state in states]
            if result["dead"] or result["code"] == "account_deleted":
                for login in UIDS:
                    limits = [before[login], *(state.rights(login) for state in done)]
                    assert any(found[login].within(limit) for limit in limits), (login, found[login], limits)
                states, certain = model.after_death(states, document, clock, frozenset()), False
            else:
                certain = certain or not model.is_late(states, document)
                states = model.fitting(done, found, exact=certain)
                assert states, f"the host gives {found}, wanted was {done}, it said {result['code']}"
            before = found


def _present(grant: model.Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "principals": sorted(grant.principals),
        "groups": sorted(grant.groups),
        "warn_before": 0,
        "sudo": [{"run_as": run_as, "commands": [command]} for run_as, command in sorted(grant.sudo)],
        "not_after": datetime.fromtimestamp(grant.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _rights(login: str, found: dict[str, Any]) -> Rights:
    return rights_of(login, found["keys"], found["sudo"], found["groups"], found["day"])


@pytest.fixture(scope="module")
def host(lab_name: str) -> ManagedHost:
    """A light host of its own."""
    lab = api.up(lab_name, 1, light=True, prefix="overlaps", fresh=True)
    machine = ManagedHost(lab, lab.host("overlaps-1"))
    machine.sh("for group in team web ops; do groupadd -f $group; done")
    return machine


def test_random_sequences_end_in_what_is_granted(host: ManagedHost):
    """After each run the host's files give exactly the union of what is still granted, killed runs or not."""
    began = int(time.time()) // 60 * 60
    stories = [Story(host, seed, began) for seed in range(SEQUENCES)]
    wish = {
        "people": UIDS,
        "ids": {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id},
        "sequences": [story.to_send() for story in stories],
    }
    argv = ["python3", f"{FOLDER}/sequence_loop.py"]
    done = host.lab.exec(host.host, argv, input=json.dumps(wish), check=False, timeout_seconds=800)
    assert done.returncode == 0, done.stderr[-2000:]
    for story, results in zip(stories, json.loads(done.stdout)["results"], strict=True):
        story.check(results)
