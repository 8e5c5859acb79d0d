"""Faults of the simulation's database raise the same errors as those of PostgreSQL."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.exc import DBAPIError

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.alone import Simulated
from tests.harnesses.simulation.database import store
from tests.support.engine.operations import accepted, operations
from uprid_client.database.postgres.connection import IDLE_IN_TRANSACTION
from uprid_client.database.postgres.sqlstates import meaning
from uprid_client.errors import DatabaseRefused, DatabaseUnavailable
from worker.store.tables import OPERATIONS


@pytest.fixture
def simulated() -> Simulated:
    """A database with two operations."""
    made = Simulated()
    made.run((0.0, lambda: accepted(made.database, "order-1", "order-2")))
    return made


def throw(error: Exception) -> None:
    raise error


def count(connection: Connection) -> None:
    """Add one to a column."""
    connection.execute(update(OPERATIONS).values(polls=OPERATIONS.c.polls + 1))


def look(connection: Connection) -> bool:
    return connection.execute(select(OPERATIONS.c.id)).first() is not None


@pytest.mark.parametrize("kind", refusals.KINDS)
def test_what_a_statement_raises_is_translated_as_the_product_does_and_leaves_nothing(
    simulated: Simulated, kind: str
) -> None:
    raised: list[Exception] = []

    def fail() -> None:
        try:
            with simulated.database.begin() as connection:
                count(connection)
                throw(refusals.of(kind))
        except Exception as error:  # noqa: BLE001 - looked at below
            raised.append(error)

    polls: list[int] = []
    simulated.run(
        (0.0, fail), (1.0, lambda: polls.extend(row["polls"] for row in _rows(simulated)))
    )  # fmt: skip

    is_outage = meaning(kind) is not None or kind == "OperationalError"
    assert isinstance(raised[0], DatabaseUnavailable) is is_outage
    assert is_outage or refusals.is_drawn(raised[0])
    assert polls == [0, 0]


def test_transaction_in_which_a_statement_failed_takes_no_other(simulated: Simulated) -> None:
    simulated.owner.fails_after = 0

    def go_on() -> None:
        with simulated.database.begin() as connection:
            with suppress(Exception):
                look(connection)
            look(connection)

    with pytest.raises(DBAPIError, match="InFailedSqlTransaction"):
        simulated.run((0.0, go_on))


def test_server_that_takes_no_writes_lets_itself_be_read(simulated: Simulated) -> None:
    looked: list[bool] = []

    def write() -> None:
        simulated.sickness.close_to_writes(50)
        with simulated.database.begin() as connection:
            looked.append(look(connection))
            count(connection)

    with pytest.raises(DatabaseRefused, match="25006"):
        simulated.run((0.0, write))

    assert looked == [True]


def test_statement_of_a_server_that_stands_still_is_answered_when_it_goes_on(
    simulated: Simulated,
) -> None:
    kernel, lasted = simulated.kernel, list[float]()

    def write() -> None:
        began = kernel.seconds
        simulated.sickness.stand_still(7)
        with simulated.database.begin() as connection:
            count(connection)
        lasted.append(kernel.seconds - began)

    simulated.run((0.0, write))

    assert lasted == [7.0]


def test_server_that_goes_away_takes_what_was_open_with_it(simulated: Simulated) -> None:
    def write() -> None:
        with simulated.database.begin() as connection:
            count(connection)
            simulated.pause(2.0)
            look(connection)

    polls: list[int] = []
    with pytest.raises(DatabaseUnavailable, match="57P01"):
        simulated.run(
            (0.0, write),
            (1.0, lambda: simulated.sickness.go_away(5.0)),
            (9.0, lambda: polls.extend(row["polls"] for row in _rows(simulated))),
        )

    assert polls == [0, 0]


def test_two_that_wait_for_each_other_are_told_so(simulated: Simulated) -> None:
    def lock(first: str, then: str) -> Callable[[], None]:
        def work() -> None:
            with simulated.database.begin() as connection:
                for reference in (first, then):
                    wanted = select(OPERATIONS.c.id).where(OPERATIONS.c.reference == reference)
                    connection.execute(wanted.with_for_update())
                    simulated.pause(1.0)

        return work

    with pytest.raises(DatabaseUnavailable, match="DeadlockDetected"):
        simulated.run((0.0, lock("order-1", "order-2")), (0.5, lock("order-2", "order-1")))


def test_server_ends_who_stands_still_within_a_transaction_before_somebody_who_waits(
    simulated: Simulated,
) -> None:
    kernel, at = simulated.kernel, list[float]()

    def stand_still() -> None:
        with simulated.database.begin() as connection:
            count(connection)

    def wait() -> None:
        with simulated.database.begin() as connection:
            count(connection)
        at.append(kernel.seconds)

    simulated.owner.slow = "stand_still"
    began = kernel.seconds

    with pytest.raises(DatabaseUnavailable, match="IdleInTransactionSessionTimeout"):
        simulated.run((0.0, stand_still), (1.0, wait))

    # It stands still for 20 virtual seconds; the test itself does not wait.
    assert at == [pytest.approx(began + IDLE_IN_TRANSACTION, abs=0.1)]


def test_commits_that_a_replica_lacks_are_gone(simulated: Simulated) -> None:
    polls: list[int] = []

    def write() -> None:
        with simulated.database.begin() as connection:
            count(connection)

    def fail_over() -> None:
        kept = store().copy()
        write()
        store().put_back(kept)
        polls.extend(row["polls"] for row in _rows(simulated))

    simulated.run((0.0, write), (1.0, fail_over))

    assert polls == [1, 1]


def _rows(simulated: Simulated) -> list[RowMapping]:
    return operations(simulated.database)
