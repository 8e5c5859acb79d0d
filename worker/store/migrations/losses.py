"""Checks that a downgrade loses no data: a migration calls this before it removes anything."""

from collections.abc import Mapping

from alembic import op
from sqlalchemy import text

from worker.domain.errors import WouldLose


def refuse_to_lose(counted: Mapping[str, str]) -> None:
    """Raise `WouldLose` naming everything that is there; `counted` has a SELECT COUNT(*) for each.

    Each name says what would be lost and what to do about it, without a value.
    """
    connection = op.get_bind()
    found = {what: connection.execute(text(query)).scalar_one() for what, query in counted.items()}
    if any(found.values()):
        raise WouldLose(", ".join(f"{number} {what}" for what, number in found.items() if number))
