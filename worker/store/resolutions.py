"""What a person decides over an operation: it goes on, it ended so, or it is called off."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from worker.domain.event_data import Standing, tell
from worker.domain.events import END_EVENTS, EventType
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason, ReasonCode
from worker.domain.states import LIVE, State
from worker.store import claims, inputs, journal, notifications
from worker.store.actions import Action, Anew, Done, Keep, admit, kept
from worker.store.claims import ORDINARY, URGENT
from worker.store.tables import ATTEMPTS, OPERATIONS, OUTBOX

_WAITING: Final = frozenset({State.WAITING_FOR_PERSON})
#: An attempt that never got as far as being polled.
_UNSENT: Final = frozenset({State.ACCEPTED, State.SUBMITTING})
#: Whoever held a lease on it holds it no more: an answer on its way comes too late.
_FREED: Final[Mapping[str, Any]] = {"lease_token": None, "lease_owner": None, "claims": 0}
#: What was found out by a person, and not by the provider's answer.
_BY_PERSON: Final[Mapping[str, Any]] = {"verified_by": "person"}


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is written of a decision."""

    action: Action
    #: What the journal says of it.
    said: str
    to: State
    #: Columns of the operation and of its current attempt.
    operation: Mapping[str, Any]
    attempt: Mapping[str, Any]
    event: EventType | None
    reason: Reason | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


def no_time(_submitted: bool) -> None:  # noqa: FBT001 - as `Anew` has it
    """Have every deadline stay."""


def resume(
    connection: Connection,
    action: Action,
    provider_ref: str | None,
    keep: Keep,
    now: datetime,
    anew: Anew = no_time,
) -> tuple[Done, State | None]:
    """Let the same attempt go on where it was; with the provider's id, as one that was taken.

    What has passed its deadline meanwhile is settled at once, or has the time that it gets `anew`.
    """
    said = "resume" if provider_ref is None else f"resume: provider's id {provider_ref}"
    admitted = admit(connection, "resume", action, _WAITING, now, said)
    row = admitted.row
    if admitted.done is not Done.DONE or row is None:
        return admitted.done, admitted.state
    if provider_ref is not None and _is_anothers(connection, row, provider_ref):
        return Done.ANOTHERS_REF, admitted.state
    # Where nobody knows any more, the harmless question comes before another submit.
    to = State(row["waiting_from"] or State.SUBMITTING)
    taken = provider_ref is not None and to in _UNSENT
    if taken:
        to = State.POLLING
    if to is State.ACCEPTED and _is_erased(connection, row):
        return Done.DATA_ERASED, admitted.state
    time = _time_anew(row, to, now, anew)
    if time and to is State.SETTLING:
        to = State.POLLING
    known = {
        "provider_ref": provider_ref or row["provider_ref"],
        "started_at": row["started_at"] or (now if taken else None),
    }
    going_on = {
        "state": to.value,
        "due_at": now,
        "lane": URGENT if to in _UNSENT else ORDINARY,
        # What it had counted up before it began to wait is over and done with.
        "faults": 0,
        "progress": kept(row, keep),
        **time,
        **known,
    }
    event = EventType.STARTED if taken and row["started_at"] is None else None
    decision = _Decision(action, said, to, going_on, {"reason": None, **known}, event)
    _write(connection, row, decision, now)
    if provider_ref is not None:
        # What the provider said of this id before anybody knew it.
        notifications.attach(connection, row["id"], now)
    return Done.DONE, to


def resolve(
    connection: Connection, action: Action, verdict: State, now: datetime
) -> tuple[Done, State | None]:
    """Write down the verdict that a person found out."""
    said = f"resolve: {verdict}"
    admitted = admit(connection, "resolve", action, _WAITING, now, said)
    if admitted.done is not Done.DONE or admitted.row is None:
        return admitted.done, admitted.state
    _end(connection, admitted.row, action, said, verdict, _BY_PERSON, now)
    return Done.DONE, verdict


def cancel(connection: Connection, action: Action, now: datetime) -> tuple[Done, State | None]:
    """Call an operation off. What the provider has begun goes on there."""
    admitted = admit(connection, "cancel", action, LIVE, now, "cancel")
    if admitted.done is not Done.DONE or admitted.row is None:
        return admitted.done, admitted.state
    _end(connection, admitted.row, action, "cancel", State.CANCELLED, {}, now)
    return Done.DONE, State.CANCELLED


def _time_anew(row: RowMapping, to: State, now: datetime, anew: Anew) -> dict[str, datetime]:
    """Return the new deadline of an attempt that goes on past its old one, if it gets one."""
    if row["deadline_at"] is None or now < row["deadline_at"]:
        return {}
    lasting = anew(to is not State.ACCEPTED)
    return {} if lasting is None else {"deadline_at": now + lasting}


def _is_erased(connection: Connection, row: RowMapping) -> bool:
    """Tell whether the data of the current attempt were erased: it has nothing to submit."""
    erased_at = select(ATTEMPTS.c.erased_at).where(
        ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
    )
    return connection.execute(erased_at).scalar_one() is not None


def _is_anothers(connection: Connection, row: RowMapping, provider_ref: str) -> bool:
    """Tell whether another operation has this id: its answer would be another person's."""
    found = connection.execute(
        select(OPERATIONS.c.id).where(
            OPERATIONS.c.provider_ref == provider_ref,
            OPERATIONS.c.provider == row["provider"],
            OPERATIONS.c.id != row["id"],
        )
    )
    return found.first() is not None


def _end(
    connection: Connection,
    row: RowMapping,
    action: Action,
    said: str,
    to: State,
    result: Mapping[str, Any],
    now: datetime,
) -> None:
    reason = None
    if to is not State.SUCCEEDED:
        # The marketplace may call off as well as an on-call engineer: who did is all that tells.
        decided = "was called off" if to is State.CANCELLED else f"was ended as {to.value}"
        message = f"It {decided} by {action.by}: `uprid show` says why."
        reason = Reason(ReasonCode.BY_PERSON, message, retryable=to is not State.CANCELLED)
    ended = {
        "ended_as": to.value,
        "finished_at": now,
        "reason": None if reason is None else reason.as_text(),
        "result": json.dumps(dict(result)),
    }
    operation = {"state": to.value, "due_at": None, "finished_at": now, "missing": None}
    inputs.forget(connection, row["id"])
    decision = _Decision(action, said, to, operation, ended, END_EVENTS[to], reason, result)
    _write(connection, row, decision, now)


def _write(connection: Connection, row: RowMapping, decision: _Decision, now: datetime) -> None:
    """Write operation, attempt, journal and event together."""
    id_, number, action = row["id"], row["attempt"], decision.action
    sequence = row["sequence"] + (decision.event is not None)
    values = {**decision.operation, "waiting_from": None, **_FREED, **claims.NO_RUN}
    connection.execute(
        update(OPERATIONS).where(OPERATIONS.c.id == id_).values(**values, sequence=sequence)
    )
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == id_, ATTEMPTS.c.number == number)
        .values(**decision.attempt)
    )
    run = claims.open_run(row)
    journal.write(
        connection,
        [
            *([] if run is None else [journal.call(id_, number, run)]),
            journal.person(id_, number, decision.said, now, action.by, action.note),
            journal.move(id_, number, f"{row['state']} → {decision.to}", now),
        ],
    )
    if decision.event is not None:
        standing = _standing({**row, **values}, decision)
        event = tell(decision.event, standing, sequence, now, new_id())
        connection.execute(insert(OUTBOX), [event.row()])


def _standing(row: Mapping[str, Any], decision: _Decision) -> Standing:
    return Standing(
        operation_id=row["id"],
        reference=row["reference"],
        provider=row["provider"],
        kind=row["kind"],
        attempt=row["attempt"],
        state=decision.to,
        provider_ref=row["provider_ref"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        polls=row["polls"],
        reason=decision.reason,
        result=decision.result,
    )
