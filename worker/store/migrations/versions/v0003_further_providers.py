"""Further providers: inputs, notifications, shared access tokens, and a payment registry."""

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.losses import refuse_to_lose

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IDENTIFIER = sa.String(length=36).with_variant(sa.String(length=36, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

#: The release before forgets what a live attempt has sent or received, and would send it again.
_LOSSES = {
    "live operations that use inputs or notifications (let them end, or cancel them)": """
        SELECT COUNT(*) FROM operation AS o
        WHERE state IN ('accepted', 'submitting', 'polling', 'settling', 'waiting_for_person')
        AND (
            missing IS NOT NULL OR inputs_sent > 0 OR inputs_waiting > 0 OR notices > 0
            OR EXISTS (
                SELECT 1 FROM attempt
                WHERE operation_id = o.id AND number = o.attempt AND party IS NOT NULL
            )
        )
    """,
    "notifications of nobody that we know yet (kept for 48 hours)": """
        SELECT COUNT(*) FROM notice WHERE operation_id IS NULL
    """,
    "invoices (export them, then delete their rows)": "SELECT COUNT(*) FROM invoice",
}


def _added() -> tuple[sa.Column[object], ...]:
    # Made anew each time: a column belongs to the one table that it was added to.
    return (
        sa.Column("missing", sa.String(length=20), nullable=True),
        sa.Column("inputs_sent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("input_sent_at", TIME, nullable=True),
        sa.Column("inputs_waiting", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("notices", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("wanted_at", TIME, nullable=True),
    )


def upgrade() -> None:
    """Go forward."""
    for column in _added():
        op.add_column("operation", column)
    op.add_column("attempt", sa.Column("party", sa.String(length=64), nullable=True))
    op.create_index(
        "attempt_party",
        "attempt",
        ["party"],
        unique=False,
        postgresql_where=sa.text("party IS NOT NULL"),
        sqlite_where=sa.text("party IS NOT NULL"),
    )
    _make_inputs()
    _make_notifications()
    _make_access_tokens()
    _make_invoices()


def downgrade() -> None:
    """Go back, where nothing of the further providers is under way or stored."""
    refuse_to_lose(_LOSSES)
    for table in (
        "invoice_fetch",
        "invoice_transaction",
        "invoice",
        "access_token",
        "notice",
        "input",
    ):
        op.drop_table(table)
    op.drop_index("attempt_party", table_name="attempt")
    op.drop_column("attempt", "party")
    for column in reversed(_added()):
        op.drop_column("operation", column.name)


def _make_inputs() -> None:
    op.create_table(
        "input",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("operation_id", IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("input_operation", "input", ["operation_id", "attempt"])
    op.create_index("input_once", "input", ["operation_id", "attempt", "fingerprint"], unique=True)
    op.create_index("input_message", "input", ["operation_id", "message_id"], unique=True)


def _make_notifications() -> None:
    op.create_table(
        "notice",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("provider_ref", sa.String(length=100), nullable=False),
        sa.Column("party", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("operation_id", IDENTIFIER, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "key"),
    )
    op.create_index("notice_provider_ref", "notice", ["provider", "provider_ref"])
    op.create_index("notice_party", "notice", ["provider", "party"])
    op.create_index("notice_operation", "notice", ["operation_id", "attempt"])
    op.create_index("notice_at", "notice", ["at"])


def _make_access_tokens() -> None:
    op.create_table(
        "access_token",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("holder", IDENTIFIER, nullable=True),
        sa.Column("held_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )


def _make_invoices() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        *_money("amount", "currency"),
        *_money("current_amount", "current_currency"),
        *_money("surcharge_amount", "surcharge_currency"),
        sa.Column("eshop_id", sa.BigInteger(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoice_fetched_at", "invoice", ["fetched_at"])
    op.create_table(
        "invoice_transaction",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("payment_type", sa.String(length=40), nullable=True),
        sa.Column("created_at", TIME, nullable=True),
        *_money("paid_amount", "paid_currency"),
        *_money("received_amount", "received_currency"),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoice_transaction_invoice", "invoice_transaction", ["invoice_id"])
    op.create_table(
        "invoice_fetch",
        sa.Column("operation_id", IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "attempt", "invoice_id"),
    )
    op.create_index("invoice_fetch_invoice", "invoice_fetch", ["invoice_id"])


def _money(amount: str, currency: str) -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column(amount, sa.String(length=40), nullable=True),
        sa.Column(currency, sa.String(length=10), nullable=True),
    )
