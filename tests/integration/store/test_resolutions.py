"""Resume, resolve, cancel: what a person decides over an operation, once and audited."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
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
from uprid_client.contract.states import TERMINAL, State
from worker.domain.outcomes import Reason
from worker.domain.states import DRIVEN, LIVE
from worker.store import leases, resolutions, writeback
from worker.store.actions import Action, Done
from worker.store.claims import ORDINARY, URGENT
from worker.store.database import Database
from worker.store.tables import OPERATIONS

LATER = NOW + timedelta(hours=1)
ACTION = Action("order-1", 1, "anna", "asked by phone")
UNSURE = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody can tell.")
WAITING = State.WAITING_FOR_PERSON

Act = Callable[[Connection, Action, datetime], tuple[Done, State | None]]


def resume_as_it_was(
    connection: Connection, action: Action, now: datetime
) -> tuple[Done, State | None]:
    return resolutions.resume(connection, action, None, forgets, now)


def resolve_as_rejected(
    connection: Connection, action: Action, now: datetime
) -> tuple[Done, State | None]:
    return resolutions.resolve(connection, action, State.REJECTED, now)


ACTS = [
    pytest.param(resume_as_it_was, id="resume"),
    pytest.param(resolve_as_rejected, id="resolve"),
    pytest.param(resolutions.cancel, id="cancel"),
]


def act(database: Database, how: Act, action: Action = ACTION) -> tuple[Done, State | None]:
    with database.begin() as connection:
        return how(connection, action, LATER)


def resume(
    database: Database, provider_ref: str | None = None, action: Action = ACTION
) -> tuple[Done, State | None]:
    with database.begin() as connection:
        return resolutions.resume(connection, action, provider_ref, forgets, LATER)


def resolve(database: Database, verdict: State) -> tuple[Done, State | None]:
    with database.begin() as connection:
        return resolutions.resolve(connection, ACTION, verdict, LATER)


def everything(database: Database) -> object:
    return operation(database), attempts(database), told(database), journal(database)


# From which states


@pytest.mark.parametrize("state", sorted(set(State) - {WAITING}))
@pytest.mark.parametrize("how", ACTS[:2])
def test_decision_over_what_waits_is_refused_and_changes_nothing_in(
    database: Database, how: Act, state: State
) -> None:
    in_state(database, state)
    before = everything(database)

    assert act(database, how) == (Done.WRONG_STATE, state)

    assert everything(database) == before


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_cancel_is_refused_and_changes_nothing_in(database: Database, state: State) -> None:
    in_state(database, state)
    before = everything(database)

    assert act(database, resolutions.cancel) == (Done.WRONG_STATE, state)

    assert everything(database) == before


@pytest.mark.parametrize("how", ACTS)
def test_decision_knows_no_operation_under_a_free_reference(database: Database, how: Act) -> None:
    other = replace(ACTION, reference="order-2")

    assert act(database, how, other) == (Done.UNKNOWN_REFERENCE, None)


@pytest.mark.parametrize("attempt", [2, 7])
@pytest.mark.parametrize("how", ACTS)
def test_decision_over_another_attempt_is_recorded_and_changes_nothing(
    database: Database, how: Act, attempt: int
) -> None:
    waiting(database, State.POLLING, UNSURE)
    before = operation(database), attempts(database), told(database)

    assert act(database, how, replace(ACTION, attempt=attempt)) == (Done.IGNORED, WAITING)

    assert (operation(database), attempts(database), told(database)) == before
    entry = journal(database)[-1]
    assert (entry["what"], entry["by"], entry["at"]) == ("ignored", "anna", LATER)
    assert f"of attempt {attempt} ignored: attempt 1 is current" in entry["note"]


@pytest.mark.parametrize("how", ACTS)
def test_decision_counts_once_when_its_message_comes_again(database: Database, how: Act) -> None:
    waiting(database, State.POLLING, UNSURE)
    assert act(database, how)[0] is Done.DONE
    before = operation(database), attempts(database), told(database)

    assert act(database, how)[0] is Done.IGNORED

    assert (operation(database), attempts(database), told(database)) == before
    assert journal(database)[-1]["note"].endswith("ignored: it was done before")


def test_decision_of_another_person_is_no_message_that_comes_again(database: Database) -> None:
    in_state(database, State.POLLING)
    act(database, resolutions.cancel)

    other = replace(ACTION, by="boris")

    assert act(database, resolutions.cancel, other) == (Done.WRONG_STATE, State.CANCELLED)


@pytest.mark.parametrize("how", ACTS)
def test_decision_says_who_when_and_why(database: Database, how: Act) -> None:
    waiting(database, State.POLLING, UNSURE)

    act(database, how)

    person, move = journal(database)[-2:]
    assert (person["what"], person["by"], person["detail"], person["at"], person["attempt"]) == (
        "person",
        "anna",
        "asked by phone",
        LATER,
        1,
    )
    assert (move["what"], move["note"]) == (
        "move",
        f"waiting_for_person → {operation(database)['state']}",
    )


# Resume


@pytest.mark.parametrize(
    ("origin", "lane"),
    [
        (State.ACCEPTED, URGENT),
        (State.SUBMITTING, URGENT),
        (State.POLLING, ORDINARY),
        (State.SETTLING, ORDINARY),
    ],
)
def test_resume_goes_back_to_where_it_was(database: Database, origin: State, lane: int) -> None:
    waiting(database, origin, UNSURE)
    before, events = operation(database), types(database)

    assert resume(database) == (Done.DONE, origin)

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["lane"], row["due_at"], row["waiting_from"]) == (
        origin,
        lane,
        LATER,
        None,
    )
    assert (row["faults"], row["progress"]) == (0, None)
    for kept in ("attempt", "polls", "provider_ref", "deadline_at", "started_at", "sequence"):
        assert row[kept] == before[kept]
    assert (attempt["reason"], attempt["ended_as"]) == (None, None)
    assert types(database) == events


@pytest.mark.parametrize("origin", [State.ACCEPTED, State.SUBMITTING])
def test_resume_with_the_providers_id_goes_on_as_a_submit_that_was_taken(
    database: Database, origin: State
) -> None:
    waiting(database, origin, UNSURE)
    before = operation(database)

    assert resume(database, "37027") == (Done.DONE, State.POLLING)

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["lane"], row["due_at"]) == ("polling", ORDINARY, LATER)
    assert (row["provider_ref"], row["started_at"]) == ("37027", LATER)
    assert (attempt["provider_ref"], attempt["started_at"]) == ("37027", LATER)
    assert row["deadline_at"] == before["deadline_at"]
    event = told(database)[-1]
    assert (event.type, event.terminal) == ("uprid.operation.started", False)
    assert (event.data["sequence"], row["sequence"]) == (before["sequence"] + 1,) * 2
    assert (event.data["provider_ref"], event.data["state"]) == ("37027", "polling")
    assert event.data["started_at"] is not None
    assert event.data["result"] == {}
    assert journal(database)[-2]["note"] == "resume: provider's id 37027"


def test_resume_with_another_id_of_an_attempt_that_had_started_tells_no_second_start(
    database: Database,
) -> None:
    waiting(database, State.POLLING, UNSURE)

    assert resume(database, "37027") == (Done.DONE, State.POLLING)

    assert operation(database)["provider_ref"] == "37027"
    assert attempts(database)[0]["provider_ref"] == "37027"
    assert types(database).count("operation.started") == 1


@pytest.mark.parametrize(
    ("origin", "goes_on_as"),
    [
        (State.ACCEPTED, State.ACCEPTED),
        (State.SUBMITTING, State.SUBMITTING),
        (State.POLLING, State.POLLING),
        # Settled without anybody having asked, it would expire at once.
        (State.SETTLING, State.POLLING),
    ],
)
def test_resume_after_the_deadline_begins_the_time_anew_where_there_is_one(
    database: Database, origin: State, goes_on_as: State
) -> None:
    told_of = []
    waiting(database, origin, UNSURE)

    def anew(submitted: bool) -> timedelta:
        told_of.append(submitted)
        return timedelta(minutes=300)

    with database.begin() as connection:
        done = resolutions.resume(connection, ACTION, None, forgets, LATER, anew)

    assert done == (Done.DONE, goes_on_as)
    row = operation(database)
    assert (row["state"], row["due_at"]) == (goes_on_as, LATER)
    assert row["deadline_at"] == LATER + timedelta(minutes=300)
    assert told_of == [origin is not State.ACCEPTED]


def test_resume_before_the_deadline_leaves_it(database: Database) -> None:
    waiting(database, State.POLLING, UNSURE)
    before = operation(database)

    with database.begin() as connection:
        now = LATER - timedelta(seconds=1)
        resolutions.resume(connection, ACTION, None, forgets, now, lambda _: timedelta(days=1))

    assert operation(database)["deadline_at"] == before["deadline_at"]


def test_resume_refuses_an_id_that_another_operation_has(database: Database) -> None:
    """Another person's answer would count for this one."""
    polling(database, "order-2")
    waiting(database, State.SUBMITTING, UNSURE)
    before = everything(database)

    assert resume(database, "77") == (Done.ANOTHERS_REF, WAITING)

    assert everything(database) == before


def test_resume_is_claimed_and_written_back_like_any_other(database: Database) -> None:
    waiting(database, State.SUBMITTING, UNSURE)
    resume(database, "37027")

    [claimed] = claim(database, lane=ORDINARY, now=LATER)

    assert write(database, [ended(claimed)], now=LATER) == {claimed.id}
    assert attempts(database)[0]["ended_as"] == "succeeded"
    assert [event.data["sequence"] for event in told(database)] == [1, 2, 3, 4]


def test_resume_asks_and_never_submits_where_nobody_knows_where_it_was(
    database: Database,
) -> None:
    waiting(database, State.ACCEPTED, UNSURE)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(waiting_from=None))

    assert resume(database) == (Done.DONE, State.SUBMITTING)


def test_resume_clears_what_poison_had_counted(database: Database) -> None:
    in_state(database, State.ACCEPTED)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(claims=4))
        leases.park_poison(connection, NOW)

    assert resume(database) == (Done.DONE, State.ACCEPTED)

    row = operation(database)
    assert (row["claims"], row["lease_token"], row["waiting_from"]) == (0, None, None)


# Resolve and cancel


@pytest.mark.parametrize("verdict", sorted(TERMINAL))
def test_resolve_ends_the_attempt_as(database: Database, verdict: State) -> None:
    waiting(database, State.POLLING, UNSURE)
    before = operation(database)

    assert resolve(database, verdict) == (Done.DONE, verdict)

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["due_at"], row["finished_at"], row["waiting_from"]) == (
        verdict,
        None,
        LATER,
        None,
    )
    assert (attempt["ended_as"], attempt["finished_at"]) == (verdict, LATER)
    [event] = [event for event in told(database) if event.terminal]
    assert event.type == f"uprid.operation.{verdict}"
    assert (event.attempt, event.data["sequence"]) == (1, before["sequence"] + 1)
    assert (event.data["state"], event.data["polls"]) == (verdict, before["polls"])
    assert event.data["provider_ref"] == "77"
    assert None not in {event.data["started_at"], event.data["finished_at"]}
    assert event.data["result"] == {"verified_by": "person"}
    assert json.loads(attempt["result"]) == {"verified_by": "person"}
    reason = event.data["reason"]
    assert reason == (attempt["reason"] and json.loads(attempt["reason"]))
    if verdict is State.SUCCEEDED:
        assert reason is None
    else:
        assert (reason["code"], reason["retryable"]) == (
            "by_person",
            verdict is not State.CANCELLED,
        )
        assert " by anna: " in reason["message"]


@pytest.mark.parametrize("state", sorted(LIVE))
def test_cancel_ends_what_is(database: Database, state: State) -> None:
    if state is WAITING:
        waiting(database, State.POLLING, UNSURE)
    else:
        in_state(database, state)

    assert act(database, resolutions.cancel) == (Done.DONE, State.CANCELLED)

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["due_at"], row["finished_at"]) == ("cancelled", None, LATER)
    assert attempt["ended_as"] == "cancelled"
    [event] = [event for event in told(database) if event.terminal]
    assert (event.type, event.data["reason"]["code"]) == (
        "uprid.operation.cancelled",
        "by_person",
    )
    # The marketplace cancels as well as an on-call engineer.
    assert event.data["reason"]["message"] == "It was called off by anna: `uprid show` says why."
    # No provider verified anything.
    assert event.data["result"] == {}


@pytest.mark.parametrize("state", sorted(DRIVEN))
def test_cancel_takes_the_lease_so_that_an_answer_on_its_way_comes_late(
    database: Database, state: State
) -> None:
    in_state(database, state)
    lane = ORDINARY if state in {State.POLLING, State.SETTLING} else URGENT
    [claimed] = claim(database, lane=lane)

    act(database, resolutions.cancel)

    row = operation(database)
    assert (row["lease_token"], row["lease_owner"], row["claims"]) == (None, None, 0)
    late = ended(claimed, State.SUCCEEDED)
    assert write(database, [late]) == set()
    with database.begin() as connection:
        assert writeback.write_late(connection, late, LATER, "late")
    assert types(database)[-2:] == ["operation.cancelled", "operation.late_answer"]
    assert [event.terminal for event in told(database)[-2:]] == [True, False]
    assert operation(database)["state"] == "cancelled"


def test_cancel_keeps_a_submit_from_being_sent(database: Database) -> None:
    in_state(database, State.ACCEPTED)
    [claimed] = claim(database)

    act(database, resolutions.cancel)

    with database.begin() as connection:
        assert not writeback.mark_submitting(connection, claimed, LEASE_ID, LATER)


def test_cancel_writes_out_the_run_of_calls_that_was_still_growing(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    with database.begin() as connection:
        stay = stayed(claimed, LATER, run=run("CREATED", 7))
        writeback.write_unchanged(connection, LEASE_ID, [stay])

    act(database, resolutions.cancel)

    assert [entry["what"] for entry in journal(database)[-3:]] == ["call", "person", "move"]
    assert journal(database)[-3]["count"] == 7
    assert operation(database)["run_note"] is None


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_database_refuses_to_end_an_attempt_a_second_time(database: Database, state: State) -> None:
    """The database decides: here the code believes that the operation is still alive."""
    in_state(database, state)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(state="polling"))

    with pytest.raises(IntegrityError):
        act(database, resolutions.cancel)

    assert [event.type for event in told(database) if event.terminal] == [
        f"uprid.operation.{state}"
    ]
    assert attempts(database)[0]["ended_as"] == state
