"""Messages to people that wait to be sent, and what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TIME = sa.BigInteger  # microseconds since 1970 UTC


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("topic", sa.String(512), nullable=False),
        sa.Column("channel", sa.String(63), nullable=False),
        sa.Column("login", sa.String(32), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("done_at", TIME),
        sa.PrimaryKeyConstraint("topic", "channel", "login", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_state_next_try_at", "deliveries", ["state", "next_try_at"])
    op.create_index("ix_deliveries_done_at", "deliveries", ["done_at"])
