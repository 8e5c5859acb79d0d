"""What a person decides over an operation: it goes on, it ended so, or it is called off."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, update

from worker.events.model import END_EVENTS, EventType
from worker.events.telling import Standing, tell
from worker.operations.identifiers import new_id
from worker.operations.model import ATTEMPTS, OPERATIONS, OUTBOX
from worker.operations.outcomes import Reason, ReasonCode
from worker.operations.states import LIVE, State
from worker.operations.store import journal
from worker.operations.store.claims import ORDINARY, URGENT
from worker.operations.store.oncall import Action, Done, admit

_WAITING: Final = frozenset({State.WAITING_FOR_PERSON})
#: An attempt that never got as far as being polled.
_UNSENT: Final = frozenset({State.ACCEPTED, State.SUBMITTING})
#: Whoever held a lease on it holds it no more: an answer on its way comes too late.
_FREED: Final[dict[str, Any]] = {"lease_token": None, "lease_owner": None, "claims": 0}


def resume(
    connection: Connection, action: Action, provider_ref: str | None, now: datetime
) -> tuple[Done, State | None]:
    """Let the same attempt go on where it was; with the provider's id, as one that was taken."""
    admitted = admit(connection, "resume", action, _WAITING, now)
    row = admitted.row
    if admitted.done is not Done.DONE or row is None:
        return admitted.done, admitted.state
    to = State(row["waiting_from"] or State.ACCEPTED)
    taken = provider_ref is not None and to in _UNSENT
    if taken:
        to = State.POLLING
    told = (EventType.STARTED,) if taken and row["started_at"] is None else ()
    values: dict[str, Any] = {
        "state": to.value,
        "waiting_from": None,
        "due_at": now,
        "lane": URGENT if to in _UNSENT else ORDINARY,
        "provider_ref": provider_ref or row["provider_ref"],
        "started_at": row["started_at"] or (now if taken else None),
        # What it had counted up before it began to wait is over and done with.
        "faults": 0,
        "progress": None,
        **_FREED,
    }
    ended: dict[str, Any] = {"reason": None, "provider_ref": values["provider_ref"]}
    said = "resume" if provider_ref is None else f"resume: provider's id {provider_ref}"
    _write(connection, row, action, said, to, values, ended, told=told, now=now, reason=None)
    return Done.DONE, to


def resolve(
    connection: Connection, action: Action, verdict: State, now: datetime
) -> tuple[Done, State | None]:
    """Write down the verdict that a person found out."""
    admitted = admit(connection, "resolve", action, _WAITING, now)
    row = admitted.row
    if admitted.done is not Done.DONE or row is None:
        return admitted.done, admitted.state
    _end(connection, row, action, f"resolve: {verdict}", verdict, now)
    return Done.DONE, verdict


def cancel(connection: Connection, action: Action, now: datetime) -> tuple[Done, State | None]:
    """Call an operation off. What the provider has begun goes on there."""
    admitted = admit(connection, "cancel", action, LIVE, now)
    row = admitted.row
    if admitted.done is not Done.DONE or row is None:
        return admitted.done, admitted.state
    _end(connection, row, action, "cancel", State.CANCELLED, now)
    return Done.DONE, State.CANCELLED


def _end(
    connection: Connection, row: RowMapping, action: Action, said: str, to: State, now: datetime
) -> None:
    reason = None
    if to is not State.SUCCEEDED:
        message = "An on-call engineer decided so: `uprid show` says who and why."
        reason = Reason(
            ReasonCode.BY_PERSON, message, retryable=to not in {State.CANCELLED, State.SUCCEEDED}
        )
    values = {"state": to.value, "waiting_from": None, "due_at": None, "finished_at": now, **_FREED}
    ended = {
        "ended_as": to.value,
        "finished_at": now,
        "reason": None if reason is None else reason.as_text(),
        "result": '{"verified_by": "person"}',
    }
    told = (END_EVENTS[to],)
    _write(connection, row, action, said, to, values, ended, told=told, now=now, reason=reason)


def _write(  # noqa: PLR0913 - row, attempt, journal and events belong together
    connection: Connection,
    row: RowMapping,
    action: Action,
    said: str,
    to: State,
    values: dict[str, Any],
    attempt: dict[str, Any],
    *,
    told: tuple[EventType, ...],
    now: datetime,
    reason: Reason | None,
) -> None:
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == row["id"])
        .values(**values, sequence=OPERATIONS.c.sequence + len(told))
    )
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"])
        .values(**attempt)
    )
    journal.write(
        connection,
        [
            journal.person(row["id"], row["attempt"], said, now, action.by, action.note),
            journal.move(row["id"], row["attempt"], f"{row['state']} → {to}", now),
        ],
    )
    standing = Standing(
        operation_id=row["id"],
        reference=row["reference"],
        provider=row["provider"],
        kind=row["kind"],
        attempt=row["attempt"],
        state=to,
        provider_ref=values.get("provider_ref", row["provider_ref"]),
        started_at=values.get("started_at", row["started_at"]),
        finished_at=values.get("finished_at"),
        polls=row["polls"],
        reason=reason,
        result={"verified_by": "person"} if to in END_EVENTS else {},
    )
    for place, kind in enumerate(told, start=1):
        event = tell(kind, standing, row["sequence"] + place, now, new_id())
        connection.execute(insert(OUTBOX), [event.row()])
