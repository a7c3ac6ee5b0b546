"""A small company that asks for access: flows and people over servers in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.config import Settings
from daypass.config.access_flows import AccessFlow
from daypass.domain.grants import Share
from daypass.domain.people import Person
from daypass.domain.requests import Request
from daypass.flows import Policy, build_policy
from daypass.store import Store
from daypass.workflow.requests.answering import answer
from daypass.workflow.requests.asking import RequestAnswer, RequestWords, ask_for
from daypass.workflow.seams import Seams
from tests import policies
from tests.fakes import World, make_world

PUBLIC_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))  # alice's
KEYS = {
    person["login"]: public_line(load_ca_key(generate_ca_key("ed25519"))) for person in policies.PEOPLE
} | {"alice": PUBLIC_KEY}

FLOW: Mapping[str, Any] = {
    "name": "f",
    "requesters": "everyone",
    "targets": {"integration": "lab", "user_groups": ["Default", "logs", "ops"]},
    "max_duration": "8h",
    "default_duration": "2h",
    "approvers": [{"group": "platform"}],
}
TWO_OF_PLATFORM = {"approvers": {"all_of": [{"group": "platform"}, {"group": "platform"}]}}
NOBODY_ASKED = {"approvers": "none"}


class Company:
    """The people of `policies.PEOPLE`: alice asks, bob manages her, carol and dave are platform, erin is dba.

    Attributes:
        people, flows: May be replaced; the next command reads what is there then.
    """

    def __init__(self, folder: Path, *flows: Mapping[str, Any], store: Store | None = None) -> None:
        self.world: World = make_world(folder, "web-1", "web-2", "db-1", cleanup_days=90, store=store)
        self.people: tuple[Mapping[str, Any], ...] = tuple(
            {"public_keys": [KEYS[person["login"]]], **person} for person in policies.PEOPLE
        )
        self.flows: tuple[Mapping[str, Any], ...] = flows or ({},)
        self.clock = self.world.clock
        self.hosts = self.world.hosts

    @property
    def settings(self) -> Settings:
        flows = tuple(AccessFlow.model_validate({**FLOW, **flow}) for flow in self.flows)
        return self.world.seams.settings.model_copy(update={"access_flows": flows})

    @property
    def policy(self) -> Policy:
        return build_policy(self.settings, policies.directory(self.people))

    @property
    def seams(self) -> Seams:
        """As a process that reads configuration and directory now."""
        return self.over(self.world.seams)

    def over(self, seams: Seams) -> Seams:
        policy = self.policy
        people = policy.directory
        return replace(seams, settings=self.settings, directory=lambda: people, policy=lambda: policy)

    def person(self, login: str) -> Person:
        found = self.policy.directory.person(login)
        assert found is not None
        return found

    def ask(self, login: str = "alice", *servers: str, **words: Any) -> RequestAnswer:
        """A request for web-1 when no server is named; `requester` asks for somebody else."""
        requester = words.pop("requester", login)
        check = words.pop("check", False)
        asked = RequestWords(
            servers or ("web-1",),
            grantee="" if requester == login else login,
            **{"justification": "deploy", **words},
        )
        return ask_for(self.seams, self.person(requester), asked, self.clock(), check=check)

    def say(self, request: Request, login: str, *, yes: bool = True, **words: Any) -> RequestAnswer:
        return answer(self.seams, request.id, self.person(login), self.clock(), yes=yes, **words)

    def request(self, request_id: str) -> Request:
        with self.seams.store.read() as view:
            found = view.request(request_id)
        assert found is not None
        return found

    def kinds(self, subject: str) -> list[str]:
        """The kinds of events about one request or grant, in order."""
        with self.seams.store.read() as view:
            return [one.kind for one in view.events(limit=10_000) if one.subject == subject]

    def details(self, subject: str, kind: str) -> Mapping[str, Any]:
        """The details of the last such event."""
        with self.seams.store.read() as view:
            found = [e for e in view.events(limit=10_000) if (e.subject, e.kind) == (subject, kind)]
        return found[-1].details

    def shares(self, login: str = "alice") -> list[Share]:
        with self.seams.store.read() as view:
            return view.shares(login=login)

    def opens(self, login: str = "alice") -> list[str]:
        """Servers on which this person's account is open."""
        return [name for name, host in self.hosts.items() if host.open_principals(login)]
