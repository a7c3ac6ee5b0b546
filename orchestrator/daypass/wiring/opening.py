"""Settings to adapters: the store, signers, executors, the clock."""

from __future__ import annotations

import os
import pwd
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from daypass import config
from daypass.afterwards import afterwards
from daypass.audit.anchor import ANCHOR_FILE, read_anchor, write_anchor
from daypass.audit.verifying import Report, verify_with_anchor
from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.ca.signer import LocalSigner, Signer
from daypass.config import Settings
from daypass.config.notices import Notices
from daypass.config.settings import DATABASE_FILE
from daypass.directory import Directory
from daypass.domain.secrets import FromEnvironment, Secret
from daypass.errors import AuditError, ConfigurationError, DaypassError, StoreError
from daypass.execution.run_folder import default_run_root, remove_stale_runs
from daypass.execution.runner import RunnerExecutor
from daypass.flows import Policy
from daypass.gate import address
from daypass.notices.courier import send_letters
from daypass.notices.sending import Sender, Sent
from daypass.secret_stores import decode_connector_key, resolve, take_environment
from daypass.store import open_store, schema
from daypass.store.interface import Store
from daypass.wiring import identities
from daypass.wiring.ca_key import read_ca_key
from daypass.wiring.clock import now
from daypass.wiring.people import People
from daypass.wiring.policies import policy_of
from daypass.workflow.seams import Seams, no_policy, nothing_to_accept

COMMAND_SECONDS = 10  # that notices may take at the end of a command; it has done its work by then


@dataclass(frozen=True)
class Daypass:
    """An opened Daypass: its settings, its store, and what the use cases get."""

    settings: Settings
    seams: Seams
    sender: Sender
    people: People | None = None

    def now(self) -> datetime:
        return self.seams.clock()

    def send_notices(self, *, retries: bool, deadline_seconds: float) -> Sent:
        """What waits in the outbox. Nothing that goes wrong there is the matter of who calls."""
        try:
            return self.sender.send_due(retries=retries, deadline_seconds=deadline_seconds)
        except (DaypassError, OSError):
            return Sent()  # the outbox still has it

    def ca_public_keys(self) -> tuple[PublicKey, ...]:
        return tuple(check_public_key(key) for key in self.seams.ca_keys())

    def verify_audit(self, expect: str | None, on_events: Callable[[int, int], None] | None = None) -> Report:
        """Check the log against itself, the anchor beside the database, and a hash that somebody noted.

        Args:
            on_events: Called with the number of events of each page, and that of all.
        """
        anchor = self.settings.state_dir / ANCHOR_FILE
        with self.seams.store.read() as view:
            total = view.audit_head().number

            def on_page(count: int) -> None:
                if on_events:
                    on_events(count, total)

            return verify_with_anchor(view, anchor, expect=expect, on_events=on_page)


def leave_no_core() -> None:
    """Keys are in this process's memory: no core file of it, or of a child, is ever written (core(5))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def check_owner(state_dir: Path) -> None:
    """Refuse to leave files in somebody else's state folder, which its owner couldn't write any more.

    Raises:
        ConfigurationError: `state_not_yours`.
    """
    try:
        owner = state_dir.stat().st_uid
    except OSError:
        return  # what comes next tells what is wrong with it
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    raise ConfigurationError(
        f"the state folder {state_dir} belongs to {name}",
        hint=f"run it as that account: sudo -u {name} daypass …",
        code="state_not_yours",
    )


def database_of(settings: Settings) -> str | Path:
    """Where the record is: a PostgreSQL URL, or the SQLite file in the state folder."""
    return (
        settings.database.reveal().decode("utf-8")
        if settings.database
        else settings.state_dir / DATABASE_FILE
    )


def open_record(settings: Settings) -> Store:
    """The store, in this version's schema.

    Raises:
        StoreError: It can't be opened, or `daypass init` has to make or upgrade it.
    """
    store = open_store(database_of(settings))
    version = store.schema_version()
    if version != schema.HEAD:
        store.close()
        found = "is empty" if version is None else f"has the schema {version}"
        raise StoreError(
            f"The database {found}, this Daypass needs {schema.HEAD}.",
            hint="daypass init",
            code="schema_version",
        )
    return store


@contextmanager
def open_daypass(config_path: Path | None, actor: str | None = None) -> Iterator[Daypass]:
    """Read the settings and open the store; what runs left behind after a kill is swept away.

    Args:
        actor: Who is acting, for the record; None = whoever runs this process.

    Raises:
        ConfigurationError: The configuration can't be used.
        StoreError: The database can't be used, or `daypass init` wasn't run.
    """
    leave_no_core()
    settings = config.load(config_path, os.environ, Path.cwd())
    check_owner(settings.state_dir)
    taken = take_environment(settings.secrets, os.environ)
    store = open_record(settings)
    with afterwards() as closing:
        closing.callback(store.close)
        closing.callback(_write_anchor, settings, store)
        people = _people(settings, taken)
        seams = _seams(settings, store, taken, actor or identities.actor(os.environ), people)
        daypass = Daypass(settings, seams, _sender(seams, taken), people)
        closing.push(partial(_send_notices, daypass))
        yield daypass


def _send_notices(daypass: Daypass, kind: type[BaseException] | None, *_: object) -> None:
    """What this command has to tell; what can't be sent now, and what failed before, is `reconcile`'s."""
    interrupted = kind is not None and not issubclass(kind, Exception)
    if interrupted or not daypass.settings.notices.channels:
        return
    try:
        daypass.send_notices(retries=False, deadline_seconds=COMMAND_SECONDS)
    except KeyboardInterrupt:
        return  # the command is done, and that is what its exit code says


def _people(settings: Settings, taken: Mapping[FromEnvironment, Secret]) -> People | None:
    if settings.directory is None:
        return None
    return People(settings, now(), lambda reference: resolve(reference, os.environ, taken))


def _sender(seams: Seams, taken: Mapping[FromEnvironment, Secret]) -> Sender:
    return Sender(
        settings=_notices(seams.settings),
        store=seams.store,
        reveal=lambda reference: resolve(reference, os.environ, taken),
        courier=send_letters,
        clock=seams.clock,
        actor=seams.actor,
    )


def _notices(settings: Settings) -> Notices:
    """With the line that people type here, where the configuration says no other."""
    typed = None if "command" in settings.notices.model_fields_set else address.noted(settings.state_dir)
    return settings.notices.model_copy(update={"command": typed}) if typed else settings.notices


def _write_anchor(settings: Settings, store: Store) -> None:
    """Note the log's head outside the database, unless the log doesn't hold the old anchor any more.

    An anchor that fits is moved on; one that doesn't is the proof that `daypass audit verify` needs.
    """
    path = settings.state_dir / ANCHOR_FILE
    try:
        anchor = read_anchor(path)
    except AuditError:
        return  # `daypass audit verify` tells; the command that ran isn't to blame
    if anchor is None:
        return  # `daypass init` alone makes one: a lost anchor is told, not replaced without a word
    with store.read() as view:
        head = view.audit_head()
        known = view.events(after=anchor.number - 1, limit=1)
    if known and known[0].hash == anchor.hash:
        write_anchor(path, head)


def _has_signed(store: Store) -> bool:
    with store.read() as view:
        return bool(view.ca_keys())


def _seams(
    settings: Settings,
    store: Store,
    taken: Mapping[FromEnvironment, Secret],
    actor: str,
    people: People | None,
) -> Seams:
    run_root = default_run_root(settings.state_dir, os.environ)
    remove_stale_runs(run_root, now())
    integrations = {integration.name: integration for integration in settings.integrations}

    @cache
    def signer() -> Signer:
        return LocalSigner(read_ca_key(settings, os.environ, taken, lambda: _has_signed(store)))

    @cache
    def executor(integration: str) -> RunnerExecutor:
        secret = resolve(integrations[integration].secret, os.environ, taken)
        return RunnerExecutor(
            connector_key=decode_connector_key(secret, str(integrations[integration].secret)),
            run_root=run_root,
            forks=settings.waves.forks,
        )

    @cache
    def directory() -> Directory | None:
        return people.read() if people else None

    @cache
    def at_hand() -> Directory | None:
        return people.at_hand() if people else None

    @cache
    def policy() -> Policy:
        return policy_of(settings, people) if people else no_policy()

    return Seams(
        settings=settings,
        servers={server.name: server for i in settings.integrations for server in i.servers},
        integrations=integrations,
        store=store,
        ca_keys=lambda: (signer().public_key,),
        signer=signer,
        executor=executor,
        clock=now,
        new_id=lambda: identities.new_grant_id(now()),
        new_serial=identities.new_serial,
        new_host_id=identities.new_host_id,
        actor=actor,
        owner=identities.owner(),
        alive=identities.alive,
        directory=directory,
        policy=policy,
        at_hand=at_hand,
        accept_people=people.accept if people else nothing_to_accept,
    )
