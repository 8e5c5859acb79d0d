"""Notifications: kept, matched by id and person, never lost between two transactions."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import RowMapping, select

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    accept,
    attempts,
    claim,
    ended,
    forgets,
    journal,
    moved,
    operation,
    start,
    stayed,
    told,
    types,
    write,
)
from uprid_client.contract.events import EventType
from uprid_client.contract.states import TERMINAL, State
from worker.store import notifications, resolutions, retries, writeback
from worker.store.actions import Action
from worker.store.changes import Transition
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.notifications import Notification, Received
from worker.store.tables import NOTIFICATIONS

ANNA = "a" * 64
BORIS = "b" * 64
SOON = NOW + timedelta(seconds=3)
FAR = NOW + timedelta(minutes=10)
PARKED = EventType.WAITING_FOR_PERSON


def said(
    ref: str = "77", *, subject_hash: str = ANNA, key: str | None = None, provider: str = "moneta"
) -> Notification:
    return Notification(
        provider, key or f"{ref}-{subject_hash[0]}", ref, subject_hash, f"sealed {ref}"
    )


def receive(database: Database, one: Notification, now: datetime = NOW) -> Received:
    with database.begin() as connection:
        return notifications.receive(connection, one, now)[0]


def receive_late(database: Database, one: Notification, would_be: State) -> None:
    """Receive a notification that comes too late, as the intake does."""
    with database.begin() as connection:
        heard, row = notifications.receive(connection, one, NOW)
        assert heard is Received.LATE
        assert row is not None
        notifications.write_late_event(connection, row, one, would_be, "whole", NOW)


def stored(database: Database) -> list[RowMapping]:
    with database.read() as connection:
        rows = connection.execute(
            select(NOTIFICATIONS).order_by(NOTIFICATIONS.c.at, NOTIFICATIONS.c.key)
        )
        return list(rows.mappings())


def of(database: Database, reference: str = "order-1") -> list[str]:
    """Return the sealed notifications of an operation's current attempt."""
    row = operation(database, reference)
    with database.read() as connection:
        return list(notifications.of(connection, [(row["id"], row["attempt"])]).get(row["id"], []))


def submitting(
    database: Database, reference: str = "order-1", subject_hash: str = ANNA
) -> ClaimedSnapshot:
    """Have an operation's submit be on its way; it is leased."""
    accept(database, replace(start(reference), subject_hash=subject_hash))
    [claimed] = claim(database)
    with database.begin() as connection:
        writeback.mark_submitting(connection, claimed, LEASE_ID, NOW)
    return replace(claimed, state=State.SUBMITTING)


def doubtful(database: Database, reference: str = "order-1", subject_hash: str = ANNA) -> None:
    """Have an operation's submit be without an answer; no process holds it."""
    claimed = submitting(database, reference, subject_hash)
    with database.begin() as connection:
        writeback.write_unchanged(connection, LEASE_ID, [stayed(claimed, FAR)])


def taken(claimed: ClaimedSnapshot, ref: str = "77") -> Transition:
    """Return what is written of a submit that was answered with an id."""
    return moved(
        claimed, State.POLLING, EventType.STARTED,
        provider_ref=ref, due_at=FAR, lane=ORDINARY, started_at=NOW, accepts_notifications=True,
    )  # fmt: skip


def listening(database: Database, reference: str = "order-1", ref: str = "77") -> None:
    """Have an operation wait for a notification, its next poll far away."""
    write(database, [taken(submitting(database, reference), ref)])


# Whose it is


def test_notification_wakes_the_attempt_with_its_id_and_person(database: Database) -> None:
    listening(database)

    assert receive(database, said(), SOON) is Received.MATCHED

    row, [notification] = operation(database), stored(database)
    assert (row["due_at"], row["notices"], row["state"]) == (SOON, 1, "polling")
    assert (notification["operation_id"], notification["attempt"]) == (row["id"], 1)
    assert (notification["sealed"], of(database)) == ("sealed 77", ["sealed 77"])
    assert journal(database)[-1]["note"] == "notification received"
    assert types(database) == ["operation.accepted", "operation.started"]
    [claimed] = claim(database, lane=ORDINARY, now=SOON)
    assert claimed.notifications == 1


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(said(subject_hash=BORIS), id="another person"),
        pytest.param(said("78"), id="an unknown id"),
        pytest.param(said(provider="npd"), id="another provider"),
    ],
)
def test_notification_that_names_nobody_is_kept_and_changes_nothing(
    database: Database, foreign: Notification
) -> None:
    listening(database)
    before = operation(database), journal(database), told(database)

    assert receive(database, foreign) is Received.UNMATCHED

    assert (operation(database), journal(database), told(database)) == before
    assert [row["operation_id"] for row in stored(database)] == [None]


def test_notification_that_comes_again_has_no_effect(database: Database) -> None:
    listening(database)
    receive(database, said(), NOW)
    before = operation(database), journal(database), stored(database)

    assert receive(database, said(), SOON) is Received.REPEATED

    assert (operation(database), journal(database), stored(database)) == before


def test_notification_of_two_operations_with_one_id_is_nobodys(database: Database) -> None:
    listening(database, "order-1")
    listening(database, "order-2")

    assert receive(database, said()) is Received.UNMATCHED


def test_notification_names_the_newest_of_two_attempts_that_share_an_id(
    database: Database,
) -> None:
    """A provider may answer a second start with the id of what it began before."""
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED)])
    retry(database)
    [claimed] = claim(database)
    write(database, [taken(claimed)])

    assert receive(database, said()) is Received.MATCHED

    assert [row["attempt"] for row in stored(database)] == [2]


@pytest.mark.parametrize("by", ["a verdict", "a next attempt"])
def test_notification_of_a_doubtful_submit_that_a_person_gave_up_is_told_and_left_free(
    database: Database, by: str
) -> None:
    doubtful(database)
    [claimed] = claim(database, now=FAR)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED)])
    if by == "a verdict":
        resolve(database)
    else:
        retry(database)

    receive_late(database, said(), State.SUCCEEDED)

    event = told(database)[-1]
    assert event.type == "uprid.operation.late_answer"
    assert (event.data["attempt"], event.data["state"]) == (1, "succeeded")
    assert [row["operation_id"] for row in stored(database)] == [None]
    if by == "a next attempt":
        [claimed] = claim(database)
        write(database, [taken(claimed)])
        assert of(database) == ["sealed 77"]


def test_notification_of_what_was_never_submitted_is_nobodys(database: Database) -> None:
    accept(database, replace(start("order-1"), subject_hash=ANNA))
    [claimed] = claim(database)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED)])
    resolve(database)

    assert receive(database, said()) is Received.UNMATCHED


def resolve(database: Database) -> None:
    action = Action("order-1", 1, "anna", "asked by phone")
    with database.begin() as connection:
        resolutions.resolve(connection, action, State.FAILED, NOW)


def retry(database: Database, attempt: int = 1) -> None:
    action = Action("order-1", attempt, "anna", "asked by phone")
    with database.begin() as connection:
        retries.retry(connection, action, None, FAR, forgets, NOW)


# Before, during and after the submit


def test_notification_that_came_before_its_id_was_known_is_found_with_it(
    database: Database,
) -> None:
    assert receive(database, said()) is Received.UNMATCHED
    assert receive(database, said("78")) is Received.UNMATCHED
    claimed = submitting(database)

    with database.begin() as connection:
        written = writeback.write_transitions(connection, LEASE_ID, [taken(claimed)], SOON)

    assert written == {claimed.id: True}
    row = operation(database)
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", SOON, 1)
    assert of(database) == ["sealed 77"]


def test_attempt_that_does_not_listen_looks_for_nothing(database: Database) -> None:
    receive(database, said())
    claimed = submitting(database)

    write(database, [replace(taken(claimed), accepts_notifications=False)])

    assert operation(database)["notices"] == 0


def test_notification_during_the_submit_is_that_operations(database: Database) -> None:
    claimed = submitting(database)
    assert receive(database, said(), SOON) is Received.MATCHED
    row = operation(database)
    assert (row["due_at"], row["wanted_at"], row["notices"]) == (NOW, SOON, 1)

    with database.begin() as connection:
        written = writeback.write_transitions(connection, LEASE_ID, [taken(claimed)], SOON)

    assert written == {claimed.id: True}
    row = operation(database)
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", SOON, 1)


def test_notification_during_the_submit_that_named_another_id_is_given_up(
    database: Database,
) -> None:
    claimed = submitting(database)
    assert receive(database, said("66")) is Received.MATCHED

    write(database, [taken(claimed, "77")])

    row, [notification] = operation(database), stored(database)
    assert (row["notices"], row["due_at"]) == (0, NOW)
    assert (notification["operation_id"], notification["attempt"]) == (None, None)


def test_notification_after_the_time_out_wakes_the_doubtful_operation(
    database: Database,
) -> None:
    doubtful(database)

    assert receive(database, said(), SOON) is Received.MATCHED

    row = operation(database)
    assert (row["state"], row["due_at"], row["notices"]) == ("submitting", SOON, 1)


@pytest.mark.parametrize(
    ("origin", "lane"),
    [
        pytest.param(State.SUBMITTING, URGENT, id="a doubtful submit"),
        pytest.param(State.POLLING, ORDINARY, id="a poll"),
        pytest.param(State.SETTLING, ORDINARY, id="a settlement"),
    ],
)
def test_notification_has_an_operation_that_waits_for_a_person_go_on_from(
    database: Database, origin: State, lane: int
) -> None:
    claimed = submitting(database)
    if origin is not State.SUBMITTING:
        write(database, [taken(claimed)])
        [claimed] = claim(database, lane=ORDINARY, now=FAR)
    if origin is State.SETTLING:
        write(database, [moved(claimed, origin, due_at=NOW, lane=ORDINARY)])
        [claimed] = claim(database, lane=ORDINARY)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED, lane=lane)])

    assert receive(database, said(), SOON) is Received.MATCHED

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["waiting_from"]) == (origin, None)
    assert (row["due_at"], row["lane"], row["notices"]) == (SOON, lane, 1)
    assert attempt["reason"] is None
    assert journal(database)[-1]["note"] == f"waiting_for_person → {origin}"


def test_notification_of_a_person_with_two_doubtful_operations_is_nobodys(
    database: Database,
) -> None:
    doubtful(database, "order-1")
    doubtful(database, "order-2")

    assert receive(database, said()) is Received.UNMATCHED

    assert {operation(database, f"order-{n}")["notices"] for n in (1, 2)} == {0}


def test_notification_prefers_the_operation_with_its_id_to_a_doubtful_one(
    database: Database,
) -> None:
    listening(database, "order-1")
    doubtful(database, "order-2")

    receive(database, said("77"))
    receive(database, said("78"))

    assert (of(database, "order-1"), of(database, "order-2")) == (["sealed 77"], ["sealed 78"])


def test_notification_does_not_look_at_an_attempt_that_sent_nothing_yet(
    database: Database,
) -> None:
    accept(database, replace(start(), subject_hash=ANNA))

    assert receive(database, said()) is Received.UNMATCHED


def test_resume_with_an_id_finds_the_notification_that_names_it(database: Database) -> None:
    doubtful(database, "order-1")
    doubtful(database, "order-2")
    receive(database, said())
    [claimed, _] = claim(database, now=FAR)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED)])

    with database.begin() as connection:
        action = Action(claimed.reference, 1, "anna", "asked by phone")
        resolutions.resume(connection, action, "77", forgets, SOON)

    row = operation(database, claimed.reference)
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", SOON, 1)
    assert of(database, claimed.reference) == ["sealed 77"]


# During a question


def test_notification_during_a_poll_has_the_next_one_follow_at_once(database: Database) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    receive(database, said(), FAR)

    with database.begin() as connection:
        stay = stayed(claimed, FAR + timedelta(hours=1))
        assert writeback.write_unchanged(connection, LEASE_ID, [stay]) == {claimed.id: True}

    assert operation(database)["due_at"] == FAR


@pytest.mark.parametrize("state", sorted(TERMINAL | {State.WAITING_FOR_PERSON}))
def test_end_that_knew_nothing_of_a_notification_is_not_written(
    database: Database, state: State
) -> None:
    """Or a SUCCESS would stand beside an expiry, and stay unseen."""
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    receive(database, said(), FAR)
    before = told(database)
    kind = PARKED if state is State.WAITING_FOR_PERSON else EventType.EXPIRED
    end = moved(claimed, state, kind, finished_at=FAR, yields_to_notification=True)

    with database.begin() as connection:
        assert writeback.write_transitions(connection, LEASE_ID, [end], SOON) == {claimed.id: True}

    row, [attempt] = operation(database), attempts(database)
    assert (row["state"], row["due_at"], row["lease_token"]) == ("polling", SOON, None)
    assert (row["finished_at"], row["waiting_from"], row["claims"]) == (None, None, 0)
    assert (attempt["ended_as"], attempt["finished_at"]) == (None, None)
    assert told(database) == before
    assert row["sequence"] == len(before)
    [claimed] = claim(database, lane=row["lane"], now=SOON)
    write(database, [replace(end, snapshot=claimed)])
    assert operation(database)["state"] == state


def test_end_that_the_provider_gave_to_a_submit_stands(database: Database) -> None:
    claimed = submitting(database)
    receive(database, said())

    write(database, [ended(claimed, State.REJECTED)])

    assert operation(database)["state"] == "rejected"


# Late


@pytest.mark.parametrize("state", sorted(TERMINAL - {State.SUCCEEDED}))
def test_notification_after_another_end_is_told_as_late_once(
    database: Database, state: State
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    write(database, [ended(claimed, state)])
    before = operation(database)

    receive_late(database, said(), State.SUCCEEDED)
    assert receive(database, said()) is Received.REPEATED

    event = told(database)[-1]
    assert (event.type, event.terminal, event.attempt) == (
        "uprid.operation.late_answer",
        False,
        1,
    )
    assert (event.data["state"], event.data["sealed"]) == ("succeeded", "whole")
    assert event.data["sequence"] == before["sequence"] + 1
    assert event.data["provider_ref"] == "77"
    assert types(database).count("operation.late_answer") == 1
    assert operation(database)["state"] == state
    assert operation(database)["due_at"] is None
    assert journal(database)[-1]["note"] == "notification came too late: succeeded"


def test_late_notification_that_says_the_same_anew_is_not_told_again(database: Database) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    write(database, [ended(claimed, State.EXPIRED)])

    receive_late(database, said(key="first"), State.SUCCEEDED)
    receive_late(database, said(key="second"), State.SUCCEEDED)

    assert types(database).count("operation.late_answer") == 1
    assert [entry["what"] for entry in journal(database)].count("late") == 2


def test_late_notification_that_agrees_with_the_end_is_journaled_and_not_told(
    database: Database,
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    write(database, [ended(claimed, State.EXPIRED)])

    receive_late(database, said(), State.EXPIRED)

    assert "operation.late_answer" not in types(database)
    assert journal(database)[-1]["what"] == "late"


def test_notification_for_an_earlier_attempt_is_late_and_leaves_the_current_one_alone(
    database: Database,
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, PARKED)])
    retry(database)
    [claimed] = claim(database)
    write(database, [taken(claimed, "78")])

    receive_late(database, said("77"), State.SUCCEEDED)

    row, event = operation(database), told(database)[-1]
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", FAR, 0)
    assert (event.type, event.attempt) == ("uprid.operation.late_answer", 1)
    assert of(database) == []


def test_next_attempt_with_the_same_id_takes_no_notification_from_the_one_before(
    database: Database,
) -> None:
    listening(database)
    receive(database, said(key="first"))
    [claimed] = claim(database, lane=ORDINARY)
    write(database, [ended(claimed, State.EXPIRED)])
    retry(database)
    [claimed] = claim(database)

    write(database, [taken(claimed)])

    assert (operation(database)["notices"], of(database)) == (0, [])
