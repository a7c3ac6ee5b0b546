"""Requests, and what those who were asked said."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TIME = sa.BigInteger  # microseconds since 1970 UTC


def upgrade() -> None:
    make_requests()
    make_votes()


def make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("requester", sa.String(32), nullable=False),
        sa.Column("grantee", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("servers", sa.JSON, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("start", TIME),
        sa.Column("length_seconds", sa.BigInteger),
        sa.Column("justification", sa.Text, nullable=False),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("flow_settings", sa.JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("grant_id", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("grant_id", name="uq_requests_grant_id"),
        sa.CheckConstraint("public_key NOT LIKE '%PRIVATE KEY%'", name="ck_requests_public_key"),
    )
    for columns in (
        ("state", "expires_at"),
        ("created_at", "id"),
        ("requester", "created_at"),
        ("grantee", "created_at"),
    ):
        op.create_index(f"ix_requests_{'_'.join(columns)}", "requests", list(columns))


def make_votes() -> None:
    op.create_table(
        "votes",
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("person", sa.String(32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("yes", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("length_seconds", sa.BigInteger),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "number", name="pk_votes"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_votes_request_id"),
    )
