"""The incarnation: good for work as long as its heart beats."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import InternalError, PendingRollbackError

from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import accepted, claim, operation
from tests.support.processes.child import wait_until
from uprid_client.errors import DatabaseUnavailable
from worker.engine.halt import Halt
from worker.engine.incarnation import Incarnation
from worker.store import leases
from worker.store.tables import INCARNATIONS

_AN_HOUR = timedelta(hours=1)


class Failing(TravellingDatabase):
    """A database that may be away, or slow to confirm."""

    away = False
    slow = 0.0
    error: Exception = DatabaseUnavailable()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction, unless the database is away."""
        if self.away:
            raise self.error
        with super().begin() as connection:
            yield connection
        threading.Event().wait(self.slow)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Failing]:
    opened = Failing(migrated_url)
    yield opened
    opened.dispose()


def make(database: Failing, silence: float = 60) -> Incarnation:
    return Incarnation(
        database,
        "poller",
        every=timedelta(seconds=0.01),
        silence=timedelta(seconds=silence),
    )


@pytest.fixture
def incarnation(database: Failing) -> Incarnation:
    return make(database)


def beats(database: Failing) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(INCARNATIONS.c.id)).scalars())


def test_incarnation_may_not_work_before_it_was_heard(incarnation: Incarnation) -> None:
    assert incarnation.halted(time.monotonic()) is Halt.LEASE_DOUBTED

    incarnation.beat()

    assert incarnation.halted(time.monotonic()) is None


def test_incarnation_beats_by_itself_until_it_leaves(
    incarnation: Incarnation, database: Failing
) -> None:
    incarnation.start()
    with database.read() as connection:
        first = connection.execute(select(INCARNATIONS.c.beat_at)).scalar_one()

    def later() -> bool:
        with database.read() as connection:
            return bool(connection.execute(select(INCARNATIONS.c.beat_at)).scalar_one() > first)

    wait_until(later, 10, "another beat")
    incarnation.leave()
    assert beats(database) == []


def test_incarnation_doubts_its_leases_when_it_could_not_beat_for_too_long(
    database: Failing,
) -> None:
    incarnation = make(database, silence=3)
    incarnation.beat()
    assert incarnation.halted(time.monotonic()) is None
    database.away = True
    incarnation.beat()

    wait_until(lambda: incarnation.halted(time.monotonic()) is Halt.LEASE_DOUBTED, 15, "doubt")

    database.away = False
    incarnation.beat()
    assert incarnation.halted(time.monotonic()) is None


def test_incarnation_counts_from_before_a_beat_was_written_as_the_others_do(
    database: Failing,
) -> None:
    incarnation = make(database, silence=0.1)
    database.slow = 0.2

    incarnation.beat()

    assert incarnation.halted(time.monotonic()) is Halt.LEASE_DOUBTED


def test_incarnation_asks_nothing_more_for_what_others_took_from_it_while_it_stood_still(
    incarnation: Incarnation, database: Failing
) -> None:
    """Its heart may beat again before a chunk that was claimed before looks whether it does."""
    incarnation.beat()
    taken_at = time.monotonic()
    assert incarnation.halted(taken_at) is None
    with database.begin() as connection:
        leases.free_silent(connection, database.now() + _AN_HOUR, silence=timedelta(seconds=60))

    incarnation.beat()

    assert incarnation.halted(taken_at) is Halt.LEASE_DOUBTED
    assert incarnation.halted(time.monotonic()) is None
    incarnation.beat()
    assert incarnation.halted(taken_at) is Halt.LEASE_DOUBTED


def test_incarnation_asks_nothing_more_when_it_is_stopping(incarnation: Incarnation) -> None:
    incarnation.beat()

    incarnation.stop()

    assert incarnation.halted(time.monotonic()) is Halt.STOPPING


def test_incarnation_beats_on_while_it_is_stopping(
    incarnation: Incarnation, database: Failing
) -> None:
    """What it still works on stays its own until it leaves."""
    incarnation.start()
    incarnation.stop()

    with database.begin() as connection:
        connection.execute(delete(INCARNATIONS))

    wait_until(lambda: beats(database) == [incarnation.id], 10, "its row again")
    incarnation.leave()


def test_incarnation_frees_what_it_holds_when_it_leaves(
    incarnation: Incarnation, database: Failing
) -> None:
    incarnation.start()
    accepted(database, "order-1", now=database.now())
    claim(database, owner=incarnation.id, now=database.now())

    incarnation.leave()

    assert operation(database)["lease_token"] is None


def test_incarnation_leaves_although_the_database_is_away(
    incarnation: Incarnation, database: Failing
) -> None:
    incarnation.start()
    database.away = True

    incarnation.leave()

    assert incarnation.halted(time.monotonic()) is Halt.STOPPING


def test_incarnation_frees_what_it_let_go_with_the_next_beat(
    incarnation: Incarnation, database: Failing
) -> None:
    accepted(database, "order-1", now=database.now())
    incarnation.hold("let go", 60)
    claim(database, owner=incarnation.id, lease_id="let go", now=database.now())
    incarnation.beat()
    assert operation(database)["lease_token"] == "let go"
    database.away = True
    incarnation.release("let go", suspected=False)
    incarnation.beat()
    assert operation(database)["lease_token"] == "let go"

    database.away = False
    incarnation.beat()

    row = operation(database)
    assert (row["lease_token"], row["claims"]) == (None, 0)


def test_incarnation_frees_a_claim_whose_commit_is_seen_only_after_the_next_beat(
    incarnation: Incarnation, database: Failing
) -> None:
    """The connection broke at the commit, and the server made it all the same, later."""
    accepted(database, "order-1", now=database.now())
    incarnation.hold("late", 60)
    incarnation.release("late", suspected=False)
    incarnation.beat()
    incarnation.beat()
    claim(database, owner=incarnation.id, lease_id="late", now=database.now())

    incarnation.beat()

    assert operation(database)["lease_token"] is None


def test_incarnation_frees_what_hangs_and_asks_nothing_more_for_it(
    incarnation: Incarnation, database: Failing
) -> None:
    incarnation.beat()
    accepted(database, "order-1", now=database.now())
    incarnation.hold("hangs", 0.1)
    claim(database, owner=incarnation.id, lease_id="hangs", now=database.now())
    assert incarnation.halted(time.monotonic(), "hangs") is None

    def freed() -> bool:
        incarnation.beat()
        return operation(database)["lease_token"] is None

    wait_until(freed, 10, "a lease that is given up")

    # It counts: what hangs again and again ends up before a person.
    assert operation(database)["claims"] == 1
    assert incarnation.halted(time.monotonic(), "hangs") is Halt.LEASE_DOUBTED
    assert incarnation.halted(time.monotonic(), "another") is Halt.LEASE_DOUBTED


def test_incarnation_leaves_alone_what_others_own(
    incarnation: Incarnation, database: Failing
) -> None:
    accepted(database, "order-1", now=database.now())
    claim(database, owner="another", lease_id="theirs", now=database.now())

    incarnation.beat()

    assert operation(database)["lease_token"] == "theirs"


@pytest.mark.parametrize(
    "error",
    [DatabaseUnavailable(), InternalError("", {}, Exception()), PendingRollbackError("")],
    ids=lambda error: type(error).__name__,
)
def test_incarnation_outlives_whatever_its_database_raises(
    incarnation: Incarnation, database: Failing, error: Exception
) -> None:
    incarnation.beat()
    database.away = True
    database.error = error

    incarnation.beat()
    incarnation.leave()

    assert not incarnation.may_call_silent(database.now())


def test_incarnation_judges_others_only_when_it_was_heard_long_enough(database: Failing) -> None:
    """After an outage every process looks silent, the first one to check included."""
    incarnation = make(database, silence=3)
    assert not incarnation.may_call_silent(database.now())
    incarnation.beat()
    assert not incarnation.may_call_silent(database.now())

    def heard() -> bool:
        incarnation.beat()
        return incarnation.may_call_silent(database.now())

    wait_until(heard, 20, "its turn to judge")

    database.away = True
    incarnation.beat()
    assert not incarnation.may_call_silent(database.now())
    database.away = False
    incarnation.beat()
    assert not incarnation.may_call_silent(database.now())


def test_incarnation_does_not_judge_right_after_it_slept(database: Failing) -> None:
    incarnation = make(database, silence=0.1)
    incarnation.beat()
    threading.Event().wait(0.2)

    incarnation.beat()

    assert not incarnation.may_call_silent(database.now())


def test_pause_ends_early_when_the_process_leaves(incarnation: Incarnation) -> None:
    incarnation.start()
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: incarnation.pause(60))
    waiting.start()

    incarnation.leave()
    waiting.join(30)

    assert time.monotonic() - began < 30
