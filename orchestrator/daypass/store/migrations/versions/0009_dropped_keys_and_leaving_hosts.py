"""Whose word a certificate's key goes by, and since when a server is leaving."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # Nobody noted it before: what is live then is extended for keys that the directory names.
    column = sa.Column("from_directory", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("certificates", column)
    op.add_column("hosts", sa.Column("leaving_at", sa.BigInteger))
