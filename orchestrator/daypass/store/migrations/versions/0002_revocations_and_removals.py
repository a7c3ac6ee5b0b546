"""When and why a certificate was revoked; how the removal of an account goes on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.BigInteger  # microseconds since 1970 UTC


def upgrade() -> None:
    op.add_column("certificates", sa.Column("revoked_at", TIME))
    op.add_column("certificates", sa.Column("revoke_reason", sa.Text))
    op.add_column("accounts", sa.Column("removal_attempts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("removal_next_try_at", TIME))
    op.add_column("accounts", sa.Column("removal_message", sa.Text))
