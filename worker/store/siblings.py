"""Other operations that were sent to a provider while one was under way."""

from sqlalchemy import Connection, and_, not_, or_, select

from uprid_client.contract.states import State
from worker.store.tables import OPERATIONS

_ROW = OPERATIONS.c


def others_of(connection: Connection, operation_id: str) -> list[str]:
    """Return the `args` of what may have been sent since an operation began: its provider and kind.

    Read after the provider was asked: what is still `accepted` then had not been sent.
    """
    ours = OPERATIONS.alias()
    unsent = and_(_ROW.state == State.ACCEPTED, _ROW.attempt == 1)
    found = connection.execute(
        select(_ROW.args)
        .join(ours, and_(ours.c.provider == _ROW.provider, ours.c.kind == _ROW.kind))
        .where(
            ours.c.id == operation_id,
            _ROW.id != operation_id,
            not_(unsent),
            or_(_ROW.finished_at.is_(None), _ROW.finished_at >= ours.c.created_at),
        )
    )
    return list(found.scalars())
