"""The sweep: what fell through is found, by one process at a time."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from tests.support.engine.operations import accepted, operation, types
from tests.support.engine.process import Process, process
from tests.support.providers.scripted import ScriptedPlugin
from tests.support.servers.fresh import valkey_server
from tests.support.servers.frozen import frozen
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import Finished
from worker.engine.calls import Call
from worker.engine.sweep import Sweep, Timing
from worker.store.retention import Retention
from worker.store.tables import OPERATIONS
from worker.stream.relay import Relay
from worker.stream.stream import Stream

RETENTION = Retention(timedelta(days=30), timedelta(days=180), timedelta(days=14))
TIMING = Timing(
    every=timedelta(seconds=20),
    silence=timedelta(seconds=6),
    slot=timedelta(seconds=1),
    retention=RETENTION,
)


class Teller:
    """A relay that counts what it is asked for."""

    def __init__(self) -> None:
        self.verified = 0
        self.trimmed = 0

    def verify_soon(self) -> None:
        self.verified += 1

    def trim_soon(self) -> None:
        self.trimmed += 1


class Ear:
    """An incarnation that has beaten long enough, or has not."""

    def __init__(self) -> None:
        self.heard = True

    def may_call_silent(self, now: datetime) -> bool:
        del now
        return self.heard


@pytest.fixture
def poller(migrated_url: str) -> Iterator[Process]:
    plugin = ScriptedPlugin()
    plugin.answers(Call.SUBMIT, Finished(State.SUCCEEDED, "result"))
    with process(migrated_url, plugin) as made:
        yield made


@pytest.fixture
def teller() -> Teller:
    return Teller()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def sweep(poller: Process, teller: Teller, ear: Ear) -> Sweep:
    providers = frozenset({Provider.MONETA})
    return Sweep(poller.database, providers, poller.wakeups, teller, ear, TIMING)


def forget(poller: Process) -> None:
    """Store an operation that no poller was woken for."""
    accepted(poller.database, "order-1", now=poller.database.now())


def test_sweep_wakes_a_provider_that_was_forgotten(poller: Process, sweep: Sweep) -> None:
    forget(poller)
    poller.database.travel(3.1)

    sweep.run()
    poller.run(1)

    assert operation(poller.database)["state"] == "succeeded"


def test_sweep_gives_messages_three_slots_to_come(poller: Process, sweep: Sweep) -> None:
    forget(poller)
    poller.database.travel(1)

    sweep.run()

    assert poller.broker.waiting == []


def test_sweep_believes_no_marker(poller: Process, sweep: Sweep) -> None:
    poller.enqueue("order-1")
    poller.broker.take()  # lost; its marker stands
    poller.database.travel(4)

    sweep.run()

    assert len(poller.broker.waiting) == 1


def test_sweep_adds_nothing_to_messages_that_no_poller_takes(poller: Process, sweep: Sweep) -> None:
    poller.enqueue("order-1")
    for _ in range(50):
        poller.database.travel(20)
        sweep.run()

    assert len(poller.broker.waiting) == 2


def test_sweep_frees_what_silent_workers_held(poller: Process, sweep: Sweep) -> None:
    forget(poller)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="t", lease_owner="gone"))

    sweep.run()

    assert operation(poller.database)["lease_token"] is None


def test_sweep_calls_nobody_silent_when_it_has_not_been_heard_itself(
    poller: Process, sweep: Sweep, ear: Ear
) -> None:
    ear.heard = False
    forget(poller)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="t", lease_owner="gone"))

    sweep.run()

    assert operation(poller.database)["lease_token"] == "t"


def test_sweep_parks_what_its_workers_died_of(poller: Process, sweep: Sweep) -> None:
    forget(poller)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="t", lease_owner="gone", claims=4))

    sweep.run()

    assert types(poller.database)[-1] == "operation.waiting_for_person"


def test_sweep_runs_once_in_its_time_whoever_calls(
    poller: Process, sweep: Sweep, teller: Teller, ear: Ear
) -> None:
    providers = frozenset({Provider.MONETA})
    other = Sweep(poller.database, providers, poller.wakeups, teller, ear, TIMING)

    sweep.run()
    other.run()
    sweep.run()
    assert teller.verified == 1

    poller.database.travel(20)
    other.run()
    assert teller.verified == 2


def test_sweep_keeps_house_once_an_hour(poller: Process, sweep: Sweep, teller: Teller) -> None:
    for _ in range(10):
        sweep.run()
        poller.database.travel(20)
    assert teller.trimmed == 1

    poller.database.travel(3600)
    sweep.run()
    assert teller.trimmed == 2


def test_frozen_events_server_holds_up_neither_leases_nor_purge_nor_wakes(
    poller: Process, ear: Ear
) -> None:
    """It answers nothing: what waits for it ends in `BrokerUnavailable`, seconds later."""
    forget(poller)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="t", lease_owner="gone"))
    with valkey_server() as server:
        stream = Stream(server.url, "uprid:events")
        relay = Relay(poller.database, stream, keep=RETENTION.events, holder="relay")
        sweep = Sweep(
            poller.database, frozenset({Provider.MONETA}), poller.wakeups, relay, ear, TIMING
        )
        poller.database.travel(4)
        with frozen(server.pid):
            sweep.run()

            assert operation(poller.database)["lease_token"] is None
            assert len(poller.broker.waiting) == 1
        assert relay.run() == 1
        stream.close()


def test_broker_that_does_not_answer_holds_up_no_lease(
    poller: Process, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = threading.Event(), threading.Event()

    def unread(_: Provider) -> int:
        asked.set()
        answers.wait(60)
        return 0

    monkeypatch.setattr(poller.broker, "unread", unread)
    forget(poller)
    poller.database.travel(4)
    rousing = threading.Thread(target=sweep.rouse)
    rousing.start()
    try:
        assert asked.wait(30)
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="t", lease_owner="gone"))
        sweep.tidy()
        assert operation(poller.database)["lease_token"] is None
    finally:
        answers.set()
        rousing.join()


def test_purge_says_how_much_of_what_it_erased(sweep: Sweep) -> None:
    assert sweep.purge() == {
        "payloads": 0,
        "journal": 0,
        "events": 0,
        "refusals": 0,
        "inputs": 0,
        "notices": 0,
        "invoices": 0,
    }
