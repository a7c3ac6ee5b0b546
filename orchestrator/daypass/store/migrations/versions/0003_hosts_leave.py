"""When a server was off-boarded."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.BigInteger  # microseconds since 1970 UTC


def upgrade() -> None:
    op.add_column("hosts", sa.Column("offboarded_at", TIME))
