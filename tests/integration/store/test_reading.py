"""What people and programs read of the tables, on both databases."""

from datetime import timedelta

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    accepted,
    claim,
    ended,
    forgets,
    polling,
    run,
    stayed,
    write,
)
from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.store import messages, reading, retries, writeback
from worker.store.actions import Action
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.journal import What
from worker.store.reading import Row, Story

LATER = NOW + timedelta(seconds=30)
MISMATCH = Reason(ReasonCode.DATA_MISMATCH, "It did not fit.", "500.7.3", retryable=True)


def found(database: Database, **wanted: object) -> list[Row]:
    with database.read() as connection:
        return reading.find_operations(connection, **wanted)  # type: ignore[arg-type]


def story_of(database: Database, reference: str) -> Story:
    with database.read() as connection:
        story = reading.story(connection, reference)
    assert story is not None
    return story


def row_of(database: Database, reference: str) -> Row:
    row = story_of(database, reference).operation
    assert row is not None
    return row


def reject(database: Database, reference: str) -> None:
    accepted(database, reference)
    taken = claim(database)
    write(database, [ended(taken[0], State.REJECTED, reason=MISMATCH)])


def retry(database: Database, reference: str) -> None:
    with database.begin() as connection:
        retries.retry(
            connection, Action(reference, 1, "olga", "looked"), None, LATER, forgets, LATER
        )


def refuse(database: Database, reference: str) -> None:
    with database.begin() as connection:
        messages.refuse(
            connection,
            message_id=f"message of {reference}",
            task="tasks.moneta.start_identification",
            reference=reference,
            fields=("unit_id",),
            reason=reason_of(RefusalCode.INVALID_MESSAGE, "unit_id is missing"),
            now=NOW,
        )


def test_find_operations_returns_the_newest_first(database: Database) -> None:
    for reference in ("a", "b", "c"):
        accepted(database, reference)

    newest = found(database, limit=2)

    assert {row.reference for row in newest} <= {"a", "b", "c"}
    assert [row.id for row in newest] == sorted((row.id for row in newest), reverse=True)
    assert len(newest) == 2


def test_find_operations_chooses_by_state_and_provider(database: Database) -> None:
    polling(database, "asked")
    accepted(database, "waits")

    assert [row.reference for row in found(database, state=State.POLLING)] == ["asked"]
    assert found(database, state=State.SUCCEEDED) == []
    assert found(database, provider="another") == []
    assert len(found(database, provider="moneta")) == 2


def test_find_operations_returns_what_is_overdue_longest_first(database: Database) -> None:
    accepted(database, "late", now=NOW - timedelta(minutes=5))
    accepted(database, "later", now=NOW - timedelta(minutes=9))
    accepted(database, "in time", now=NOW)

    late = found(database, overdue=NOW - timedelta(minutes=1))

    assert [row.reference for row in late] == ["later", "late"]


def test_row_tells_whether_a_worker_holds_it(database: Database) -> None:
    accepted(database, "held")

    assert not row_of(database, "held").is_leased
    claim(database)
    assert row_of(database, "held").is_leased


def test_row_carries_the_reason_once_it_has_ended(database: Database) -> None:
    reject(database, "no")

    row = row_of(database, "no")

    assert row.state is State.REJECTED
    assert row.reason == MISMATCH.as_json()
    assert row.result == {}
    assert row.finished_at == NOW


def test_row_forgets_the_reason_while_the_next_attempt_runs(database: Database) -> None:
    reject(database, "again")
    retry(database, "again")

    row = row_of(database, "again")

    assert (row.state, row.attempt, row.reason, row.result) == (State.ACCEPTED, 2, None, None)


def test_story_is_none_where_nothing_is_known(database: Database) -> None:
    with database.read() as connection:
        assert reading.story(connection, "nobody") is None


def test_story_of_a_reference_that_was_only_refused_has_no_operation(database: Database) -> None:
    refuse(database, "bad")

    story = story_of(database, "bad")

    assert story.operation is None
    assert [(r.fields, r.reason["message"]) for r in story.refusals] == [
        (("unit_id",), "unit_id is missing")
    ]


def test_story_of_an_operation_holds_refusals_under_its_reference(database: Database) -> None:
    accepted(database, "both")
    refuse(database, "both")

    assert len(story_of(database, "both").refusals) == 1


def test_story_ends_with_the_run_that_is_still_growing(database: Database) -> None:
    polling(database, "runs")
    taken = claim(database, lane=ORDINARY, lease_id=LEASE_ID)
    with database.begin() as connection:
        growing = stayed(taken[0], LATER, run=run("INPROGRESS", count=7))
        writeback.write_unchanged(connection, LEASE_ID, [growing])

    last = story_of(database, "runs").journal[-1]

    assert (last.what, last.note, last.count, last.slowest) == (What.CALL, "INPROGRESS", 7, 12)


def test_story_tells_attempts_people_and_events_in_order(database: Database) -> None:
    reject(database, "again")
    retry(database, "again")

    story = story_of(database, "again")

    assert [(a.number, a.ended_as) for a in story.attempts] == [(1, "rejected"), (2, None)]
    assert [event.type for event in story.events] == [
        EventType.ACCEPTED,
        EventType.REJECTED,
        EventType.ACCEPTED,
    ]
    assert [event.sequence for event in story.events] == [1, 2, 3]
    assert not any(event.published for event in story.events)
    person = next(entry for entry in story.journal if entry.what is What.PERSON)
    assert (person.by, person.detail, person.attempt) == ("olga", "looked", 2)
