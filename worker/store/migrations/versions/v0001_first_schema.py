"""The first schema, with the trigger that lets an attempt end only once."""

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.losses import refuse_to_lose

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IDENTIFIER = sa.String(length=36).with_variant(sa.String(length=36, collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Promise 2, kept by the database: how an attempt ended is written once and never changed.
_SQLITE_TRIGGER = """
CREATE TRIGGER attempt_ends_once BEFORE UPDATE OF ended_as ON attempt
WHEN OLD.ended_as IS NOT NULL AND NEW.ended_as IS NOT OLD.ended_as
BEGIN SELECT RAISE(ABORT, 'the attempt has ended already'); END
"""
_POSTGRES_FUNCTION = """
CREATE FUNCTION attempt_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the attempt has ended already' USING ERRCODE = 'unique_violation';
END $$
"""
_POSTGRES_TRIGGER = """
CREATE TRIGGER attempt_ends_once BEFORE UPDATE OF ended_as ON attempt FOR EACH ROW
WHEN (OLD.ended_as IS NOT NULL AND NEW.ended_as IS DISTINCT FROM OLD.ended_as)
EXECUTE FUNCTION attempt_ends_once()
"""

_LOSSES = {
    "operations": "SELECT COUNT(*) FROM operation",
    "events": "SELECT COUNT(*) FROM outbox",
}


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "attempt",
        sa.Column("operation_id", IDENTIFIER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_ref", sa.String(length=100), nullable=True),
        sa.Column("ended_as", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("operation_id", "number"),
    )
    op.create_index(
        "attempt_erasable",
        "attempt",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("erased_at IS NULL"),
        sqlite_where=sa.text("erased_at IS NULL"),
    )
    op.create_table(
        "incarnation",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "journal",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("operation_id", IDENTIFIER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("slowest", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(length=100), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_operation", "journal", ["operation_id"], unique=False)
    op.create_table(
        "lock",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "operation",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.String(length=100), nullable=True),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", IDENTIFIER, nullable=True),
        sa.Column("lease_owner", IDENTIFIER, nullable=True),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("waiting_from", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_note", sa.String(length=100), nullable=True),
        sa.Column("run_first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("run_slowest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(
        "operation_due",
        "operation",
        ["provider", "lane", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL AND lease_token IS NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL AND lease_token IS NULL"),
    )
    op.create_index(
        "operation_leased",
        "operation",
        ["lease_owner"],
        unique=False,
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.create_index("operation_listed", "operation", ["state", "provider"], unique=False)
    op.create_index(
        "operation_suspect",
        "operation",
        ["provider", "due_at"],
        unique=False,
        postgresql_where=sa.text("claims >= 2"),
        sqlite_where=sa.text("claims >= 2"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", COUNTER, nullable=False),
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("operation_id", IDENTIFIER, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("terminal", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("stream_id", IDENTIFIER, nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(
        "outbox_one_end",
        "outbox",
        ["operation_id", "attempt"],
        unique=True,
        postgresql_where=sa.text("terminal = 1"),
        sqlite_where=sa.text("terminal = 1"),
    )
    op.create_index("outbox_event", "outbox", ["id"], unique=True)
    op.create_index("outbox_operation", "outbox", ["operation_id"], unique=False)
    op.create_index("outbox_stream_id", "outbox", ["stream_id"], unique=False)
    op.create_index("outbox_time", "outbox", ["time"], unique=False)
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["seq"],
        unique=False,
        postgresql_where=sa.text("stream_id IS NULL"),
        sqlite_where=sa.text("stream_id IS NULL"),
    )
    op.create_table(
        "provider",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.String(length=100), nullable=True),
        sa.Column("paused_note", sa.String(length=500), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "refusal",
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("refusal_reference", "refusal", ["reference"], unique=False)
    op.create_table(
        "stream",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("last_id", IDENTIFIER, nullable=False),
        sa.Column("mark", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)
        # The hot table is written all day long: room for updates in place, and an early vacuum.
        op.execute(
            "ALTER TABLE operation SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)"
        )
        op.execute("ALTER TABLE provider SET (fillfactor = 20)")
    else:
        op.execute(_SQLITE_TRIGGER)


def downgrade() -> None:
    """Drop everything, where nothing was ever taken."""
    refuse_to_lose(_LOSSES)
    op.drop_table("stream")
    op.drop_index("refusal_reference", table_name="refusal")
    op.drop_table("refusal")
    op.drop_table("provider")
    op.drop_index(
        "outbox_unpublished",
        table_name="outbox",
        postgresql_where=sa.text("stream_id IS NULL"),
        sqlite_where=sa.text("stream_id IS NULL"),
    )
    op.drop_index("outbox_time", table_name="outbox")
    op.drop_index("outbox_operation", table_name="outbox")
    op.drop_index("outbox_event", table_name="outbox")
    op.drop_index("outbox_stream_id", table_name="outbox")
    op.drop_index(
        "outbox_one_end",
        table_name="outbox",
        postgresql_where=sa.text("terminal = 1"),
        sqlite_where=sa.text("terminal = 1"),
    )
    op.drop_table("outbox")
    op.drop_index(
        "operation_suspect",
        table_name="operation",
        postgresql_where=sa.text("claims >= 2"),
        sqlite_where=sa.text("claims >= 2"),
    )
    op.drop_index("operation_listed", table_name="operation")
    op.drop_index(
        "operation_leased",
        table_name="operation",
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.drop_index(
        "operation_due",
        table_name="operation",
        postgresql_where=sa.text("due_at IS NOT NULL AND lease_token IS NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL AND lease_token IS NULL"),
    )
    op.drop_table("operation")
    op.drop_table("lock")
    op.drop_index("journal_operation", table_name="journal")
    op.drop_table("journal")
    op.drop_table("incarnation")
    op.drop_index(
        "attempt_erasable",
        table_name="attempt",
        postgresql_where=sa.text("erased_at IS NULL"),
        sqlite_where=sa.text("erased_at IS NULL"),
    )
    op.drop_table("attempt")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION attempt_ends_once()")
