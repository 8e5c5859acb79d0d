"""The doubles that tests of the engine stand on: a broker, a clock and a provider."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from config.queues import Wake
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import NOW
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.states import State
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider
from worker.domain.outcomes import Finished, Pending, Started
from worker.engine.calls import Call
from worker.engine.wakeups import Publisher
from worker.providers.protocol import Plugin, Work

MONETA = Provider.MONETA


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[TravellingDatabase]:
    made = TravellingDatabase(f"sqlite:///{tmp_path}/clock.sqlite3")
    yield made
    made.dispose()


def work(reference: str = "order-1", operation_id: str = "id") -> Work:
    return Work(
        id=operation_id, reference=reference, kind="identification", state=State.POLLING,
        attempt=1, args={}, payload={"a": 1}, provider_ref=None, progress={}, polls=0,
        consecutive_failures=0, due_at=NOW, deadline_at=None, now=NOW,
    )  # fmt: skip


# The clock


def test_travelling_clock_is_ahead_by_what_was_travelled(clock: TravellingDatabase) -> None:
    before = clock.now()

    clock.travel(3600)

    assert timedelta(hours=1) <= clock.now() - before < timedelta(hours=1, seconds=10)


def test_travelling_clock_goes_to_a_moment_and_never_back(clock: TravellingDatabase) -> None:
    clock.travel_to(clock.now() + timedelta(days=1))
    there = clock.now()

    clock.travel_to(there - timedelta(hours=5))

    assert clock.now() >= there


# The broker


@pytest.fixture
def broker(clock: TravellingDatabase) -> MemoryBroker:
    return MemoryBroker(clock)


def test_broker_is_a_publisher(broker: MemoryBroker) -> None:
    publisher: Publisher = broker

    publisher.publish(MONETA, Wake.POLL, NOW, 0)

    assert broker.published == 1


def test_broker_delivers_the_soonest_first(broker: MemoryBroker, clock: TravellingDatabase) -> None:
    for countdown in (5, 1, 3):
        broker.publish(MONETA, Wake.POLL, NOW, countdown)

    delivered = [broker.take() for _ in range(4)]

    ahead = [round((m.deliver_at - clock.now()).total_seconds()) for m in delivered if m]
    assert ahead == [1, 3, 5]
    assert delivered[3] is None


def test_broker_keeps_markers_until_their_time_is_over(
    broker: MemoryBroker, clock: TravellingDatabase
) -> None:
    broker.mark(["a"], 60)
    assert broker.marked(["a", "b"]) == {"a"}

    clock.travel(61)

    assert broker.marked(["a", "b"]) == set()


def test_broker_forgets_everything_when_it_is_flushed(broker: MemoryBroker) -> None:
    broker.publish(MONETA, Wake.POLL, NOW, 0)
    broker.mark(["a"], 60)

    broker.flush()

    assert (broker.waiting, broker.marked(["a"])) == ([], set())


def test_broker_fails_every_call_while_it_is_away(broker: MemoryBroker) -> None:
    broker.away = True

    with pytest.raises(BrokerUnavailable):
        broker.publish(MONETA, Wake.POLL, NOW, 0)
    with pytest.raises(BrokerUnavailable):
        broker.marked(["a"])
    with pytest.raises(BrokerUnavailable):
        broker.mark(["a"], 1)


# The provider


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


def test_scripted_provider_fulfils_the_protocol(plugin: ScriptedPlugin) -> None:
    fulfilled: Plugin = plugin

    assert fulfilled.name is MONETA
    assert fulfilled.check() == []
    assert fulfilled.accept("k", {"a": 1}, {"b": 2}) == fulfilled.correct("k", {"a": 1}, {"b": 2})


def test_scripted_provider_takes_submits_and_expires_unless_told_otherwise(
    plugin: ScriptedPlugin,
) -> None:
    assert plugin.submit(work()) == Started("ref-order-1-1", "taken")
    assert plugin.poll(work()) == Pending("not yet")
    settled = plugin.settle(work())
    assert isinstance(settled, Finished)
    assert settled.state is State.EXPIRED


def test_scripted_provider_answers_in_turn_for_each_operation_by_itself(
    plugin: ScriptedPlugin,
) -> None:
    plugin.answers(Call.POLL, Pending("one"), Pending("two"))

    first = [plugin.poll(work(operation_id="a")).note for _ in range(3)]
    second = plugin.poll(work(operation_id="b")).note

    assert (first, second) == (["one", "two", "two"], "one")


def test_scripted_provider_answers_by_a_function_that_may_raise(plugin: ScriptedPlugin) -> None:
    def line(_: Work) -> Pending:
        raise LookupError

    plugin.answers(Call.CLEAR_UP, line)

    with pytest.raises(LookupError):
        plugin.clear_up(work())
    assert plugin.asked(Call.CLEAR_UP) == 1


def test_scripted_provider_remembers_what_it_was_asked(plugin: ScriptedPlugin) -> None:
    plugin.submit(work("order-1"))
    plugin.poll(work("order-2"))
    plugin.poll(work("order-2"))

    assert plugin.asked(Call.POLL) == plugin.asked(Call.POLL, "order-2") == 2
    assert plugin.asked(Call.POLL, "order-1") == 0
    assert plugin.calls[0].payload == {"a": 1}
