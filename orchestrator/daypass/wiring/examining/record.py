"""The database, the log, what is late."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.audit.anchor import ANCHOR_FILE, read_anchor
from daypass.ca.keys import load_ca_key, public_line
from daypass.config import Settings
from daypass.domain.grants import AccountState, ShareState
from daypass.domain.notices import DeliveryState
from daypass.domain.requests import RequestState
from daypass.errors import StoreError
from daypass.store import open_store, schema
from daypass.store.examining import damage_of, postgresql_version
from daypass.store.interface import ReadView
from daypass.wiring.ca_key import read_ca_key
from daypass.wiring.clock import now
from daypass.wiring.opening import database_of, open_record
from daypass.workflow.doctor import fleet, machine, record
from daypass.workflow.doctor.findings import Check, Finding, ok

DAMAGE_SECONDS = 5.0  # a gigabyte or two; longer ones are looked at in part
THERE = [state for state in AccountState if state is not AccountState.REMOVED]
OPEN = (ShareState.PENDING, ShareState.APPLIED, ShareState.ENDING)


def checks(settings: Settings) -> Iterator[Check]:
    yield Check("database", lambda: _database(settings), "daypass init")
    yield Check(
        "database file" if settings.database is None else "database server", lambda: _soundness(settings)
    )
    yield Check("record", lambda: _record(settings))
    yield Check("audit log", lambda: _log(settings), "daypass audit verify")
    yield Check("CA key", lambda: _ca(settings), "daypass init")


@contextmanager
def reading(settings: Settings) -> Iterator[ReadView | None]:
    """The record as it is; None where it can't be opened, which `database` tells once for all."""
    try:
        _check_there(settings)
        store = open_record(settings)
    except StoreError:
        yield None
        return
    try:
        with store.read() as view:
            yield view
    finally:
        store.close()


def _check_there(settings: Settings) -> None:
    database = database_of(settings)
    if isinstance(database, Path) and not database.is_file():
        raise StoreError(f"{database} isn't there", hint="daypass init", code="not_initialised")


def _database(settings: Settings) -> Iterator[Finding]:
    _check_there(settings)
    store = open_store(database_of(settings))
    try:
        version = store.schema_version()
        yield record.judge_schema(version, schema.HEAD, schema.is_known(version))
        if version == schema.HEAD:
            with store.read() as view:
                yield ok("database", f"orchestrator {view.orchestrator_id()}")
    finally:
        store.close()


def _soundness(settings: Settings) -> Iterator[Finding]:
    database = database_of(settings)
    if not isinstance(database, Path):
        yield record.judge_postgresql(postgresql_version(database))
    elif database.is_file():
        try:
            damage = damage_of(database, DAMAGE_SECONDS)
        except sqlite3.DatabaseError as error:
            damage = [str(error)]
        yield record.judge_sqlite(damage, DAMAGE_SECONDS)


def _log(settings: Settings) -> Iterator[Finding]:
    with reading(settings) as view:
        if view is None:
            return
        head = view.audit_head()
        anchor = read_anchor(settings.state_dir / ANCHOR_FILE)
        named = view.events(after=anchor.number - 1, limit=1) if anchor and anchor.number else []
        fits = anchor is not None and (anchor.number == 0 or bool(named and named[0].hash == anchor.hash))
        yield record.judge_anchor(record.AnchorFacts(anchor.number if anchor else None, fits, head.number))
        last = view.events(after=head.number - 1, limit=1) if head.number else []
        if last:
            yield machine.judge_clock_went_back(last[0].at - now())


def _record(settings: Settings) -> Iterator[Finding]:
    moment = now()
    listed = {server.name for server in settings.servers}
    with reading(settings) as view:
        if view is None:
            return
        yield record.judge_pass(view.last_pass(), moment)
        shares = view.shares(states=OPEN)
        yield from fleet.judge_shares(shares, moment)
        open_on = {share.server for share in shares} | {one.server for one in view.accounts(states=THERE)}
        yield from fleet.judge_strangers(listed, open_on, view.onboarded_servers())
        if leaving := view.leaving_servers():
            yield fleet.judge_leaving(leaving, listed)
        pending = view.requests(states=[RequestState.PENDING])
        yield fleet.judge_overdue(sum(one.expires_at + record.PASS_LATE < moment for one in pending))
        waiting = view.deliveries(states=[DeliveryState.WAITING])
        yield record.judge_outbox(waiting[0].created_at if waiting else None, len(waiting), moment)
        yield from _servers(settings, view)
        yield from fleet.judge_shared_keys(view.shared_host_keys())


def _servers(settings: Settings, view: ReadView) -> Iterator[Finding]:
    """Host keys and onboarding, by integration."""
    keyed, met = view.servers_with_host_keys(), view.onboarded_servers() | view.leaving_servers()
    for one in settings.integrations:
        keyless = [s.name for s in one.servers if not s.host_key and s.name not in keyed]
        fresh = [s.name for s in one.servers if s.name not in met]
        yield fleet.judge_missing(f"host keys of {one.name}", keyless, "daypass servers scan")
        yield fleet.judge_missing(f"onboarding of {one.name}", fresh, "daypass onboard")


def _ca(settings: Settings) -> Iterator[Finding]:
    with reading(settings) as view:
        on_record = view.ca_keys() if view else ()
    key = read_ca_key(settings, dict(os.environ), {}, lambda: bool(on_record))
    public = public_line(load_ca_key(key))
    yield record.judge_ca(public.split()[0], public, on_record)
