"""The journal's columns, and rows of a release that wrote the note alone."""

from collections.abc import Callable
from typing import Final

import pytest
from sqlalchemy import select, update

from tests.support.engine.operations import (
    NOW,
    attempts,
    forgets,
    in_state,
    journal,
    operation,
    waiting,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.store import journal as store
from worker.store import leases, reading, resolutions
from worker.store.actions import Action, Done
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, JOURNAL, OPERATIONS

ACTION: Final = Action("order-1", 1, "anna", "it is there")
DOUBTFUL: Final = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Lost.", retryable=True)
POISON: Final = Reason(ReasonCode.POISON, "Died.", retryable=True)
_NEW: Final = ("from_state", "to_state", "action", "argument", "reason_code")


def as_we_write(database: Database) -> None:
    del database


def as_0_1_0_wrote(database: Database) -> None:
    """Have the journal be what 0.1.0 leaves: it knows none of these columns."""
    with database.begin() as connection:
        connection.execute(update(JOURNAL).values(dict.fromkeys(_NEW)))


written = pytest.mark.parametrize(
    "write", [pytest.param(as_we_write, id="now"), pytest.param(as_0_1_0_wrote, id="by 0.1.0")]
)
Write = Callable[[Database], None]


def resume(database: Database, action: Action = ACTION, ref: str | None = None) -> Done:
    with database.begin() as connection:
        return resolutions.resume(connection, action, ref, forgets, NOW)[0]


def moved(database: Database, origin: State, to: State) -> bool:
    has = store.has_transition(ATTEMPTS.c.operation_id, ATTEMPTS.c.number, origin, to)
    with database.read() as connection:
        return connection.execute(select(ATTEMPTS.c.number).where(has)).first() is not None


def found_by(database: Database, code: ReasonCode) -> list[str]:
    with database.read() as connection:
        return [row.reference for row in reading.find_operations(connection, reason=code)]


@written
def test_submit_that_was_ever_marked_is_found(database: Database, write: Write) -> None:
    in_state(database, State.SUBMITTING)
    write(database)

    assert moved(database, State.ACCEPTED, State.SUBMITTING)
    assert not moved(database, State.ACCEPTED, State.POLLING)
    assert not moved(database, State.SUBMITTING, State.ACCEPTED)


@written
def test_attempt_that_was_never_submitted_is_not_found(database: Database, write: Write) -> None:
    in_state(database, State.POLLING)
    write(database)

    assert not moved(database, State.ACCEPTED, State.SUBMITTING)


@written
@pytest.mark.parametrize("ref", [None, "77"])
def test_resume_that_comes_again_is_ignored(
    database: Database, write: Write, ref: str | None
) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    assert resume(database, ref=ref) is Done.DONE
    write(database)

    assert resume(database, ref=ref) is Done.IGNORED


@written
@pytest.mark.parametrize(
    ("action", "ref"),
    [
        pytest.param(ACTION, "78", id="another id"),
        pytest.param(ACTION, None, id="no id"),
        pytest.param(Action("order-1", 1, "boris", ACTION.note), "77", id="another person"),
        pytest.param(Action("order-1", 1, ACTION.by, "again"), "77", id="another reason"),
    ],
)
def test_resume_that_differs_from_the_one_that_was_done_is_refused(
    database: Database, write: Write, action: Action, ref: str | None
) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    assert resume(database, ref="77") is Done.DONE
    write(database)

    assert resume(database, action, ref) is Done.WRONG_STATE


@written
def test_verdict_that_comes_again_is_ignored_and_another_one_refused(
    database: Database, write: Write
) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    with database.begin() as connection:
        resolutions.resolve(connection, ACTION, State.REJECTED, NOW)
    write(database)

    with database.begin() as connection:
        assert resolutions.resolve(connection, ACTION, State.REJECTED, NOW)[0] is Done.IGNORED
        assert resolutions.resolve(connection, ACTION, State.FAILED, NOW)[0] is Done.WRONG_STATE


@written
def test_late_notification_is_found_by_what_it_would_have_made(
    database: Database, write: Write
) -> None:
    in_state(database, State.REJECTED)
    id_ = operation(database)["id"]
    with database.begin() as connection:
        row = store.late_notification(id_, 1, State.SUCCEEDED, NOW)
        store.write(connection, [row])
    write(database)

    with database.read() as connection:
        assert store.has_late_notification(connection, id_, 1, State.SUCCEEDED)
        assert not store.has_late_notification(connection, id_, 1, State.EXPIRED)


def test_row_says_in_columns_what_its_note_says(database: Database) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    resume(database, ref="77")

    parked, person, back = journal(database)[-3:]

    assert [tuple(row[name] for name in _NEW) for row in (parked, person, back)] == [
        ("submitting", "waiting_for_person", None, None, "doubtful_submit"),
        (None, None, "resume", "77", None),
        ("waiting_for_person", "polling", None, None, None),
    ]


def test_reason_is_found_by_its_code(database: Database) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    waiting(database, State.POLLING, POISON, "order-2")

    assert found_by(database, ReasonCode.DOUBTFUL_SUBMIT) == ["order-1"]
    assert found_by(database, ReasonCode.POISON) == ["order-2"]


def test_reason_of_before_the_column_is_found_by_its_text(database: Database) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(reason_code=None))

    assert found_by(database, ReasonCode.DOUBTFUL_SUBMIT) == ["order-1"]
    assert found_by(database, ReasonCode.POISON) == []


def test_code_follows_a_reason_that_another_release_writes(database: Database) -> None:
    waiting(database, State.SUBMITTING, DOUBTFUL)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(reason=POISON.as_text()))

    assert found_by(database, ReasonCode.DOUBTFUL_SUBMIT) == []
    assert found_by(database, ReasonCode.POISON) == ["order-1"]

    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(reason=None))
    assert attempts(database)[0]["reason_code"] is None


def test_poison_that_is_parked_has_its_code(database: Database) -> None:
    in_state(database, State.ACCEPTED)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(claims=leases.POISON_AFTER))

    with database.begin() as connection:
        assert leases.park_poison(connection, NOW) == ["order-1"]

    assert attempts(database)[0]["reason_code"] == "poison"
    last = journal(database)[-1]
    assert (last["from_state"], last["to_state"]) == ("accepted", "waiting_for_person")
    assert last["reason_code"] == "poison"
