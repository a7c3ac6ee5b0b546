"""`daypass init`: what must be there before anything can be opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from daypass import config
from daypass.audit.anchor import ANCHOR_FILE, write_anchor
from daypass.ca.keys import generate_ca_key
from daypass.ca.signer import LocalSigner
from daypass.config import Settings
from daypass.config.load import find
from daypass.domain.secrets import FromFile
from daypass.errors import ConfigurationError, StoreError, UsageError
from daypass.secret_stores import resolve, take_environment
from daypass.store import AuditHead, open_store
from daypass.store.copying import copy_record
from daypass.store.interface import ReadView
from daypass.store.schema import HEAD, backup_of
from daypass.wiring import identities
from daypass.wiring.ca_key import check_there
from daypass.wiring.clock import now
from daypass.wiring.opening import check_owner, database_of, leave_no_core
from daypass.workflow.initialising import (
    ENVIRONMENT_MARK,
    Made,
    first_configuration,
    make_ca_key,
    make_file,
    make_state_folder,
)

DEFAULT_CONFIG = Path("daypass.yaml")
DEFAULT_SERVERS = "servers.json"


def initialise(
    config_path: Path | None,
    *,
    servers: Path | None,
    integration: str,
    groups: Sequence[str],
    connector_key: str | None,
    copy_from: Path | None = None,
) -> Made:
    """Make what is missing: configuration, state folder, CA key, database; overwrite nothing.

    Args:
        copy_from: An SQLite database whose record a database without one gets.

    Raises:
        ConfigurationError: The configuration, the server list or the CA key can't be used.
        UsageError: Something can't be written, or there is no server list for a new configuration.
    """
    made: list[str] = []
    path = config_path or _existing_config() or DEFAULT_CONFIG
    if not path.exists():
        listed = _server_list(servers)
        text = first_configuration(
            _from_config(path, listed), integration, groups, _key_place(path, connector_key)
        )
        if make_file(path, text.encode("utf-8"), 0o640):
            made.append(str(path))
    leave_no_core()
    settings = config.load(path, os.environ, Path.cwd())
    check_owner(settings.state_dir)  # files of root's there would lock the gate's account out
    if make_state_folder(settings.state_dir):
        made.append(str(settings.state_dir))
    if copy_from is not None:
        made.append(_copied(copy_from, settings))
    made += _make_store(settings)
    made += _make_ca_key(settings)
    made += _make_anchor(settings)
    taken = take_environment([settings.ca.key], os.environ)
    signer = LocalSigner(resolve(settings.ca.key, os.environ, taken))
    return Made(path.resolve(), settings.state_dir, tuple(made), signer.public_key)


def _server_list(servers: Path | None) -> Path:
    """The list that a new configuration names; without one, nothing is made that would have to be mended."""
    listed = (servers or Path(DEFAULT_SERVERS)).expanduser()
    if not listed.is_file():
        raise UsageError(
            f"there is no server list {listed}",
            hint='name one with --servers FILE; the smallest one is [{"name": "web-1", "host": "192.0.2.1"}]',
            code="no_server_list",
        )
    return listed


def _from_config(config_path: Path, file: Path) -> str:
    """A path as the configuration has to hold it: relative ones start at its folder, not at the caller's."""
    here = config_path.parent.resolve() == Path.cwd().resolve()
    return str(file if here else file.resolve())


def _key_place(config_path: Path, connector_key: str | None) -> str | None:
    if connector_key is None or connector_key.startswith(ENVIRONMENT_MARK):
        return connector_key
    return _from_config(config_path, Path(connector_key).expanduser())


def _existing_config() -> Path | None:
    try:
        return find(None, os.environ, Path.cwd())
    except ConfigurationError:
        return None


def _make_ca_key(settings: Settings) -> list[str]:
    """Only where the CA key is a file of ours to make; one from elsewhere is somebody else's.

    Raises:
        ConfigurationError: It is gone, and servers trust it: a new one would open nothing.
    """
    check_there(settings, lambda: _has_signed(settings))
    reference = settings.ca.key
    if isinstance(reference, FromFile) and make_ca_key(reference.path, generate_ca_key):
        return [f"{reference.path} (CA key, 0600)"]
    return []


def _copied(copy_from: Path, settings: Settings) -> str:
    path = copy_from.expanduser()
    if not path.is_file():  # it would be made, as an empty database
        raise UsageError(f"there is no database {path}", code="file_unreadable")
    events = copy_record(path, database_of(settings))
    return f"the database, with the {events} events of {path} and all that they tell of"


def _make_store(settings: Settings) -> list[str]:
    store = open_store(database_of(settings))
    try:
        before = store.schema_version()
        store.upgrade()
        with store.write(identities.actor(os.environ), now()) as work:
            if _has_id(work):
                return _upgraded(settings, before)
            work.set_orchestrator_id(identities.new_host_id())
            work.append_event("orchestrator.initialised", work.orchestrator_id(), {})
    finally:
        store.close()
    return ["the database" if settings.database else str(database_of(settings))]


def _upgraded(settings: Settings, before: str | None) -> list[str]:
    """The schema of the database, where it was an older one, and its copy from before."""
    if before in (None, HEAD):
        return []
    database = database_of(settings)
    copied = f"; as it was: {backup_of(database, before)}" if isinstance(database, Path) and before else ""
    return [f"the database's schema {HEAD}, from {before}{copied}"]


def _has_signed(settings: Settings) -> bool:
    store = open_store(database_of(settings))
    try:
        with store.read() as view:
            return bool(view.ca_keys())
    finally:
        store.close()


def _make_anchor(settings: Settings) -> list[str]:
    """The audit log's anchor; one that was lost is made anew, and that is on record."""
    path = settings.state_dir / ANCHOR_FILE
    if path.exists():
        return []
    store = open_store(database_of(settings))
    try:
        with store.write(identities.actor(os.environ), now()) as work:
            head = work.append_event("audit.anchor_made", work.orchestrator_id(), {})
        write_anchor(path, AuditHead(head.number, head.hash))
    finally:
        store.close()
    return [f"{path} (the audit log's anchor)"]


def _has_id(work: ReadView) -> bool:
    try:
        return bool(work.orchestrator_id())
    except StoreError:
        return False
