"""The first schema.

Written out in full: later changes of `tables.py` must not change what this step makes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.BigInteger  # microseconds since 1970 UTC
GENESIS_HASH = "0" * 64


def upgrade() -> None:
    make_settings()
    make_grants()
    make_shares()
    make_certificates()
    make_people()
    make_accounts()
    make_hosts()
    make_claims()
    make_events()
    protect_events()


def make_settings() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def make_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("end_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    index("grants", "state", "not_after")
    index("grants", "created_at", "id")
    index("grants", "login", "created_at")


def make_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("integration", sa.Text, nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("sudo", sa.JSON, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("warn_before_seconds", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sent_sequence", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", TIME),
        sa.Column("outcome", sa.String(16)),
        sa.Column("outcome_code", sa.Text),
        sa.Column("outcome_message", sa.Text),
        sa.Column("confirmed_at", TIME),
        sa.PrimaryKeyConstraint("grant_id", "server", name="pk_shares"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_shares_grant_id"),
    )
    index("shares", "state", "next_try_at")
    index("shares", "state", "not_after")
    index("shares", "server", "state", "login")
    index("shares", "login", "state")


def make_certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("serial", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("valid_after", TIME, nullable=False),
        sa.Column("valid_before", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text),
        sa.PrimaryKeyConstraint("serial", name="pk_certificates"),
        sa.UniqueConstraint("grant_id", "number", name="uq_certificates_grant_id_number"),
        sa.UniqueConstraint("principal", name="uq_certificates_principal"),
        sa.CheckConstraint("serial > 0", name=op.f("ck_certificates_serial")),
        sa.CheckConstraint("public_key NOT LIKE '%PRIVATE KEY%'", name=op.f("ck_certificates_public_key")),
        sa.CheckConstraint("text NOT LIKE '%PRIVATE KEY%'", name=op.f("ck_certificates_text")),
    )


def make_people() -> None:
    op.create_table(
        "people",
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("uid", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_people"),
        sa.UniqueConstraint("uid", name="uq_people_uid"),
        sa.CheckConstraint("uid BETWEEN 70001 AND 99999", name=op.f("ck_people_uid")),
    )


def make_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("uid", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("shell", sa.Text, nullable=False),
        sa.Column("existing", sa.String(16), nullable=False),
        sa.Column("home_on_removal", sa.String(16), nullable=False),
        sa.Column("user_cleanup_days", sa.Integer),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("last_grant_ended_at", TIME),
        sa.Column("removed_at", TIME),
        sa.Column("removal_due_at", TIME),
        sa.PrimaryKeyConstraint("server", "login", name="pk_accounts"),
    )
    index("accounts", "login")
    index("accounts", "removal_due_at")


def make_hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("host_id", sa.String(32), nullable=False),
        sa.Column("machine_id", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("confirmed_sequence", sa.BigInteger, nullable=False),
        sa.Column("onboarded_at", TIME),
        sa.PrimaryKeyConstraint("server", name="pk_hosts"),
        sa.UniqueConstraint("host_id", name="uq_hosts_host_id"),
    )
    op.create_table(
        "host_keys",
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("server", "key", name="pk_host_keys"),
    )
    op.create_table(
        "documents",
        sa.Column("host_id", sa.String(32), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("host_id", "sequence", name="pk_documents"),
    )


def make_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_claims"),
    )


def make_events() -> None:
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_events"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_single")),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": GENESIS_HASH}])


def protect_events() -> None:
    """Whoever reaches the tables with ordinary statements can't alter, take out or replace events."""
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{what.lower()} BEFORE {what} ON events "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        # INSERT OR REPLACE takes a row out without firing the trigger above.
        op.execute(
            "CREATE TRIGGER events_in_order BEFORE INSERT ON events "
            "WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM events) "
            "BEGIN SELECT RAISE(ABORT, 'events are numbered without gaps'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
