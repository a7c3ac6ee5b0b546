"""A record with many ended grants: the rows of one, many times over, with an audit chain that holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table, text

from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.events import event_hash
from daypass.domain.grants import Account, AccountState, Grant, GrantState, Share, ShareState
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.domain.windows import window_from
from daypass.store import WriteWork, open_store, tables
from daypass.store.engines import WRITING, make_engine
from daypass.store.rows import canonical_details

ACTOR = "operator:bench"
REASON = "ticket 4711: look at the logs"
LENGTH = timedelta(hours=1)
STEP = timedelta(seconds=60)  # from one grant to the next: 1,000,000 are two years
LIVE_PART = 10  # every tenth account still waits for its cleanup window
FIRST_ID = 1_000_000_000
ID_HEAD = "01JE000000000000"
SECOND_SERVER = 5  # every fifth grant is for two servers
TEMPLATE = "TEMPLATE"
TEMPLATE_ROWS = (
    ("shares", "grant_id"),
    ("grants", "id"),
    ("certificates", "grant_id"),
    ("accounts", "server"),
    ("documents", "host_id"),
)
EVENTS_AT_ONCE = 20_000


def fill(database: str | Path, grants: int, people: int, servers: int, now: datetime, *, logged: int) -> None:
    """Write `grants` grants that ended before `now`, and all that belongs to them, into a new store.

    Args:
        logged: How many of them, from the first on, have their events.
    """
    store = open_store(database)
    store.upgrade()
    start = now.replace(microsecond=0) - (grants + 120) * STEP  # windows begin at whole seconds
    with store.write(ACTOR, start) as work:
        _one_life(work, start, servers)
    store.close()
    engine = make_engine(database)
    with engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
        _multiply_all(connection, grants, people, servers)
        _add_events(connection, logged, people, servers, start)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does
    engine.dispose()


def server_name(n: int) -> str:
    return f"srv-{n}"


def _one_life(work: WriteWork, start: datetime, servers: int) -> None:
    """What is multiplied, and the hosts as they are."""
    window = window_from(start, LENGTH)
    grant = Grant(
        TEMPLATE, "user0", "user0@example.com", "direct", REASON, ACTOR, window, start, GrantState.ENDED,
        window.not_after, "window closed",
    )  # fmt: skip
    share = Share(
        TEMPLATE, "", "prod", "user0", ("ops",), (), window, state=ShareState.REMOVED, sent_sequence=2,
        outcome="applied", confirmed_at=window.not_after,
    )  # fmt: skip
    work.add_grant(grant, [share])
    key = "ssh-ed25519 " + "A" * 68
    work.reserve_serial(
        Certificate(1, TEMPLATE, 1, TEMPLATE, key, "SHA256:" + "A" * 43, start, window.not_after)
    )
    signed = Certificate(
        1, TEMPLATE, 1, TEMPLATE, key, "SHA256:" + "A" * 43, start, window.not_after,
        CertificateState.SIGNED, "ssh-ed25519-cert-v01@openssh.com " + "A" * 700,
    )  # fmt: skip
    work.set_certificate(signed)
    account = Account(
        TEMPLATE, TEMPLATE, 70001, "user0@example.com", "/bin/bash", "refuse", "archive", 9999,
        AccountState.CLOSED, window.not_after,
    )  # fmt: skip
    work.set_account(account)
    work.add_document(SentDocument(TEMPLATE, TEMPLATE, 0, "0" * 64, start))
    for n in range(servers):
        work.set_host(Host(server_name(n), f"{n:032x}", f"{n:032x}", 1000, 1000, start))
        work.add_host_key(HostKey(server_name(n), key, "SHA256:" + "A" * 43, start))


def _multiply_all(connection: Connection, grants: int, people: int, servers: int) -> None:
    grant_id = f"'{ID_HEAD}' || CAST({FIRST_ID} + n AS TEXT)"
    login = f"'user' || CAST(n % {people} AS TEXT)"
    server = f"'srv-' || CAST((n / {people} + n % {people}) % {servers} AS TEXT)"

    def later(*columns: str) -> dict[str, str]:
        step = STEP // timedelta(microseconds=1)
        return {name: f"{name} + CAST(n AS BIGINT) * {step}" for name in columns}

    window = later("not_before", "not_after")
    _multiply(connection, tables.grants, f"id = '{TEMPLATE}'", grants, {
        "id": grant_id, "login": login, **window, **later("created_at", "ended_at"),
    })  # fmt: skip
    share = {"grant_id": grant_id, "server": server, "login": login, **window}
    of_template = f"grant_id = '{TEMPLATE}'"
    _multiply(connection, tables.shares, of_template, grants, share)
    _multiply(
        connection, tables.shares, of_template, grants, share | {"server": "'second-' || " + server}, every=5
    )
    _multiply(connection, tables.certificates, of_template, grants, {
        "serial": "n + 1000000000000", "grant_id": grant_id, "principal": f"'daypass-' || {grant_id} || '-1'",
        **later("valid_after", "valid_before"),
    })  # fmt: skip
    removed = f"CASE WHEN n % {LIVE_PART} = 0 THEN '{AccountState.CLOSED}' ELSE '{AccountState.REMOVED}' END"
    due = f"CASE WHEN n % {LIVE_PART} = 0 THEN removal_due_at END"
    _multiply(connection, tables.accounts, f"server = '{TEMPLATE}'", min(grants // 5, people * servers), {
        "server": server, "login": login, "state": removed, "removal_due_at": due,
    })  # fmt: skip
    _multiply(connection, tables.documents, f"host_id = '{TEMPLATE}'", 2 * grants, {
        "host_id": server, "server": server, "sequence": "n",
    })  # fmt: skip
    for table, column in TEMPLATE_ROWS:
        connection.execute(text(f"DELETE FROM {table} WHERE {column} = '{TEMPLATE}'"))


def _multiply(
    connection: Connection,
    table: Table,
    template: str,
    count: int,
    changes: Mapping[str, str],
    *,
    every: int = 1,
) -> None:
    """Add the row that `template` finds for each n below `count`; changes are SQL of `n`."""
    if not count:
        return
    names = [column.name for column in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changes.get(name, f'"{name}"') for name in names)
    connection.execute(text(f"CREATE TEMP TABLE one AS SELECT * FROM {table.name} WHERE {template}"))
    more = f"SELECT n + {every} FROM series WHERE n + {every} < {count}"
    series = f"WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL {more})"
    connection.execute(text(f"{series} INSERT INTO {table.name} ({quoted}) SELECT {values} FROM one, series"))
    connection.execute(text("DROP TABLE one"))


def _add_events(connection: Connection, grants: int, people: int, servers: int, start: datetime) -> None:
    last = tuple(connection.execute(text("SELECT number, hash FROM audit_head")).one())
    rows = _events(grants, people, servers, start, *last)
    columns = ", ".join(column.name for column in tables.events.columns)
    raw = connection.connection.driver_connection
    assert raw is not None
    while page := list(itertools.islice(rows, EVENTS_AT_ONCE)):
        if connection.dialect.name == "sqlite":
            raw.executemany(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", page)
        else:
            with raw.cursor() as cursor, cursor.copy(f"COPY events ({columns}) FROM STDIN") as copy:
                for row in page:
                    copy.write_row(row)
        last = (page[-1][0], page[-1][-1])
    connection.execute(
        text("UPDATE audit_head SET number = :number, hash = :hash"), {"number": last[0], "hash": last[1]}
    )


def _events(
    grants: int, people: int, servers: int, start: datetime, number: int, previous: str
) -> Iterator[tuple[object, ...]]:
    """Rows of the table `events`, chained as the store chains them."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for n in range(grants):
        at = start + n * STEP
        micros = (at - epoch) // timedelta(microseconds=1)
        grant_id = f"{ID_HEAD}{FIRST_ID + n}"
        login, server = f"user{n % people}", server_name((n // people + n % people) % servers)
        both = [server] if n % SECOND_SERVER else [server, f"second-{server}"]
        end = (at + LENGTH).isoformat()
        recorded: dict[str, object] = {
            "login": login, "flow": "direct", "servers": both, "groups": ["ops"],
            "reason": REASON, "not_before": at.isoformat(),
            "not_after": end, "serial": n + 1, "public_key": "SHA256:" + "A" * 43,
        }  # fmt: skip
        on_server: dict[str, object] = {"server": server, "login": login, "code": None}
        told: list[tuple[str, dict[str, object]]] = [
            ("grant.recorded", recorded),
            ("certificate.signed", {"serial": str(n + 1)}),
            ("share.applied", on_server | {"state": "applied"}),
            ("grant.ending", {"login": login, "reason": "window closed", "at": end}),
            ("share.ended", on_server | {"state": "ended"}),
            ("grant.ended", {"login": login}),
        ]
        for kind, details in told:
            number += 1
            digest = event_hash(number, at, ACTOR, kind, grant_id, details, previous)
            yield (number, micros, ACTOR, kind, grant_id, canonical_details(details), previous, digest)
            previous = digest
