"""Threads that do one small thing again and again, and do not die of it."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.processes.child import wait_until
from uprid_client.errors import BrokerUnavailable
from worker.periodic import Repeating


class Rounds:
    """An action that counts its rounds."""

    def __init__(self) -> None:
        self.done = 0
        self.each: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        self.done += 1
        self.each()


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
def started() -> Iterator[list[Repeating]]:
    threads: list[Repeating] = []
    yield threads
    for thread in threads:
        thread.stop()


def start(started: list[Repeating], every: float, action: Callable[[], object]) -> Repeating:
    thread = Repeating("test", every, action)
    started.append(thread)
    thread.start()
    return thread


def test_repeating_does_it_again_and_again(started: list[Repeating], rounds: Rounds) -> None:
    start(started, 0.01, rounds)

    wait_until(lambda: rounds.done >= 5, 10, "five rounds")


def test_repeating_does_it_at_once_when_it_is_nudged(
    started: list[Repeating], rounds: Rounds
) -> None:
    thread = start(started, 60, rounds)
    wait_until(lambda: rounds.done == 1, 10, "the first round")

    thread.nudge()

    wait_until(lambda: rounds.done == 2, 10, "the round that was called for")


def test_repeating_forgets_no_nudge_that_came_in_the_middle_of_a_round(
    started: list[Repeating], rounds: Rounds
) -> None:
    inside, released = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        assert released.wait(10)

    rounds.each = slow
    thread = start(started, 60, rounds)
    assert inside.wait(10)
    thread.nudge()
    released.set()

    wait_until(lambda: rounds.done == 2, 10, "the second round")


def test_repeating_does_it_sooner_when_a_round_asks_for_it(
    started: list[Repeating], rounds: Rounds
) -> None:
    thread = Repeating("test", 60, rounds)
    rounds.each = lambda: thread.nudge_in(0.01) if rounds.done < 3 else None
    started.append(thread)
    thread.start()

    wait_until(lambda: rounds.done == 3, 10, "three rounds")


@pytest.mark.parametrize("error", [BrokerUnavailable("gone"), ZeroDivisionError("bug")], ids=repr)
def test_repeating_outlives_a_bad_round(
    started: list[Repeating], rounds: Rounds, error: Exception
) -> None:
    def bad() -> None:
        if rounds.done == 1:
            raise error

    rounds.each = bad
    start(started, 0.01, rounds)

    wait_until(lambda: rounds.done >= 3, 10, "rounds after the bad one")


def test_repeating_stops_after_the_round_that_is_running(rounds: Rounds) -> None:
    inside = threading.Event()

    def slow() -> None:
        inside.set()
        wait_until(lambda: thread.stopping, 10, "the stop")

    rounds.each = slow
    thread = Repeating("test", 0.01, rounds)
    thread.start()
    assert inside.wait(10)
    assert not thread.stopping

    thread.stop()

    assert rounds.done == 1
    assert not thread._thread.is_alive()


def test_repeating_stops_at_once_when_it_waits(rounds: Rounds) -> None:
    thread = Repeating("test", 60, rounds)
    thread.start()
    wait_until(lambda: rounds.done == 1, 10, "the first round")
    began = time.monotonic()

    thread.stop()

    assert time.monotonic() - began < 30


def test_repeating_is_stopped_before_it_ever_began() -> None:
    Repeating("never", 60, print).stop()
