"""What going back must not lose: a migration asks here before it takes anything away."""

from collections.abc import Mapping

from alembic import op
from sqlalchemy import text

from worker.domain.errors import WouldLose


def refuse_to_lose(counted: Mapping[str, str]) -> None:
    """Raise `WouldLose` naming everything that is there; `counted` has a SELECT COUNT(*) for each.

    Names say what it is and what can be done about it, without a value.
    """
    connection = op.get_bind()
    found = {what: connection.execute(text(query)).scalar_one() for what, query in counted.items()}
    if any(found.values()):
        raise WouldLose(", ".join(f"{number} {what}" for what, number in found.items() if number))
