"""Wakes: each slot is published once as far as anybody knows, and nothing depends on it."""

from datetime import datetime, timedelta

import pytest

from config.queues import Wake
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.operations import NOW
from uprid_client.names import Provider
from worker.engine.wakeups import Wakeups

MONETA = Provider.MONETA


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> MemoryBroker:
    return MemoryBroker(clock)


def make(broker: MemoryBroker, clock: Clock) -> Wakeups:
    return Wakeups(broker, clock, width=timedelta(seconds=1), longest=timedelta(minutes=5))


@pytest.fixture
def wakeups(broker: MemoryBroker, clock: Clock) -> Wakeups:
    return make(broker, clock)


def dues(*seconds: float) -> list[datetime]:
    return [NOW + timedelta(seconds=ahead) for ahead in seconds]


def countdowns(broker: MemoryBroker) -> list[float]:
    return [(message.deliver_at - NOW).total_seconds() for message in broker.waiting]


def test_at_publishes_one_message_a_slot(wakeups: Wakeups, broker: MemoryBroker) -> None:
    wakeups.at(MONETA, Wake.POLL, dues(0.2, 0.3, 0.9, 1.4, 15))

    assert countdowns(broker) == [1, 2, 15]


def test_at_publishes_a_slot_once_however_often_it_is_asked(
    wakeups: Wakeups, broker: MemoryBroker
) -> None:
    for _ in range(3):
        wakeups.at(MONETA, Wake.POLL, dues(15))

    assert broker.published == 1


def test_at_leaves_out_what_another_process_has_published(
    wakeups: Wakeups, broker: MemoryBroker, clock: Clock
) -> None:
    make(broker, clock).at(MONETA, Wake.POLL, dues(15, 16))

    wakeups.at(MONETA, Wake.POLL, dues(15, 17))

    assert countdowns(broker) == [15, 16, 17]


def test_at_keeps_kinds_of_wakes_apart(wakeups: Wakeups, broker: MemoryBroker) -> None:
    wakeups.at(MONETA, Wake.POLL, dues(15))
    wakeups.at(MONETA, Wake.SETTLE, dues(15))

    assert {message.wake for message in broker.waiting} == {Wake.POLL, Wake.SETTLE}


def test_at_approaches_a_slot_far_away_in_steps(wakeups: Wakeups, broker: MemoryBroker) -> None:
    wakeups.at(MONETA, Wake.POLL, dues(3600))

    [message] = broker.waiting
    assert countdowns(broker) == [300]
    assert message.slot >= NOW + timedelta(seconds=3600)


def test_marker_outlives_the_slot_that_it_speaks_of(broker: MemoryBroker, clock: Clock) -> None:
    make(broker, clock).at(MONETA, Wake.POLL, dues(1000))
    slot = broker.waiting[0].slot
    clock.move((slot - NOW).total_seconds() - 0.1)

    make(broker, clock).at(MONETA, Wake.POLL, [slot])

    assert broker.published == 1


def test_at_publishes_again_when_the_broker_was_flushed_and_nobody_remembers(
    broker: MemoryBroker, clock: Clock
) -> None:
    make(broker, clock).at(MONETA, Wake.POLL, dues(15))
    broker.flush()

    make(broker, clock).at(MONETA, Wake.POLL, dues(15))

    assert countdowns(broker) == [15]


def test_at_loses_nothing_but_time_when_the_broker_is_away(
    wakeups: Wakeups, broker: MemoryBroker
) -> None:
    broker.away = True
    wakeups.at(MONETA, Wake.POLL, dues(15))
    broker.away = False

    wakeups.at(MONETA, Wake.POLL, dues(15))

    assert countdowns(broker) == [15]


def test_at_marks_only_after_it_published(broker: MemoryBroker, clock: Clock) -> None:
    """A crash in between doubles a message; the other way round it would lose one."""

    class Crash(Exception):
        pass

    class Crashing(MemoryBroker):
        def mark(self, names: list[str], seconds: float) -> None:  # noqa: ARG002
            raise Crash

    crashing = Crashing(clock)
    with pytest.raises(Crash):
        make(crashing, clock).at(MONETA, Wake.POLL, dues(15))

    assert countdowns(crashing) == [15]
    assert crashing.marked(["moneta:poll:1"]) == set()


def test_at_asks_the_broker_nothing_when_nothing_is_new(
    wakeups: Wakeups, broker: MemoryBroker
) -> None:
    wakeups.at(MONETA, Wake.POLL, dues(15))
    broker.away = True

    wakeups.at(MONETA, Wake.POLL, dues(15))
    wakeups.at(MONETA, Wake.POLL, [])

    assert broker.published == 1


def test_at_forgets_past_slots_when_it_remembers_many(
    wakeups: Wakeups, broker: MemoryBroker, clock: Clock
) -> None:
    for _ in range(5):
        wakeups.at(MONETA, Wake.POLL, [clock.now() + timedelta(seconds=n) for n in range(1, 1001)])
        clock.move(1000)

    assert len(wakeups._known) <= 4096


def test_now_publishes_whatever_is_marked(wakeups: Wakeups, broker: MemoryBroker) -> None:
    wakeups.at(MONETA, Wake.POLL, dues(0))
    wakeups.now(MONETA)
    wakeups.now(MONETA)

    assert countdowns(broker) == [0, 0, 0]


def test_again_publishes_the_remainder(
    wakeups: Wakeups, broker: MemoryBroker, clock: Clock
) -> None:
    clock.move(300)

    wakeups.again(MONETA, Wake.SETTLE, NOW + timedelta(seconds=700))

    [message] = broker.waiting
    assert countdowns(broker) == [600]
    assert (message.wake, message.slot) == (Wake.SETTLE, NOW + timedelta(seconds=700))


def test_now_and_again_outlive_a_broker_that_is_away(
    wakeups: Wakeups, broker: MemoryBroker
) -> None:
    broker.away = True

    wakeups.now(MONETA)
    wakeups.again(MONETA, Wake.POLL, NOW)

    assert broker.published == 0


def test_soon_is_published_once_for_all_who_wait_for_tokens(
    broker: MemoryBroker, clock: Clock
) -> None:
    wakeups = [make(broker, clock) for _ in range(3)]
    for one in wakeups * 30:
        one.soon(MONETA, NOW + timedelta(seconds=0.33))

    assert countdowns(broker) == [pytest.approx(0.4)]
