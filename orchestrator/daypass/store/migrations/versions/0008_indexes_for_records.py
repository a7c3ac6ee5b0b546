"""Who has an account still, and what the log says of one grant, are found by indexes."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("ix_accounts_state_login", "accounts", ["state", "login"])
    op.create_index("ix_events_subject", "events", ["subject"])
