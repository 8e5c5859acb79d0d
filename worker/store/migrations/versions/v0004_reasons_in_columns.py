"""Reasons in columns: what a journal row says, and why an attempt ended, without reading prose.

Only adds. Until the next contract release rows are there that an older release wrote: their columns
are empty, and who reads them reads their text as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: An older release beside this one writes `reason` alone, and would leave a code behind that is of
#: another reason.
_POSTGRES_FUNCTION = """
    CREATE FUNCTION attempt_reason_code() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.reason_code := CAST(NEW.reason AS json) ->> 'code';
        RETURN NEW;
    END
    $$
"""
_POSTGRES_TRIGGER = """
    CREATE TRIGGER attempt_reason_code BEFORE UPDATE OF reason ON attempt
    FOR EACH ROW WHEN (NEW.reason IS DISTINCT FROM OLD.reason)
    EXECUTE FUNCTION attempt_reason_code()
"""
_SQLITE_TRIGGER = """
    CREATE TRIGGER attempt_reason_code AFTER UPDATE OF reason ON attempt
    WHEN NEW.reason IS NOT OLD.reason
    BEGIN
        UPDATE attempt SET reason_code = NEW.reason ->> 'code'
        WHERE operation_id = NEW.operation_id AND number = NEW.number;
    END
"""


def _added() -> tuple[sa.Column[object], ...]:
    # Made anew each time: a column belongs to the one table that it was added to.
    return (
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=True),
        sa.Column("argument", sa.String(length=100), nullable=True),
        sa.Column("reason_code", sa.String(length=40), nullable=True),
    )


def upgrade() -> None:
    """Go forward."""
    for column in _added():
        op.add_column("journal", column)
    op.add_column("attempt", sa.Column("reason_code", sa.String(length=40), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)
    else:
        op.execute(_SQLITE_TRIGGER)


def downgrade() -> None:
    """Go back. Nothing is lost: the text says the same."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER attempt_reason_code ON attempt")
        op.execute("DROP FUNCTION attempt_reason_code()")
    else:
        op.execute("DROP TRIGGER attempt_reason_code")
    op.drop_column("attempt", "reason_code")
    for column in reversed(_added()):
        op.drop_column("journal", column.name)
