"""A retry: the next attempt of an operation that ended, or that waits for a person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from worker.domain.event_data import Standing, tell
from worker.domain.events import EventType
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason, ReasonCode
from worker.domain.states import RETRYABLE, SUPERSEDED, TERMINAL, State
from worker.store import claims, inputs, journal
from worker.store.actions import Action, Done, Keep, admit, kept
from worker.store.claims import URGENT
from worker.store.tables import ATTEMPTS, OPERATIONS, OUTBOX


@dataclass(frozen=True, slots=True)
class Correction:
    """Data for a next attempt."""

    args: Mapping[str, Any]
    fingerprint: str
    sealed: str | None = field(repr=False)
    #: Keyed hash of whom the provider's notifications speak.
    party: str | None = None


def retry(
    connection: Connection,
    action: Action,
    correction: Correction | None,
    give_up_at: datetime,
    keep: Keep,
    now: datetime,
    bare: str | None = None,
) -> tuple[Done, State | None]:
    """Start the next attempt, with corrected data or with what the last one had.

    After an end that is not retryable, the `accepted` event carries that end's reason.

    `bare`: the fingerprint of an attempt that has nothing sealed, of which nothing can be erased.
    """
    admitted = admit(connection, "retry", action, RETRYABLE, now)
    row, state = admitted.row, admitted.state
    if admitted.done is not Done.DONE or row is None or state is None:
        return admitted.done, state
    if correction is None and _erased(connection, row, bare):
        return Done.DATA_ERASED, state
    number = row["attempt"] + 1
    if state is State.WAITING_FOR_PERSON:
        _supersede(connection, row, now)
    inputs.forget(connection, row["id"])
    _next_attempt(connection, row, correction, number, now)
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == row["id"])
        .values(
            state=State.ACCEPTED.value,
            attempt=number,
            args=row["args"] if correction is None else json.dumps(dict(correction.args)),
            provider_ref=None,
            lane=URGENT,
            due_at=now,
            deadline_at=give_up_at,
            lease_token=None,
            lease_owner=None,
            claims=0,
            polls=0,
            faults=0,
            progress=kept(row, keep),
            waiting_from=None,
            started_at=None,
            finished_at=None,
            sequence=OPERATIONS.c.sequence + 1,
            **claims.NO_RUN,
            **claims.UNHEARD,
        )
    )
    standing = Standing(
        operation_id=row["id"],
        reference=row["reference"],
        provider=row["provider"],
        kind=row["kind"],
        attempt=number,
        state=State.ACCEPTED,
        reason=_against(connection, row, state, action),
    )
    event = tell(EventType.ACCEPTED, standing, row["sequence"] + 1, now, new_id())
    connection.execute(insert(OUTBOX), [event.row()])
    said = f"retry: attempt {number}" + (" with corrected data" if correction else "")
    run = claims.open_run(row)
    journal.write(
        connection,
        [
            *([] if run is None else [journal.call(row["id"], row["attempt"], run)]),
            journal.person(row["id"], number, said, now, action.by, action.note),
            journal.move(row["id"], number, f"{state} → {State.ACCEPTED}", now),
        ],
    )
    return Done.DONE, State.ACCEPTED


def _against(
    connection: Connection, row: RowMapping, state: State, action: Action
) -> Reason | None:
    """Return what spoke against a next attempt; None where the last one's end did not."""
    if state not in TERMINAL:
        # What waits is retried because a person looked at it.
        return None
    written = connection.execute(
        select(ATTEMPTS.c.reason).where(
            ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
        )
    ).scalar_one()
    last = json.loads(written or "{}")
    if last.get("retryable", True):
        return None
    ended = f"Attempt {row['attempt']} ended as {state.value}, not to be retried"
    return Reason(
        ReasonCode(last["code"]),
        f"{ended}: {action.by} asked for a next one all the same.",
        last.get("provider_code"),
        retryable=False,
    )


def _erased(connection: Connection, row: RowMapping, bare: str | None) -> bool:
    last = connection.execute(
        select(ATTEMPTS.c.erased_at, ATTEMPTS.c.fingerprint).where(
            ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
        )
    ).one()
    return last.erased_at is not None and last.fingerprint != bare


def _supersede(connection: Connection, row: RowMapping, now: datetime) -> None:
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"])
        .values(ended_as=SUPERSEDED, finished_at=now)
    )


def _next_attempt(
    connection: Connection,
    row: RowMapping,
    correction: Correction | None,
    number: int,
    now: datetime,
) -> None:
    if correction is None:
        last = connection.execute(
            select(ATTEMPTS.c.fingerprint, ATTEMPTS.c.sealed, ATTEMPTS.c.party).where(
                ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
            )
        ).one()
        fingerprint, sealed, party = last.fingerprint, last.sealed, last.party
    else:
        fingerprint, sealed = correction.fingerprint, correction.sealed
        party = correction.party
    connection.execute(
        insert(ATTEMPTS).values(
            operation_id=row["id"],
            number=number,
            fingerprint=fingerprint,
            sealed=sealed,
            party=party,
            accepted_at=now,
        )
    )
