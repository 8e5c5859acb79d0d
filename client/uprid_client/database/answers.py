"""The provider's whole answers, for those that are too large for an event."""

from typing import Final

from uprid_client.database.lookup import look_up

_SELECT: Final = "SELECT answer FROM attempt WHERE operation_id = ? AND number = ?"


def sealed_answer(database_url: str, operation_id: str, attempt: int) -> str | None:
    """Return an attempt's answer as a Fernet token.

    None: there is no such attempt, it has no answer, or the answer was erased after its retention.
    Takes the addresses that `DATABASE_URL` takes. Raises `DatabaseUnavailable`.
    """
    found = look_up(database_url, _SELECT, (operation_id, attempt))
    return None if not found else found[0][0]
