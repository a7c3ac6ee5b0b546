"""What the workflow knows of the store; how it is kept is the implementation's own matter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from daypass.domain.certificates import Certificate
from daypass.domain.events import Event
from daypass.domain.grants import Account, AccountState, Grant, GrantState, Share, ShareState
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.errors import StoreError
from daypass.store.automatic_interface import AutomaticView, AutomaticWork
from daypass.store.outbox_interface import OutboxView, OutboxWork
from daypass.store.record_interface import RecordsView
from daypass.store.request_interface import RequestsView, RequestsWork
from daypass.store.review_interface import ReviewsView, ReviewsWork

CANARY_UID = 70000  # the onboarding canary's, on every server; people begin one higher
FIRST_UID = 70001
LAST_UID = 99999  # below the subordinate ranges that useradd hands out (host-contract.md, ids)
EVENTS_PAGE = 1000


class SerialTaken(StoreError):
    """The serial was used before; draw another one and try again. The unit of work stays usable."""

    code = "serial_taken"


@dataclass(frozen=True)
class AuditHead:
    """The last event's number and hash; 0 and `GENESIS_HASH` before the first."""

    number: int
    hash: str


class ReadView(RequestsView, ReviewsView, AutomaticView, OutboxView, RecordsView, Protocol):
    """One consistent view of the whole record."""

    def orchestrator_id(self) -> str:
        """32 hex digits. Raises: StoreError: `not_initialised`."""

    def ca_keys(self) -> tuple[str, ...]:
        """Public keys (`TYPE BASE64`) of the CA that signed last; empty before the first certificate."""

    def last_pass(self) -> datetime | None:
        """The moment of the last pass of the clock that did all its work, None before the first."""

    def comment_of(self, login: str) -> str | None:
        """The comment that came with this login's uid, None for a login without one."""

    def grant(self, grant_id: str) -> Grant | None: ...

    def grants(
        self,
        states: Collection[GrantState] | None = None,
        login: str | None = None,
        limit: int | None = None,
    ) -> list[Grant]:
        """Newest first."""

    def grants_on(self, server: str, states: Collection[ShareState]) -> dict[str, Grant]:
        """Those with a share on this server in one of these states, by id."""

    def grants_past(self, now: datetime) -> list[Grant]:
        """Approved or active grants whose window has closed at `now`."""

    def shares(
        self,
        grant_id: str | None = None,
        server: str | None = None,
        states: Collection[ShareState] | None = None,
        login: str | None = None,
    ) -> list[Share]:
        """By grant id, then server."""

    def shares_due(self, now: datetime, *, pauses: bool = True) -> list[Share]:
        """Shares with work to do at `now`.

        Pending ones whose window has begun and ending ones, both with `next_try_at` None or reached, and
        applied ones whose window has closed. A next try further away than the longest pause was written by a
        clock that ran ahead, and is due.

        Args:
            pauses: False = pauses after failed tries are over for somebody who asks.
        """

    def shares_beginning(self, now: datetime) -> list[Share]:
        """Shares of requests that were granted ahead of their time, whose window has begun at `now`, and that
        no server was told of yet. By grant id, then server.
        """

    def certificates(self, grant_id: str) -> list[Certificate]:
        """By number."""

    def certificates_on(self, server: str, states: Collection[ShareState]) -> dict[str, list[Certificate]]:
        """By number, of the grants with a share on this server in one of these states, by grant id.

        A grant without any isn't among the keys.
        """

    def certificate(self, serial: int) -> Certificate | None: ...

    def accounts(
        self,
        server: str | None = None,
        login: str | None = None,
        states: Collection[AccountState] | None = None,
    ) -> list[Account]:
        """By server, then login."""

    def logins_with_accounts(self) -> frozenset[str]:
        """Everyone who has an account that isn't removed yet, on whatever server."""

    def accounts_due_for_removal(self, now: datetime, *, pauses: bool = True) -> list[Account]:
        """Accounts that aren't removed yet, whose cleanup window and pause have passed at `now`."""

    def host(self, server: str) -> Host | None: ...

    def hosts(self) -> list[Host]:
        """By server."""

    def onboarded_servers(self) -> frozenset[str]:
        """Names of those that access can be given on now."""

    def leaving_servers(self) -> frozenset[str]:
        """Names of those whose off-boarding began and isn't over."""

    def host_by_id(self, host_id: str) -> Host | None: ...

    def host_keys(self, server: str) -> list[HostKey]:
        """By key."""

    def shared_host_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Fingerprints that more than one server has on record, with those servers by name."""

    def servers_with_host_keys(self) -> frozenset[str]:
        """Every server that at least one key is on record for."""

    def document(self, host_id: str, sequence: int) -> SentDocument | None: ...

    def claim_holder(self, name: str) -> str | None:
        """The owner that a claim was last given to, whether or not it has run out."""

    def events(self, after: int = 0, limit: int = EVENTS_PAGE) -> list[Event]:
        """Events with a number above `after`, in order.

        Raises:
            AuditError: `audit_unreadable`: a row isn't what was written.
        """

    def audit_head(self) -> AuditHead:
        """As the store keeps it beside the events."""


class WriteWork(RequestsWork, ReviewsWork, AutomaticWork, OutboxWork, ReadView, Protocol):
    """Everything of one unit of work becomes true together, or nothing of it."""

    def set_orchestrator_id(self, orchestrator_id: str) -> None:
        """Once and for all. Raises: StoreError: `already_initialised` with another id."""

    def set_ca_keys(self, ca_keys: Sequence[str]) -> None:
        """Servers go on trusting these, and closing works, when the CA's private key can't be read."""

    def set_last_pass(self, moment: datetime) -> None:
        """A pass of the clock has done all its work at `moment`."""

    def uid_for(self, login: str, comment: str) -> int:
        """The uid of this login on every server: the same for ever, never anybody else's.

        Raises:
            StoreError: `uids_exhausted`.
        """

    def skip_uids(self, count: int) -> None:
        """Leave so many uids after the highest to people whom hosts know and this record forgot.

        Doing it again before somebody new has come skips no more.
        """

    def add_grant(self, grant: Grant, shares: Iterable[Share]) -> None: ...

    def set_grant(self, grant: Grant) -> None:
        """Raises: NotFoundError."""

    def add_share(self, share: Share) -> None:
        """One more server of a grant. Raises: StoreError: `store_conflict`: it has one there."""

    def set_share(self, share: Share) -> None:
        """Raises: NotFoundError."""

    def mark_sent(self, server: str, grant_ids: Collection[str], sequence: int) -> None:
        """Note which document lists these grants: from now on the server must be told their end."""

    def reserve_serial(self, certificate: Certificate) -> None:
        """Record a certificate before it is signed.

        Raises:
            SerialTaken: Draw another serial.
        """

    def set_certificate(self, certificate: Certificate) -> None:
        """Raises: NotFoundError."""

    def set_host(self, host: Host) -> None:
        """Add or change; for the same host_id the two sequences never fall."""

    def next_sequence(self, server: str) -> int:
        """Reserve the next sequence of this host. Raises: NotFoundError."""

    def rebase_sequence(self, server: str, at_least: int) -> None:
        """Lift the sequence to what the host has seen. Raises: NotFoundError."""

    def add_document(self, document: SentDocument) -> None:
        """Raises: StoreError: `store_conflict`: the sequence was used."""

    def set_account(self, account: Account) -> None:
        """Add or change."""

    def mark_removed(self, server: str, login: str, now: datetime) -> None:
        """The account is gone from the server: it and its ended shares are `removed`."""

    def claim(self, name: str, owner: str, now: datetime, ttl_seconds: int) -> bool:
        """Take or prolong a claim; False while another owner's hasn't run out."""

    def release(self, name: str, owner: str) -> None:
        """Give an own claim back; another owner's stays."""

    def add_host_key(self, host_key: HostKey) -> None: ...

    def replace_host_keys(self, server: str, host_keys: Sequence[HostKey]) -> None:
        """Forget the keys of `server` and record these."""

    def append_event(self, kind: str, subject: str, details: Mapping[str, object]) -> Event:
        """Write the next event of the audit log, by this unit's actor at this unit's time.

        Raises:
            ValueError: `details` holds something other than JSON values.
        """


class Store(Protocol):
    """The record, wherever it is kept."""

    def upgrade(self) -> None:
        """Bring the schema to this version: forward only, SQLite's file is backed up first.

        Raises:
            StoreError: `schema_newer`: a newer Daypass wrote it.
        """

    def schema_version(self) -> str | None:
        """The version in the database, None for an empty one."""

    def read(self) -> AbstractContextManager[ReadView]:
        """A consistent view; it sees nothing of units that end later."""

    def write(self, actor: str, now: datetime) -> AbstractContextManager[WriteWork]:
        """A unit of work: committed at the end, undone by an exception. One at a time; keep it short."""

    def close(self) -> None: ...
