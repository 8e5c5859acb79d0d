"""Write-back: fenced by the lease, state and event in one, late answers published once."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tests.support.engine.operations import (
    NOW,
    accepted,
    attempts,
    claim,
    ended,
    journal,
    moved,
    operation,
    polling,
    run,
    stayed,
    told,
    types,
    write,
)
from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.errors import IllegalTransition
from worker.domain.outcomes import Reason
from worker.store import writeback
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.tables import OPERATIONS

SOON = NOW + timedelta(seconds=15)
REASON = Reason(ReasonCode.DATA_MISMATCH, "No match.", provider_code="500.7.3", retryable=True)


def mark(database: Database, claimed: ClaimedSnapshot, lease_id: str = "lease") -> bool:
    with database.begin() as connection:
        return writeback.mark_submitting(connection, claimed, lease_id, NOW)


def write_unchanged(database: Database, *stays: Unchanged, lease_id: str = "lease") -> set[str]:
    with database.begin() as connection:
        return set(writeback.write_unchanged(connection, lease_id, stays))


def write_late(database: Database, move: Transition) -> bool:
    with database.begin() as connection:
        return writeback.write_late(connection, move, NOW, "late")


def lose_lease(database: Database) -> None:
    """Have another process claim what was claimed."""
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="another"))


def test_mark_submitting_is_true_once(database: Database) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)

    assert mark(database, claimed)
    assert not mark(database, claimed)

    assert operation(database)["state"] == "submitting"
    assert journal(database)[-1]["note"] == "accepted → submitting"


def test_mark_submitting_is_false_and_writes_nothing_when_the_lease_is_lost(
    database: Database,
) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    lose_lease(database)
    before = operation(database)

    assert not mark(database, claimed)

    assert operation(database) == before
    assert len(journal(database)) == 1


def test_write_unchanged_frees_the_lease_and_plans_the_next_question(database: Database) -> None:
    polling(database, "order-1", "order-2")
    one, two = claim(database, lane=ORDINARY)

    written = write_unchanged(
        database,
        stayed(one, SOON, progress='{"a": 1}', consecutive_failures=2, run=run("CREATED", 4)),
        stayed(two, SOON),
    )

    row = operation(database, one.reference)
    assert written == {one.id, two.id}
    assert (row["lease_token"], row["lease_owner"], row["claims"]) == (None, None, 0)
    assert (row["due_at"], row["polls"], row["faults"]) == (SOON, 1, 2)
    assert (row["progress"], row["state"]) == ('{"a": 1}', "polling")
    assert (row["run_note"], row["run_count"], row["run_first_at"]) == ("CREATED", 4, NOW)


def test_write_unchanged_writes_out_only_the_run_that_was_closed(database: Database) -> None:
    polling(database, "order-1")
    before = len(journal(database))
    [claimed] = claim(database, lane=ORDINARY)
    write_unchanged(database, stayed(claimed, NOW, run=run("CREATED", 9)))
    assert len(journal(database)) == before

    [claimed] = claim(database, lane=ORDINARY)
    write_unchanged(
        database, stayed(claimed, SOON, run=run("INPROGRESS"), closed=run("CREATED", 9))
    )

    entry = journal(database)[-1]
    assert (entry["what"], entry["note"], entry["count"]) == ("call", "CREATED", 9)


def test_write_unchanged_writes_only_what_is_still_ours(database: Database) -> None:
    polling(database, "order-1", "order-2")
    one, two = claim(database, lane=ORDINARY)
    with database.begin() as connection:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.id == one.id).values(lease_token="another")
        )
    before = operation(database, one.reference), journal(database, one.reference)

    written = write_unchanged(
        database, stayed(one, SOON, closed=run("old", 2)), stayed(two, SOON, closed=run("old", 2))
    )

    assert written == {two.id}
    assert (operation(database, one.reference), journal(database, one.reference)) == before


def test_write_transitions_writes_state_attempt_journal_and_event_together(
    database: Database,
) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    move = ended(
        claimed, State.REJECTED, reason=REASON, result={"document_id": 5}, answer="sealed answer"
    )

    assert write(database, [move]) == {claimed.id}

    row, [attempt], event = operation(database), attempts(database), told(database)[-1]
    assert (row["state"], row["due_at"], row["finished_at"]) == ("rejected", None, NOW)
    assert (row["lease_token"], row["claims"], row["sequence"]) == (None, 0, 3)
    assert (attempt["ended_as"], attempt["finished_at"]) == ("rejected", NOW)
    assert attempt["answer"] == "sealed answer"
    assert (event.type, event.id) == ("uprid.operation.rejected", move.events[0][1])
    assert event.terminal
    assert event.data["sequence"] == 3
    assert event.data["state"] == "rejected"
    assert event.data["reason"] == REASON.as_json()
    assert event.data["result"] == {"document_id": 5}
    assert event.data["sealed"] == "sealed answer"
    assert [entry["note"] for entry in journal(database)][-2:] == [
        "answer",
        "polling → rejected: data_mismatch",
    ]


def test_write_transitions_writes_and_tells_nothing_when_the_lease_is_lost(
    database: Database,
) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    lose_lease(database)
    before = operation(database), attempts(database), journal(database), told(database)

    assert write(database, [ended(claimed)]) == set()

    assert (operation(database), attempts(database), journal(database), told(database)) == before


def test_write_transitions_tells_only_of_those_that_are_still_ours(database: Database) -> None:
    polling(database, "order-1", "order-2", "order-3")
    claimed = {row.reference: row for row in claim(database, lane=ORDINARY)}
    with database.begin() as connection:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.reference == "order-2")
            .values(lease_token="another")
        )

    write(database, [ended(row) for row in claimed.values()])

    ends = {event.subject for event in told(database) if event.terminal}
    assert ends == {"order-1", "order-3"}


def test_write_transitions_refuses_what_the_table_does_not_allow(database: Database) -> None:
    polling(database, "order-1", "order-2")
    one, two = claim(database, lane=ORDINARY)
    before = operation(database, one.reference), operation(database, two.reference)

    with pytest.raises(IllegalTransition, match="polling to accepted"):
        write(database, [ended(one), moved(two, State.ACCEPTED)])

    assert (operation(database, one.reference), operation(database, two.reference)) == before


def test_write_transitions_remembers_where_an_operation_began_to_wait(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)

    write(
        database,
        [
            moved(
                claimed,
                State.WAITING_FOR_PERSON,
                EventType.WAITING_FOR_PERSON,
                reason=REASON,
            )
        ],
    )

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["waiting_from"], row["due_at"]) == (
        "waiting_for_person",
        "polling",
        None,
    )
    assert (attempt["ended_as"], attempt["finished_at"]) == (None, None)


def test_write_transitions_counts_the_events_of_one_operation_without_gaps(
    database: Database,
) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    write(database, [moved(claimed, State.SETTLING, due_at=NOW)])
    [claimed] = claim(database)
    write(database, [ended(claimed, State.EXPIRED)])

    assert [event.data["sequence"] for event in told(database)] == [1, 2, 3]
    assert types(database) == ["operation.accepted", "operation.started", "operation.expired"]


def test_write_transitions_refuses_a_second_end_whole(database: Database) -> None:
    """The database holds: the attempt stays as it ended, and no event is published."""
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    write(database, [ended(claimed, State.SUCCEEDED)])
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="lease", state="polling"))

    with pytest.raises(IntegrityError):
        write(database, [ended(claimed, State.REJECTED)])

    assert attempts(database)[0]["ended_as"] == "succeeded"
    assert [event.type for event in told(database) if event.terminal] == [
        "uprid.operation.succeeded"
    ]


def test_write_late_journals_and_tells_an_answer_that_lost_its_lease(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    move = ended(claimed, State.SUCCEEDED, answer="sealed answer")
    lose_lease(database)
    assert write(database, [move]) == set()

    assert write_late(database, move)

    event = told(database)[-1]
    assert event.type == "uprid.operation.late_answer"
    assert not event.terminal
    assert event.data["sequence"] == 3
    assert event.data["state"] == "succeeded"
    assert event.data["sealed"] == "sealed answer"
    entry = journal(database)[-1]
    assert entry["what"] == "late"
    assert entry["note"] == "answer came too late: succeeded (answer)"
    row = operation(database)
    assert (row["state"], row["sequence"]) == ("polling", 3)


def test_write_late_keeps_the_providers_id_of_a_submit_that_nobody_waited_for(
    database: Database,
) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    move = moved(claimed, State.POLLING, EventType.STARTED, provider_ref="4711", due_at=NOW)
    lose_lease(database)

    write_late(database, move)

    assert journal(database)[-1]["note"].endswith("provider's id 4711")


def test_write_late_is_false_when_an_unconfirmed_write_had_got_through(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    move = ended(claimed)
    write(database, [move])  # committed, but the confirmation never came
    before = told(database)
    assert write(database, [move]) == set()

    assert not write_late(database, move)

    assert told(database) == before


def test_give_back_is_as_if_there_had_been_no_claim(database: Database) -> None:
    accepted(database, "order-1", "order-2")
    one, two = claim(database)

    with database.begin() as connection:
        writeback.give_back(connection, "lease", [one.id])
        writeback.give_back(connection, "lease", [])

    first, second = operation(database, one.reference), operation(database, two.reference)
    assert (first["lease_token"], first["lease_owner"], first["claims"]) == (None, None, 0)
    assert (second["lease_token"], second["claims"]) == ("lease", 1)


def test_give_back_leaves_alone_what_another_holds(database: Database) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    lose_lease(database)

    with database.begin() as connection:
        writeback.give_back(connection, "lease", [claimed.id])

    assert operation(database)["lease_token"] == "another"


def test_let_go_frees_the_lease_and_keeps_the_claim_counted(database: Database) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)

    with database.begin() as connection:
        writeback.let_go(connection, "not ours", claimed.id)
    assert operation(database)["lease_token"] == "lease"
    with database.begin() as connection:
        writeback.let_go(connection, "lease", claimed.id)

    row = operation(database)
    assert (row["lease_token"], row["lease_owner"], row["claims"]) == (None, None, 1)


def test_bulk_rows_carry_what_json_has_to_escape(database: Database) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    awkward = '"quoted" \\ back, {braces} :token %s \U0001f600 \u2028 \t'

    write(
        database,
        [moved(claimed, State.POLLING, lane=URGENT, due_at=SOON, provider_ref=awkward)],
    )

    assert operation(database)["provider_ref"] == awkward
    assert attempts(database)[0]["provider_ref"] == awkward
