"""Callbacks: attempts are found by the provider's id, and unknown ids are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "operation_provider_ref",
        "operation",
        ["provider_ref", "provider"],
        unique=False,
        postgresql_where=sa.text("provider_ref IS NOT NULL"),
        sqlite_where=sa.text("provider_ref IS NOT NULL"),
    )
    op.add_column(
        "provider",
        sa.Column("unknown_callbacks", sa.Integer(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("provider", "unknown_callbacks")
    op.drop_index("operation_provider_ref", table_name="operation")
