"""The writing half of the store's interface; everything happens in the transaction of one unit of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from daypass.domain.certificates import Certificate
from daypass.domain.events import Event, event_hash
from daypass.domain.grants import Account, AccountState, Grant, Share, ShareState
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.errors import NotFoundError, StoreError
from daypass.store import rows, tables
from daypass.store.automatic import SqlAutomaticWork
from daypass.store.interface import FIRST_UID, LAST_UID, SerialTaken
from daypass.store.outbox import SqlOutboxWork
from daypass.store.reading import CA_KEYS, LATEST, ORCHESTRATOR_ID, UID_FLOOR, SqlView, filtered
from daypass.store.requests import SqlRequestsWork
from daypass.store.reviews import SqlReviewsWork


class SqlWork(SqlRequestsWork, SqlReviewsWork, SqlAutomaticWork, SqlOutboxWork, SqlView):
    """Implements `WriteWork`. The store's writing lock is held, so reading before writing is safe."""

    def __init__(self, connection: Connection, actor: str, now: datetime) -> None:
        super().__init__(connection)
        self._actor = actor
        self._now = now.astimezone(UTC)

    def set_orchestrator_id(self, orchestrator_id: str) -> None:
        row = self._connection.execute(filtered(tables.settings, name=ORCHESTRATOR_ID)).one_or_none()
        if row is None:
            values = {"name": ORCHESTRATOR_ID, "value": orchestrator_id}
            self._connection.execute(insert(tables.settings), values)
        elif row.value != orchestrator_id:
            raise StoreError(
                "The store already belongs to another orchestrator id.", code="already_initialised"
            )

    def set_ca_keys(self, ca_keys: Sequence[str]) -> None:
        self._put(tables.settings, {"name": CA_KEYS, "value": "\n".join(ca_keys)})

    def set_last_pass(self, moment: datetime) -> None:
        self._put(tables.settings, {"name": LATEST, "value": moment.isoformat()})

    def uid_for(self, login: str, comment: str) -> int:
        known = self._connection.execute(filtered(tables.people, login=login)).one_or_none()
        if known is not None:
            return int(known.uid)
        uid = self._next_uid()
        if uid > LAST_UID:
            raise StoreError(f"All uids from {FIRST_UID} to {LAST_UID} are in use.", code="uids_exhausted")
        values = {"login": login, "uid": uid, "comment": comment}
        self._connection.execute(insert(tables.people), values)
        return uid

    def skip_uids(self, count: int) -> None:
        floor = max(self._next_uid(), self._after_highest_uid() + count)
        self._put(tables.settings, {"name": UID_FLOOR, "value": str(floor)})

    def _next_uid(self) -> int:
        floor = self._connection.execute(filtered(tables.settings, name=UID_FLOOR)).one_or_none()
        return max(self._after_highest_uid(), 0 if floor is None else int(floor.value))

    def _after_highest_uid(self) -> int:
        highest = self._connection.execute(select(func.max(tables.people.c.uid))).scalar_one()
        return FIRST_UID if highest is None else int(highest) + 1

    def add_grant(self, grant: Grant, shares: Iterable[Share]) -> None:
        self._connection.execute(insert(tables.grants), rows.grant_values(grant))
        for share in shares:
            self.add_share(share)

    def add_share(self, share: Share) -> None:
        self._connection.execute(insert(tables.shares), rows.share_values(share))

    def set_grant(self, grant: Grant) -> None:
        self._change(tables.grants, rows.grant_values(grant), f"grant {grant.id}")

    def set_share(self, share: Share) -> None:
        name = f"grant {share.grant_id} on {share.server}"
        self._change(tables.shares, rows.share_values(share), name)

    def mark_sent(self, server: str, grant_ids: Collection[str], sequence: int) -> None:
        table = tables.shares
        mine = (table.c.server == server, table.c.grant_id == bindparam("sent_grant"))
        sent = [{"sent_grant": grant_id} for grant_id in grant_ids]
        if sent:
            self._connection.execute(update(table).where(*mine).values(sent_sequence=sequence), sent)

    def reserve_serial(self, certificate: Certificate) -> None:
        table = tables.certificates
        statement = self._insert(table).values(asdict(certificate))
        free = statement.on_conflict_do_nothing(index_elements=["serial"]).returning(table.c.serial)
        if self._connection.execute(free).first() is None:
            raise SerialTaken(f"The serial {certificate.serial} was used before.")

    def set_certificate(self, certificate: Certificate) -> None:
        self._change(tables.certificates, asdict(certificate), f"certificate {certificate.serial}")

    def set_host(self, host: Host) -> None:
        known = self.host(host.server)
        if known is not None and known.host_id == host.host_id:
            # The caller's copy may be older than a sequence that was reserved since.
            host = replace(
                host,
                sequence=max(host.sequence, known.sequence),
                confirmed_sequence=max(host.confirmed_sequence, known.confirmed_sequence),
            )
        self._put(tables.hosts, asdict(host))

    def next_sequence(self, server: str) -> int:
        table = tables.hosts
        statement = update(table).where(table.c.server == server).values(sequence=table.c.sequence + 1)
        row = self._connection.execute(statement.returning(table.c.sequence)).one_or_none()
        if row is None:
            raise NotFoundError(f"The server {server} isn't known as a host.", hint="daypass onboard")
        return int(row.sequence)

    def rebase_sequence(self, server: str, at_least: int) -> None:
        known = self.host(server)
        if known is None:
            raise NotFoundError(f"The server {server} isn't known as a host.", hint="daypass onboard")
        self.set_host(replace(known, sequence=max(known.sequence, at_least)))

    def add_document(self, document: SentDocument) -> None:
        self._connection.execute(insert(tables.documents), asdict(document))

    def set_account(self, account: Account) -> None:
        self._put(tables.accounts, rows.account_values(account))

    def mark_removed(self, server: str, login: str, now: datetime) -> None:
        table, shares = tables.accounts, tables.shares
        removed = {"state": AccountState.REMOVED, "removed_at": now, "removal_due_at": None}
        mine = (table.c.server == server, table.c.login == login)
        if self._connection.execute(update(table).where(*mine).values(removed)).rowcount == 0:
            raise NotFoundError(f"There is no account {login} on {server}.")
        ended = (shares.c.server == server, shares.c.login == login, shares.c.state == ShareState.ENDED)
        self._connection.execute(update(shares).where(*ended).values(state=ShareState.REMOVED))

    def claim(self, name: str, owner: str, now: datetime, ttl_seconds: int) -> bool:
        table = tables.claims
        values = {"name": name, "owner": owner, "expires_at": now + timedelta(seconds=ttl_seconds)}
        taken = self._insert(table).values(values)
        taken = taken.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": owner, "expires_at": values["expires_at"]},
            where=or_(table.c.expires_at <= now, table.c.owner == owner),
        )
        return self._connection.execute(taken.returning(table.c.name)).first() is not None

    def release(self, name: str, owner: str) -> None:
        table = tables.claims
        self._connection.execute(delete(table).where(table.c.name == name, table.c.owner == owner))

    def add_host_key(self, host_key: HostKey) -> None:
        self._put(tables.host_keys, asdict(host_key))

    def replace_host_keys(self, server: str, host_keys: Sequence[HostKey]) -> None:
        if any(host_key.server != server for host_key in host_keys):
            raise ValueError(f"all keys must be of the server {server}")
        self._connection.execute(delete(tables.host_keys).where(tables.host_keys.c.server == server))
        for host_key in host_keys:
            self.add_host_key(host_key)

    def append_event(self, kind: str, subject: str, details: Mapping[str, object]) -> Event:
        head = self.audit_head()
        number = head.number + 1
        plain = rows.plain_details(details)
        digest = event_hash(number, self._now, self._actor, kind, subject, plain, head.hash)
        event = Event(number, self._now, self._actor, kind, subject, plain, head.hash, digest)
        self._connection.execute(insert(tables.events), rows.event_values(event))
        self._connection.execute(update(tables.audit_head).values(number=number, hash=digest))
        return event

    def _change(self, table: Table, values: rows.Values, name: str) -> None:
        """Change the row with this primary key; nothing is made anew by mistake."""
        key = [column == values[column.name] for column in table.primary_key]
        rest = {name: value for name, value in values.items() if name not in table.primary_key}
        if self._connection.execute(update(table).where(*key).values(rest)).rowcount == 0:
            raise NotFoundError(f"There is no {name}.")

    def _put(self, table: Table, values: rows.Values) -> None:
        """Add the row, or change the one with this primary key."""
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in values.items() if name not in key}
        statement = self._insert(table).values(values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=key, set_=rest))

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what happens on a conflict; both databases write it alike."""
        if self._connection.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)
