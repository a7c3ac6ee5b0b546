"""Small real fakes: servers in memory that follow the host's own merge rules, and a mortal process.

`MemoryHosts` stands where waves run: it takes the very documents that would travel and answers as a server
does, with the collection's `document` and `merge`. `Mortal` counts the steps of a use case and ends it at one
of them the way SIGKILL does: from then on nothing it does has an effect, clean-up included.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import event

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, names
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, merge
from daypass import config
from daypass.ca.keys import generate_ca_key
from daypass.ca.signer import LocalSigner, Signer
from daypass.domain.certificates import CertificateSpec
from daypass.domain.hosts import Host
from daypass.domain.outcomes import AccountAnswer, HostAnswer, Outcome, OutcomeKind
from daypass.domain.secrets import Secret
from daypass.execution.executor import OnOutcome, WaveServer
from daypass.store import Store, open_store
from daypass.store.interface import ReadView, WriteWork
from daypass.wiring import identities
from daypass.workflow.seams import Seams
from daypass.workflow.waves import DOCUMENT

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CONNECTOR = "apono"


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, length: timedelta) -> datetime:
        self.now += length
        return self.now


class MemoryHost:
    """One server: its ledger is all there is, and what is in it counts as done.

    Attributes:
        onboarded: Whether there is a ledger at all.
        foreign: Logins that were there before.
        failing: Code that every account's opening fails with, None for a healthy server.
    """

    def __init__(self, host_id: str, orchestrator_id: str) -> None:
        self.ledger = ledger.new_ledger(host_id, None, orchestrator_id, (9, 2), CONNECTOR)
        self.up = True
        self.onboarded = True
        self.foreign: set[str] = set()
        self.failing: str | None = None

    def state(self) -> dict[str, object]:
        """All that makes this server what it is, for `vars(host).update(…)`."""
        return {**vars(self), "foreign": set(self.foreign)}

    def take(self, opaque: str, now: datetime) -> Outcome:
        """Do what a run of the module does with this document at `now`."""
        if not self.up:
            return Outcome(OutcomeKind.UNREACHABLE, "timed_out", "no answer")
        if not self.onboarded:
            return Outcome(OutcomeKind.REFUSED, "not_onboarded", "this host has no ledger")
        try:
            wanted_document = document.parse(opaque)
            merge.check_address(self.ledger, wanted_document, None)
            wanted = merge.merge(self.ledger, wanted_document, int(now.timestamp()))
        except names.Refusal as refusal:
            return Outcome(OutcomeKind.REFUSED, refusal.code, refusal.sentence)
        answers = {login: self._converge(account) for login, account in wanted.accounts.items()}
        self.ledger = self.ledger._replace(
            sequence=wanted.sequence,
            digest=wanted.digest,
            tombstones=wanted.tombstones,
            ca_keys=wanted.ca_keys,
        )
        bad = any(answer.code for answer in answers.values())
        answer = HostAnswer(
            "stale" if wanted.stale else "converged",
            self.ledger.host_id,
            None,
            self.ledger.sequence,
            answers,
            rebuilt=self.ledger.rebuilt or None,
            changed=True,
        )
        return Outcome(OutcomeKind.REFUSED if bad else OutcomeKind.APPLIED, answer=answer)

    def begin(self, host_id: str, orchestrator_id: str) -> None:
        """A new ledger, unless there is one."""
        if not self.onboarded:
            self.ledger = ledger.new_ledger(host_id, None, orchestrator_id, (9, 2), CONNECTOR)
            self.onboarded = True

    def leave(self, host_id: str, orchestrator_id: str) -> Outcome:
        """What the offboard playbook does."""
        if not self.up:
            return Outcome(OutcomeKind.UNREACHABLE, "timed_out", "no answer")
        if self.onboarded and (self.ledger.host_id, self.ledger.orchestrator_id) != (
            host_id,
            orchestrator_id,
        ):
            return Outcome(OutcomeKind.REFUSED, "orchestrator_mismatch", "somebody else's")
        self._keep({})
        self.onboarded = False
        return Outcome(OutcomeKind.APPLIED)

    def _converge(self, wanted: merge.WantedAccount) -> AccountAnswer:
        known = self.ledger.accounts.get(wanted.name)
        if wanted.grants and (wanted.name in self.foreign or self.failing):
            return AccountAnswer("refused", code=self.failing or "account_exists", message="not here")
        if wanted.remove or (known is None and not wanted.grants):
            self._keep({k: v for k, v in self.ledger.accounts.items() if k != wanted.name})
            return AccountAnswer("absent" if known is None else "removed")
        live = {key: grant._replace(live=True) for key, grant in wanted.grants.items()}
        entry = ledger.LedgerAccount(
            wanted.uid,
            wanted.comment,
            wanted.shell,
            f"/home/{wanted.name}",
            wanted.home_on_removal,
            wanted.user_cleanup_days,
            "",
            live,
            (),
            None,
            ledger.Joined("", 0, "", wanted.join_without_log) if wanted.existing == "join" else None,
        )
        self._keep({**self.ledger.accounts, wanted.name: entry})
        refusal = wanted.refused[0] if wanted.refused else None
        return AccountAnswer(
            "active" if live else "closed", tuple(sorted(live)), code=refusal.code if refusal else None
        )

    def _keep(self, accounts: dict[str, ledger.LedgerAccount]) -> None:
        self.ledger = self.ledger._replace(accounts=accounts)

    def open_principals(self, login: str) -> set[str]:
        """The principals whose certificates open this account now."""
        account = self.ledger.accounts.get(login)
        grants = account.grants.values() if account else ()
        return {principal for grant in grants for principal in grant.principals}


@dataclass
class MemoryHosts:
    """An executor over servers in memory; keeps every document that it was ever given.

    Attributes:
        on_step: Called before a server is reached and before its outcome is told.
    """

    hosts: Mapping[str, MemoryHost]
    clock: Callable[[], datetime]
    sent: list[tuple[str, str]] = field(default_factory=list)
    on_step: Callable[[str], None] = lambda _step: None

    def run(
        self,
        kind: str,
        servers: Sequence[WaveServer],
        *,
        deadline_seconds: int,
        on_outcome: OnOutcome | None = None,
        files: Mapping[str, bytes] | None = None,
        extra_keys: Sequence[Secret] = (),
    ) -> dict[str, Outcome]:
        variables: tuple[str, ...] = {
            "accounts": (DOCUMENT,),
            "onboard": ("onboard_document", "onboard_document_after"),
            "offboard": (),
            "report": (DOCUMENT,),
        }[kind]
        self.sent += [(wave.server.name, wave.variables[name]) for wave in servers for name in variables]
        outcomes = {}
        for wave in servers:
            name = wave.server.name
            self.on_step(f"reaching {name}")
            ids = [wave.variables.get(f"{kind}_{word}", "") for word in ("host_id", "orchestrator_id")]
            if kind == "offboard":
                outcomes[name] = self.hosts[name].leave(*ids)
            elif kind == "onboard":
                self.hosts[name].begin(*ids)
            if kind == "report":
                outcomes[name] = Outcome(OutcomeKind.APPLIED)
                continue
            for variable in variables:
                outcomes[name] = self.deliver(name, wave.variables[variable])
            self.on_step(f"answer of {name}")
            if on_outcome:
                on_outcome(name, outcomes[name])
        return outcomes

    def deliver(self, server: str, opaque: str) -> Outcome:
        """Hand one document to a server, however old it is."""
        return self.hosts[server].take(opaque, self.clock())


class Mortal:
    """Steps of one process; at the chosen one it is gone."""

    def __init__(self, last_step: int | None = None) -> None:
        self.last_step = last_step
        self.steps: list[str] = []
        self.dead = False

    def step(self, name: str) -> None:
        self.check()
        self.steps.append(name)
        if len(self.steps) == self.last_step:
            self.dead = True
        self.check()

    def check(self) -> None:
        if self.dead:
            raise Killed


class MortalStore:
    """A store whose commits are steps: before each, nothing of the unit is there; after it, all of it."""

    def __init__(self, store: Store, mortal: Mortal) -> None:
        self._store, self._mortal = store, mortal

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[WriteWork]:
        self._mortal.check()
        with self._store.write(actor, now) as work:
            yield work
            self._mortal.step("before a commit")
        self._mortal.step("after a commit")

    def read(self) -> AbstractContextManager[ReadView]:
        self._mortal.check()
        return self._store.read()


class MortalSigner:
    """A signer whose signature is made and then lost, or never made."""

    def __init__(self, signer: Signer, mortal: Mortal) -> None:
        self._signer, self._mortal = signer, mortal
        self.public_key = signer.public_key

    def sign(self, spec: CertificateSpec) -> str:
        self._mortal.step("before signing")
        text = self._signer.sign(spec)
        self._mortal.step("after signing")
        return text


@dataclass(frozen=True)
class Moment:
    """What stood at one time in a `World`."""

    record: bytes
    hosts: Mapping[str, Mapping[str, object]]
    now: datetime


@dataclass(frozen=True)
class World:
    """An orchestrator with a real store and a real CA key, and servers in memory."""

    seams: Seams
    hosts: Mapping[str, MemoryHost]
    waves: MemoryHosts
    clock: Clock
    record: Path

    def moment(self) -> Moment:
        """What stands now, to come back to: the record's file, and what each server is."""
        hosts = {name: host.state() for name, host in self.hosts.items()}
        return Moment(self.record.read_bytes(), hosts, self.clock.now)

    def back_to(self, moment: Moment) -> None:
        """Make everything as it was then."""
        self.record.write_bytes(moment.record)  # no connection outlives its unit: no log stands beside it
        self.clock.now = moment.now
        for name, state in moment.hosts.items():
            vars(self.hosts[name]).update(state)

    def mortal(self, last_step: int | None = None) -> tuple[Seams, Mortal]:
        """Another process of the same orchestrator, which ends at this step."""
        mortal = Mortal(last_step)
        waves = MemoryHosts(self.hosts, self.clock, self.waves.sent, mortal.step)
        seams = replace(
            self.seams,
            store=MortalStore(self.seams.store, mortal),
            signer=lambda: MortalSigner(self.seams.signer(), mortal),
            executor=lambda _integration: waves,
            owner=f"{self.seams.owner}/mortal",
            alive=lambda owner: owner == self.seams.owner,
        )
        return seams, mortal


CONFIGURATION = """
state_dir: state
ca: {{key: {{file: state/user_ca}}}}
integrations:
  - name: lab
    servers: {servers}
    user_groups: [Default, logs, {{name: ops, sudo: [{{run_as: root, commands: ["/usr/bin/id -u"]}}]}}]
    login_shell: /bin/bash
    secret: {{env: DAYPASS_CONNECTOR_KEY}}
    user_cleanup_days: {cleanup_days}
"""


@functools.cache
def _empty_record() -> bytes:
    """An SQLite file that all migrations made, for copies: making one takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.sqlite3"
        store = open_store(path)
        store.upgrade()
        store.close()
        return path.read_bytes()


def new_store(path: Path) -> Store:
    """A store with the newest schema in a new SQLite file."""
    path.write_bytes(_empty_record())
    return open_store(path)


def _quick_store(path: Path) -> Store:
    """Tests with it kill processes, not the machine: waiting for the disk at each commit proves nothing."""
    store = new_store(path)
    event.listen(store._engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous = OFF"))
    return store


def make_world(folder: Path, *servers: str, cleanup_days: int = 0, store: Store | None = None) -> World:
    """Servers that are onboarded already.

    Args:
        store: An empty record with the newest schema; None = one in SQLite.
    """
    listed = [{"name": name, "host": f"127.0.0.{n}"} for n, name in enumerate(servers, start=1)]
    path = folder / "daypass.yaml"
    path.write_text(CONFIGURATION.format(servers=listed, cleanup_days=cleanup_days))
    settings = config.load(path, {}, folder)
    record = folder / "record.sqlite3"
    store = store or _quick_store(record)
    clock = Clock()
    hosts = {name: MemoryHost(identities.new_host_id(), "d" * 32) for name in servers}
    with store.write("test", START) as work:
        work.set_orchestrator_id("d" * 32)
        for name, host in hosts.items():
            work.set_host(Host(name, host.ledger.host_id, onboarded_at=START))
    signer = LocalSigner(generate_ca_key("ed25519"))
    waves = MemoryHosts(hosts, clock)
    seams = Seams(
        settings=settings,
        servers={server.name: server for i in settings.integrations for server in i.servers},
        integrations={integration.name: integration for integration in settings.integrations},
        store=store,
        ca_keys=lambda: (signer.public_key,),
        signer=lambda: signer,
        executor=lambda _integration: waves,
        clock=clock,
        new_id=lambda: identities.new_grant_id(clock()),
        new_serial=identities.new_serial,
        new_host_id=identities.new_host_id,
        actor="test",
        owner="here/1/1",
        alive=lambda owner: owner == "here/1/1",
    )
    return World(seams, hosts, waves, clock, record)
