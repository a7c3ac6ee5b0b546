"""The tables."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from daypass.store.columns import HostText, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

settings = Table(  # orchestrator_id, ca_keys, uid_floor
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("login", String(32), nullable=False),
    Column("comment", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("not_after", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("ended_at", UtcTime),
    Column("end_reason", Text),
    Column("critical_options", JSON, nullable=False, server_default="{}"),
    Column("extensions", JSON, nullable=False, server_default='["permit-pty"]'),
    Column("request_id", String(40)),
    Column("trigger", String(16), nullable=False, server_default="direct"),
    Column("times_extended", Integer, nullable=False, server_default="0"),
    Index(None, "state", "not_after"),  # what is past, among a million ended ones
    Index(None, "created_at", "id"),  # the newest
    Index(None, "login", "created_at"),
)

shares = Table(
    "shares",
    metadata,
    Column("grant_id", String(40), ForeignKey("grants.id"), primary_key=True),
    Column("server", String(255), primary_key=True),
    Column("integration", Text, nullable=False),
    Column("login", String(32), nullable=False),
    Column("groups", JSON, nullable=False),
    Column("sudo", JSON, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("not_after", UtcTime, nullable=False),
    Column("warn_before_seconds", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("sent_sequence", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", UtcTime),
    Column("outcome", String(16)),
    Column("outcome_code", HostText),
    Column("outcome_message", HostText),
    Column("confirmed_at", UtcTime),
    Index(None, "state", "next_try_at"),  # what is to be tried
    Index(None, "state", "not_after"),  # what has run out
    Index(None, "server", "state", "login"),  # a server's document
    Index(None, "login", "state"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("requester", String(32), nullable=False),
    Column("grantee", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("servers", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("start", UtcTime),
    Column("length_seconds", BigInteger),
    Column("justification", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("flow_settings", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_at", UtcTime),
    Column("decision", Text, nullable=False),
    Column("grant_id", String(40)),
    UniqueConstraint("grant_id"),  # one request never becomes two grants' reason, nor one grant two requests'
    CheckConstraint("public_key NOT LIKE '%PRIVATE KEY%'", name="public_key"),
    Index(None, "state", "expires_at"),  # what has run out
    Index(None, "created_at", "id"),  # the newest
    Index(None, "requester", "created_at"),
    Index(None, "grantee", "created_at"),
)

votes = Table(  # rows are never changed or taken out
    "votes",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("person", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("yes", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("length_seconds", BigInteger),
    Column("actor", Text, nullable=False),
)

reviews = Table(
    "reviews",
    metadata,
    Column("grant_id", String(40), ForeignKey("grants.id"), primary_key=True),
    Column("login", String(32), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("notify", JSON, nullable=False),
    Column("closed_at", UtcTime),
    Column("closed_by", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "closed_at", "opened_at"),  # the open ones, among all that were ever closed
    Index(None, "opened_at", "grant_id"),  # the newest
)

automatic_access = Table(  # one grant of a person by a flow at a time
    "automatic_access",
    metadata,
    Column("flow", String(64), primary_key=True),
    Column("login", String(32), primary_key=True),
    Column("grant_id", String(40), ForeignKey("grants.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("keys", JSON, nullable=False),
    UniqueConstraint("grant_id"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("grant_id", String(40), nullable=False),  # no foreign key: the canary's have no grant
    Column("number", Integer, nullable=False),
    Column("principal", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("valid_after", UtcTime, nullable=False),
    Column("valid_before", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("text", Text),
    Column("revoked_at", UtcTime),
    Column("revoke_reason", Text),
    Column("from_directory", Boolean, nullable=False),
    UniqueConstraint("grant_id", "number"),
    UniqueConstraint("principal"),
    CheckConstraint("serial > 0", name="serial"),
    # The two columns that hold key material hold public material.
    CheckConstraint("public_key NOT LIKE '%PRIVATE KEY%'", name="public_key"),
    CheckConstraint("text NOT LIKE '%PRIVATE KEY%'", name="text"),
)

people = Table(  # who has which uid; rows are never changed or taken out
    "people",
    metadata,
    Column("login", String(32), primary_key=True),
    Column("uid", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    UniqueConstraint("uid"),
    CheckConstraint("uid BETWEEN 70001 AND 99999", name="uid"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("server", String(255), primary_key=True),
    Column("login", String(32), primary_key=True),
    Column("uid", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("shell", Text, nullable=False),
    Column("existing", String(16), nullable=False),
    Column("home_on_removal", String(16), nullable=False),
    Column("user_cleanup_days", Integer),
    Column("state", String(16), nullable=False),
    Column("last_grant_ended_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("removal_attempts", Integer, nullable=False, server_default="0"),
    Column("removal_next_try_at", UtcTime),
    Column("removal_message", HostText),
    Column("removal_due_at", UtcTime),  # follows from the others (rows.py); here for its index
    Index(None, "login"),
    Index(None, "state", "login"),  # who has one still, among many that were removed
    Index(None, "removal_due_at"),
)

hosts = Table(
    "hosts",
    metadata,
    Column("server", String(255), primary_key=True),
    Column("host_id", String(32), nullable=False),
    Column("machine_id", HostText),
    Column("sequence", BigInteger, nullable=False),
    Column("confirmed_sequence", BigInteger, nullable=False),
    Column("onboarded_at", UtcTime),
    Column("offboarded_at", UtcTime),
    Column("leaving_at", UtcTime),
    UniqueConstraint("host_id"),
)

host_keys = Table(
    "host_keys",
    metadata,
    Column("server", String(255), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("confirmed_at", UtcTime, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("host_id", String(32), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("server", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

deliveries = Table(  # the outbox of notices; no URL, which is a secret, is ever in it
    "deliveries",
    metadata,
    Column("topic", String(512), primary_key=True),
    Column("channel", String(63), primary_key=True),
    Column("login", String(32), primary_key=True),
    Column("event", String(32), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("email", Text, nullable=False),
    Column("title", HostText, nullable=False),
    Column("body", HostText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_try_at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", HostText),
    Column("done_at", UtcTime),
    Index(None, "state", "next_try_at"),  # what is to be sent
    Index(None, "done_at"),  # what can be forgotten
)

events = Table(  # append-only: triggers in the migration refuse anything else
    "events",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),  # canonical JSON: the bytes that were hashed
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "subject"),  # what the log says of one grant
)

audit_head = Table(  # one row; also the lock that makes PostgreSQL's writing units queue up
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="single"),
)
