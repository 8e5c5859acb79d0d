"""Retries: the next attempt of the same operation, once for each attempt that it is meant for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    accepted,
    attempts,
    claim,
    ended,
    forgets,
    in_state,
    journal,
    operation,
    polling,
    run,
    stayed,
    told,
    types,
    waiting,
    write,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.domain.states import RETRYABLE
from worker.store import leases, retries, writeback
from worker.store.actions import Action, Done
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.retries import Correction
from worker.store.tables import ATTEMPTS, OPERATIONS

LATER = NOW + timedelta(hours=1)
GIVE_UP = NOW + timedelta(hours=13)


def retry(
    database: Database,
    attempt: int = 1,
    correction: Correction | None = None,
    reference: str = "order-1",
) -> tuple[Done, State | None]:
    with database.begin() as connection:
        action = Action(reference, attempt, "anna", "asked by phone")
        return retries.retry(connection, action, correction, GIVE_UP, forgets, LATER)


@pytest.mark.parametrize("state", sorted(RETRYABLE))
def test_retry_starts_the_next_attempt_from(database: Database, state: State) -> None:
    in_state(database, state)
    before = operation(database)["sequence"]

    assert retry(database) == (Done.DONE, State.ACCEPTED)

    row = operation(database)
    assert (row["state"], row["attempt"], row["lane"]) == ("accepted", 2, 0)
    assert (row["due_at"], row["deadline_at"]) == (LATER, GIVE_UP)
    assert (row["finished_at"], row["started_at"], row["provider_ref"]) == (None, None, None)
    assert (row["polls"], row["faults"], row["claims"], row["waiting_from"]) == (0, 0, 0, None)
    event = told(database)[-1]
    assert event.type == "uprid.operation.accepted"
    assert (event.data["attempt"], event.data["sequence"]) == (2, before + 1)
    assert [(one["number"], one["sealed"]) for one in attempts(database)] == [
        (1, "first"),
        (2, "first"),
    ]


@pytest.mark.parametrize("state", sorted(frozenset(State) - RETRYABLE))
def test_retry_is_refused_and_changes_nothing_in(database: Database, state: State) -> None:
    in_state(database, state)
    before = operation(database), attempts(database), told(database)

    assert retry(database) == (Done.WRONG_STATE, state)

    assert (operation(database), attempts(database), told(database)) == before


def test_retry_closes_a_waiting_attempt_as_superseded_without_an_event(
    database: Database,
) -> None:
    in_state(database, State.WAITING_FOR_PERSON)

    retry(database)

    first, second = attempts(database)
    assert (first["ended_as"], first["finished_at"]) == ("superseded", LATER)
    assert second["ended_as"] is None
    assert types(database) == [
        "operation.accepted",
        "operation.waiting_for_person",
        "operation.accepted",
    ]


@pytest.mark.parametrize("corrected", [False, True], ids=["same-data", "corrected"])
def test_retry_says_that_the_last_end_was_not_to_be_retried(
    database: Database, corrected: bool
) -> None:
    reason = Reason(ReasonCode.NOT_ELIGIBLE, "Not this way.", "500.7.12", retryable=False)
    accepted(database, "order-1")
    write(database, [ended(each, State.REJECTED, reason=reason) for each in claim(database)])

    retry(database, correction=Correction({}, "e" * 64, "second") if corrected else None)

    said = told(database)[-1].data["reason"]
    assert (said["code"], said["provider_code"]) == ("not_eligible", "500.7.12")
    assert said["retryable"] is False
    assert "anna asked for a next one all the same" in said["message"]


@pytest.mark.parametrize("state", [State.REJECTED, State.WAITING_FOR_PERSON])
def test_retry_says_nothing_of_a_last_attempt_that_may_be_retried(
    database: Database, state: State
) -> None:
    # What waits is retried because a person looked at it.
    reason = Reason(ReasonCode.DATA_MISMATCH, "Wrong.", retryable=state is State.REJECTED)
    if state is State.REJECTED:
        accepted(database, "order-1")
        write(database, [ended(each, state, reason=reason) for each in claim(database)])
    else:
        waiting(database, State.SUBMITTING, reason)

    retry(database)

    assert told(database)[-1].data["reason"] is None


def test_retry_leaves_an_ended_attempt_as_it_ended(database: Database) -> None:
    in_state(database, State.REJECTED)

    retry(database)

    assert attempts(database)[0]["ended_as"] == "rejected"


def test_retry_takes_corrected_data(database: Database) -> None:
    in_state(database, State.REJECTED)

    retry(database, correction=Correction({"unit_id": 8}, "e" * 64, "second"))

    assert operation(database)["args"] == '{"unit_id": 8}'
    assert [(one["sealed"], one["fingerprint"][0]) for one in attempts(database)] == [
        ("first", "f"),
        ("second", "e"),
    ]
    assert [claimed.args for claimed in claim(database, now=LATER)] == [{"unit_id": 8}]


def test_retry_leaves_the_next_attempt_free_whoever_held_the_last(database: Database) -> None:
    in_state(database, State.WAITING_FOR_PERSON)
    with database.begin() as connection:
        held = {"lease_token": "held", "lease_owner": "gone", "claims": 3}
        connection.execute(update(OPERATIONS).values(**held))

    retry(database)

    assert len(claim(database, now=LATER)) == 1


def test_retry_says_who_and_why(database: Database) -> None:
    in_state(database, State.FAILED)

    retry(database)

    entry = next(entry for entry in journal(database) if entry["what"] == "person")
    assert (entry["by"], entry["detail"], entry["attempt"]) == ("anna", "asked by phone", 2)


def test_retry_is_ignored_and_recorded_when_it_is_delivered_again(database: Database) -> None:
    in_state(database, State.REJECTED)
    retry(database)
    before = operation(database), attempts(database), told(database)

    assert retry(database) == (Done.IGNORED, State.ACCEPTED)

    assert (operation(database), attempts(database), told(database)) == before
    entry = journal(database)[-1]
    assert (entry["what"], entry["by"]) == ("ignored", "anna")


def test_retry_is_ignored_when_it_is_meant_for_an_attempt_to_come(database: Database) -> None:
    in_state(database, State.REJECTED)

    assert retry(database, attempt=2) == (Done.IGNORED, State.REJECTED)


def test_retry_begins_one_attempt_when_many_threads_bring_the_same(database: Database) -> None:
    in_state(database, State.REJECTED)

    with ThreadPoolExecutor(6) as executor:
        done = [what for what, _ in executor.map(lambda _: retry(database), range(12))]

    assert sorted(done) == [Done.DONE] + [Done.IGNORED] * 11
    assert len(attempts(database)) == 2


def test_retry_knows_no_operation_under_a_free_reference(database: Database) -> None:
    accepted(database, "order-1")

    assert retry(database, reference="order-2") == (Done.UNKNOWN_REFERENCE, None)


def test_retry_asks_for_the_data_anew_when_they_were_erased(database: Database) -> None:
    in_state(database, State.REJECTED)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(sealed=None, erased_at=NOW))

    assert retry(database) == (Done.DATA_ERASED, State.REJECTED)
    corrected = Correction({"unit_id": 7}, "f" * 64, "again")
    assert retry(database, correction=corrected) == (Done.DONE, State.ACCEPTED)


def test_retry_lets_the_next_attempt_end_too(database: Database) -> None:
    in_state(database, State.REJECTED)
    retry(database)

    write(database, [ended(claim(database, now=LATER)[0], State.SUCCEEDED)])

    assert [one["ended_as"] for one in attempts(database)] == ["rejected", "succeeded"]
    assert [event.attempt for event in told(database) if event.terminal] == [1, 2]


def test_retry_writes_out_the_run_of_calls_that_was_still_growing(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    with database.begin() as connection:
        writeback.write_unchanged(
            connection, LEASE_ID, [stayed(claimed, NOW, run=run("CREATED", 7))]
        )
        # As poison is parked: by the sweep, which knows of no call.
        connection.execute(update(OPERATIONS).values(claims=4))
        leases.park_poison(connection, NOW)

    retry(database)

    calls = [entry for entry in journal(database) if entry["what"] == "call"]
    assert [(entry["note"], entry["count"], entry["attempt"]) for entry in calls[-1:]] == [
        ("CREATED", 7, 1)
    ]
    assert operation(database)["run_note"] is None


def test_retry_leaves_the_answer_of_the_attempt_before_to_come_late(database: Database) -> None:
    """A process that held the operation when it was retried holds it no more."""
    accepted(database, "order-1")
    [claimed] = claim(database, lease_id="slow")
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token=LEASE_ID))
    write(database, [ended(claimed, State.EXPIRED)])
    retry(database)
    claim(database, now=LATER)

    assert write(database, [ended(claimed, State.SUCCEEDED)], lease_id="slow") == set()
    with database.begin() as connection:
        assert writeback.write_late(connection, ended(claimed, State.SUCCEEDED), LATER, "late")

    late = told(database)[-1]
    assert (late.type, late.attempt, late.terminal) == (
        "uprid.operation.late_answer",
        1,
        False,
    )
    assert (operation(database)["state"], operation(database)["attempt"]) == ("accepted", 2)
    assert [one["ended_as"] for one in attempts(database)] == ["expired", None]
