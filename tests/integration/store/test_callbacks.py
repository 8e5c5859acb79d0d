"""Callbacks: a hint hastens a poll, and decides nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    claim,
    in_state,
    journal,
    operation,
    polling,
    run,
    stayed,
    told,
    waiting,
)
from uprid_client.contract.states import State
from worker.store import overview, writeback
from worker.store.callbacks import hasten
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.tables import OPERATIONS

REF = "77"
FAR = NOW + timedelta(minutes=5)
SOON = NOW + timedelta(seconds=1)


def hint(database: Database, ref: str = REF, now: datetime = NOW) -> datetime | None:
    with database.begin() as connection:
        return hasten(connection, "moneta", ref, now)


def unknown(database: Database) -> int:
    with database.read() as connection:
        row = overview.providers(connection).get("moneta")
    return 0 if row is None else row.unknown_callbacks


def waiting_for_its_poll(database: Database, *, polled_at: datetime | None = None) -> None:
    """Have `order-1` wait for a poll that is far away."""
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    with database.begin() as connection:
        last = run(at=polled_at or NOW - timedelta(minutes=1))
        writeback.write_unchanged(connection, LEASE_ID, [stayed(claimed, FAR, run=last)])


def test_hint_makes_the_poll_due_and_changes_nothing_else(database: Database) -> None:
    waiting_for_its_poll(database)
    before = dict(operation(database)), told(database), journal(database)

    assert hint(database) == NOW

    row = dict(operation(database))
    assert row.pop("due_at") == NOW
    before[0].pop("due_at")
    assert (row, told(database), journal(database)) == before
    assert unknown(database) == 0


def test_hint_counts_when_the_attempt_was_never_polled(database: Database) -> None:
    polling(database, "order-1")
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(due_at=FAR))

    assert hint(database) == NOW
    assert operation(database)["due_at"] == NOW


def test_hint_right_after_a_poll_is_kept_for_a_moment_later(database: Database) -> None:
    """The provider may have finished just after it was asked: the hint must not be lost."""
    waiting_for_its_poll(database, polled_at=NOW)

    assert hint(database, now=NOW + timedelta(milliseconds=300)) == SOON

    assert operation(database)["due_at"] == SOON


def test_hints_that_are_repeated_bring_one_poll_a_second_at_most(database: Database) -> None:
    waiting_for_its_poll(database)

    polls = 0
    for tenth in range(50):
        now = NOW + timedelta(milliseconds=100 * tenth)
        hint(database, now=now)
        for claimed in claim(database, lane=ORDINARY, now=now):
            polls += 1
            with database.begin() as connection:
                stay = stayed(claimed, FAR, run=run(at=now))
                writeback.write_unchanged(connection, LEASE_ID, [stay])

    assert 1 <= polls <= 5


def test_hint_postpones_nothing(database: Database) -> None:
    polling(database, "order-1")
    earlier = NOW - timedelta(seconds=5)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(due_at=earlier))

    hint(database)

    assert operation(database)["due_at"] == earlier


def test_hint_leaves_an_operation_that_is_being_polled_to_its_worker(database: Database) -> None:
    waiting_for_its_poll(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="held"))

    hint(database)

    assert operation(database)["due_at"] == FAR


@pytest.mark.parametrize("state", sorted(set(State) - {State.POLLING, State.WAITING_FOR_PERSON}))
def test_hint_changes_nothing_of_an_operation_that_is(database: Database, state: State) -> None:
    in_state(database, state)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(provider_ref=REF, due_at=FAR))
    before = operation(database), told(database), journal(database)

    assert hint(database) is not None

    assert (operation(database), told(database), journal(database)) == before


def test_hint_wakes_nobody_who_waits_for_a_person(database: Database) -> None:
    waiting(database, State.POLLING)
    before = operation(database)

    hint(database)

    assert operation(database) == before


def test_hint_with_an_unknown_id_is_counted(database: Database) -> None:
    waiting_for_its_poll(database)
    before = operation(database)

    assert [hint(database, "78") for _ in range(3)] == [None] * 3

    assert unknown(database) == 3
    assert operation(database) == before


def test_hint_of_another_provider_is_unknown(database: Database) -> None:
    waiting_for_its_poll(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(provider="another"))

    assert hint(database) is None


def test_hint_that_comes_during_a_poll_has_another_follow_it(database: Database) -> None:
    """The answer on its way may be from before the hint."""
    waiting_for_its_poll(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)

    assert hint(database, now=FAR) == FAR
    assert operation(database)["wanted_at"] == FAR

    with database.begin() as connection:
        stay = stayed(claimed, FAR + timedelta(hours=1))
        assert writeback.write_unchanged(connection, LEASE_ID, [stay]) == {claimed.id: True}
    assert operation(database)["due_at"] == FAR


def test_hint_that_comes_later_postpones_no_other_wish(database: Database) -> None:
    waiting_for_its_poll(database)
    claim(database, lane=ORDINARY, now=FAR)

    hint(database, now=FAR)
    hint(database, now=FAR + timedelta(seconds=30))

    assert operation(database)["wanted_at"] == FAR
