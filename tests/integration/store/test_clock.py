"""The database's time: measured on a connection in hand, and on no second one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from tests.support.processes.child import wait_until
from worker.store.database import Database


@pytest.fixture
def alone(migrated_url: str) -> Iterator[Database]:
    """A database with a single connection."""
    opened = Database(migrated_url, connections=1)
    yield opened
    opened.dispose()


def test_time_is_asked_for_on_no_second_connection_within_a_transaction(alone: Database) -> None:
    taken: list[object] = []
    event.listen(alone.engine, "checkout", lambda raw, *_: taken.append(raw))
    with alone.begin():
        alone._clock.expire()

        alone.now()

    assert len(taken) == 1


def test_transaction_that_begins_measures_what_is_due(alone: Database) -> None:
    alone.now()
    alone._clock.expire()

    with alone.read():
        pass

    assert not alone._clock.is_due()


def test_waiting_for_a_connection_is_no_part_of_the_measurement(alone: Database) -> None:
    """The server's clock is this host's, so that what is wrong can be seen."""
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with alone.engine.connect():
            held.set()
            enough.wait(60)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(30)
    asking = threading.Thread(target=alone.now)
    asking.start()
    wait_until(asking.is_alive, 10, "somebody who waits")
    threading.Event().wait(3)

    enough.set()
    asking.join(30)
    holding.join(30)

    before = datetime.now(UTC)
    told = alone.now()
    assert before - timedelta(seconds=1) < told < datetime.now(UTC) + timedelta(seconds=1)
