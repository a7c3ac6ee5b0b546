"""Reviews of access that nobody was asked for, and which grant is whose automatic access."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TIME = sa.BigInteger  # microseconds since 1970 UTC


def upgrade() -> None:
    make_reviews()
    make_automatic_access()


def make_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("notify", sa.JSON, nullable=False),
        sa.Column("closed_at", TIME),
        sa.Column("closed_by", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_reviews_grant_id"),
    )
    op.create_index("ix_reviews_closed_at_opened_at", "reviews", ["closed_at", "opened_at"])
    op.create_index("ix_reviews_opened_at_grant_id", "reviews", ["opened_at", "grant_id"])


def make_automatic_access() -> None:
    op.create_table(
        "automatic_access",
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("keys", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("flow", "login", name="pk_automatic_access"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_automatic_access_grant_id"),
        sa.UniqueConstraint("grant_id", name="uq_automatic_access_grant_id"),
    )
