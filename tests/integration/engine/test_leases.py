"""Leases, messages and a database that goes away: nothing is lost, nothing is doubled."""

import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import operation, operations, told, types
from tests.support.engine.process import Process, another, many, process, states
from tests.support.engine.schema import bring_to_newest
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from tests.support.servers.fresh import postgres_server
from uprid_client.contract.states import State
from uprid_client.errors import DatabaseUnavailable
from uprid_client.names import Provider
from worker.domain.outcomes import Finished, Outcome, Pending
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store.tables import OPERATIONS

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})


def test_answer_is_told_as_late_when_the_lease_was_lost_in_the_middle(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def lose(_: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        return SUCCEEDED

    plugin.answers(Call.POLL, lose)
    poller.run(5)

    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.late_answer",
    ]
    assert [event.data["sequence"] for event in told(poller.database)] == [1, 2, 3]
    assert operation(poller.database)["state"] == "polling"
    assert operation(poller.database)["lease_token"] == "another"


def test_claim_that_was_never_confirmed_is_given_back_with_the_next_beat(
    poller: Process, plugin: ScriptedPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    poller.enqueue("order-1")
    begin = poller.database.begin

    @contextmanager
    def unconfirmed() -> Iterator[Connection]:
        with begin() as connection:
            yield connection
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(poller.database, "begin", unconfirmed)
        with pytest.raises(DatabaseUnavailable):
            poller.work()
    assert operation(poller.database)["lease_token"] is not None

    poller.incarnation.beat()

    assert operation(poller.database)["lease_token"] is None
    assert operation(poller.database)["claims"] == 0
    poller.work()
    assert plugin.asked(Call.SUBMIT) == 1


def test_unchanged_answer_is_dropped_when_the_lease_was_lost(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def lose(_: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        return Pending("not yet")

    plugin.answers(Call.POLL, lose)
    poller.run(5)

    assert types(poller.database) == ["operation.accepted", "operation.started"]


def test_stop_in_the_middle_gives_the_rest_back(poller: Process, plugin: ScriptedPlugin) -> None:
    def stop(_: Work) -> Outcome:
        poller.incarnation.stop()
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, stop)
    poller.enqueue(*many(50))

    worked = poller.work()

    assert worked == plugin.asked(Call.SUBMIT) <= LIMITS.threads
    assert states(poller).count("succeeded") == worked
    left = [row for row in operations(poller.database) if row["state"] == "accepted"]
    assert len(left) == 50 - worked
    assert {(row["lease_token"], row["claims"]) for row in left} == {(None, 0)}
    assert poller.work() == 0


def test_another_process_goes_on_when_one_has_stopped(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, SUCCEEDED)
    poller.enqueue(*many(10))
    poller.incarnation.stop()
    assert poller.work() == 0

    with another(poller) as second:
        assert second.work() == 10


def test_processes_share_the_work_and_double_none_of_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.limits = replace(LIMITS, chunk=7)
    plugin.answers(Call.SUBMIT, SUCCEEDED)
    with another(poller) as second:
        poller.enqueue(*many(100))
        poller.database.travel(1)
        both = [threading.Thread(target=lambda one=one: drain(one)) for one in (poller, second)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()

    assert plugin.asked(Call.SUBMIT) == 100
    assert set(states(poller)) == {"succeeded"}
    assert types(poller.database).count("operation.succeeded") == 100


def drain(poller: Process) -> None:
    while poller.work():
        pass


def test_engine_turns_away_a_third_chunk_and_calls_again_for_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    released = threading.Event()
    inside = threading.Semaphore(0)

    def slow(_: Work) -> Outcome:
        inside.release()
        assert released.wait(20)
        return SUCCEEDED

    plugin.limits = replace(LIMITS, chunk=1)
    plugin.answers(Call.SUBMIT, slow)
    poller.enqueue("order-1", "order-2", "order-3")
    poller.broker.flush()
    working = [threading.Thread(target=poller.work) for _ in range(2)]
    for thread in working:
        thread.start()
    try:
        assert inside.acquire(timeout=20)
        assert inside.acquire(timeout=20)
        assert poller.work() == 0
        assert plugin.asked(Call.SUBMIT) == 2
        poller.broker.flush()
    finally:
        released.set()
        for thread in working:
            thread.join()

    assert len(poller.broker.waiting) >= 1
    assert poller.work() == 1


def test_message_that_comes_early_goes_back_with_what_remains(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.broker.flush()
    slot = poller.database.now() + timedelta(seconds=30)

    assert poller.work(slot) == 0

    [message] = poller.broker.waiting
    assert message.slot == slot
    assert abs((message.deliver_at - slot).total_seconds()) < 2
    assert plugin.calls == []


def test_message_that_comes_a_moment_early_leaves_nothing_of_its_slot_behind(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    slot = poller.database.now() + timedelta(seconds=0.04)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(due_at=slot))

    assert poller.work(slot) == 1


def test_message_for_a_provider_that_is_off_does_nothing(poller: Process) -> None:
    engine = poller.engine
    engine._plugins = {}

    assert poller.work() == 0


def test_work_goes_on_when_wakes_were_lost_and_somebody_looks(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, SUCCEEDED)
    poller.broker.away = True
    poller.enqueue("order-1")
    poller.run(10)
    assert plugin.calls == []

    poller.broker.away = False
    poller.wakeups.now(Provider.MONETA)  # as the sweep does
    poller.run(10)

    assert states(poller) == ["succeeded"]


def test_engine_rings_the_relay_when_there_is_something_to_tell(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, Pending("not yet"))
    poller.enqueue("order-1")
    poller.work()
    assert poller.bell.rung == 1

    poller.database.travel(10)
    poller.work()

    assert (plugin.asked(Call.POLL), poller.bell.rung) == (1, 1)


class Forgetful(TravellingDatabase):
    """A database that commits and then does not say so, as often as a test asks for it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.unconfirmed = 0
        #: Transactions before those that still say so.
        self.confirmed = 0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction; it may fail although it is committed."""
        with super().begin() as connection:
            yield connection
        if self.confirmed:
            self.confirmed -= 1
        elif self.unconfirmed:
            self.unconfirmed -= 1
            raise DatabaseUnavailable


class Unsure(Process):
    """A process whose database is a forgetful one."""

    database: Forgetful


@pytest.fixture
def unsure(migrated_url: str, plugin: ScriptedPlugin) -> Iterator[Unsure]:
    """A process with one operation that is polled."""
    database = Forgetful(migrated_url)
    made = Unsure(database, plugin, MemoryBroker(database))
    made.enqueue("order-1")
    made.run(1.5)
    yield made
    made.close()
    database.dispose()


def test_answers_are_told_once_when_their_commit_was_never_confirmed(
    unsure: Unsure, plugin: ScriptedPlugin
) -> None:
    def line(_: Work) -> Outcome:
        unsure.database.unconfirmed = 1
        return SUCCEEDED

    plugin.answers(Call.POLL, line)
    unsure.run(5)

    assert types(unsure.database) == [
        "operation.accepted",
        "operation.started",
        "operation.succeeded",
    ]


def test_late_answer_is_told_once_when_its_commit_was_never_confirmed(
    unsure: Unsure, plugin: ScriptedPlugin
) -> None:
    def lose(_: Work) -> Outcome:
        with unsure.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        # The write-back, which finds nothing of its own; then the late answer.
        unsure.database.confirmed, unsure.database.unconfirmed = 1, 1
        return SUCCEEDED

    plugin.answers(Call.POLL, lose)
    unsure.run(5)

    assert unsure.database.unconfirmed == 0
    assert types(unsure.database) == [
        "operation.accepted",
        "operation.started",
        "operation.late_answer",
    ]


@pytest.fixture
def dropped_connections() -> Iterator[None]:
    """The driver warns of connections that SQLAlchemy drops when their server has gone away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.postgres
@pytest.mark.usefixtures("dropped_connections")
def test_answers_are_not_lost_when_the_database_goes_away_before_they_are_written() -> None:
    plugin = ScriptedPlugin()
    with postgres_server() as server:
        url = server.create_database(bring_to_newest)
        with process(url, plugin) as poller:
            poller.enqueue(*many(5))
            poller.run(1.5)
            assert set(states(poller)) == {"polling"}
            gone = threading.Barrier(LIMITS.threads, action=server.stop, timeout=60)
            back = threading.Timer(1.5, server.start)
            first = threading.local()

            def line(_: Work) -> Outcome:
                if not hasattr(first, "been"):
                    first.been = True
                    if gone.wait() == 0:
                        back.start()
                return SUCCEEDED

            plugin.answers(Call.POLL, line)
            poller.database.travel(10)

            assert poller.work() == 5
            # The answers may be written before `start` has noticed that the server is back: it must
            # not be ended under its hands.
            back.join()
            assert set(states(poller)) == {"succeeded"}
            assert types(poller.database).count("operation.succeeded") == 5
            assert "operation.late_answer" not in types(poller.database)
