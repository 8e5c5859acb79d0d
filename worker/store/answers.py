"""A provider's whole answer, for a person to read: the journal records every access."""

from datetime import datetime

from sqlalchemy import Connection, select

from worker.store import journal
from worker.store.journal import Act, Deed
from worker.store.tables import ATTEMPTS, OPERATIONS


def look_into(
    connection: Connection, reference: str, attempt: int | None, by: str, why: str, now: datetime
) -> str | None:
    """Return an attempt's sealed answer and record who reads it; by default the current attempt's.

    None, with nothing recorded: no such attempt, no answer, or the answer was erased.
    """
    number = OPERATIONS.c.attempt if attempt is None else attempt
    found = connection.execute(
        select(ATTEMPTS.c.operation_id, ATTEMPTS.c.number, ATTEMPTS.c.answer)
        .join(OPERATIONS, OPERATIONS.c.id == ATTEMPTS.c.operation_id)
        .where(OPERATIONS.c.reference == reference, ATTEMPTS.c.number == number)
    ).first()
    if found is None or found.answer is None:
        return None
    deed = Deed(Act.READ_ANSWER, "looked at the provider's answer", by, why)
    looked = journal.person(found.operation_id, found.number, deed, now)
    journal.write(connection, [looked])
    ciphertext: str = found.answer
    return ciphertext
