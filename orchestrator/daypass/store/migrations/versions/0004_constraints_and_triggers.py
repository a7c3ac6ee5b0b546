"""What a grant's certificates are bound to and may do, and what brought the grant about."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Grants of before were operators' own, bound to nothing, with a terminal.
    for column in (
        sa.Column("critical_options", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("extensions", sa.JSON, nullable=False, server_default='["permit-pty"]'),
        sa.Column("request_id", sa.String(40)),
        sa.Column("trigger", sa.String(16), nullable=False, server_default="direct"),
        sa.Column("times_extended", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("grants", column)
