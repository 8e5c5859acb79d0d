"""The database's time: a measurement is worth as much as it was quick."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.support.engine.operations import NOW
from worker.store.clock import Clock


class Host:
    """A monotonic clock that a test moves, and a database whose clock is ahead of it."""

    def __init__(self) -> None:
        self.moment = 1_000.0
        self.stepped = 0.0

    def monotonic(self) -> float:
        return self.moment

    @property
    def truth(self) -> datetime:
        """What the database's clock says at this moment."""
        return NOW + timedelta(seconds=self.moment - 1_000 + self.stepped)

    def answers(self, *, there: float = 0.0, back: float = 0.0) -> Callable[[], datetime]:
        """Return a measurement that takes so long on its two ways."""

        def ask() -> datetime:
            self.moment += there
            found = self.truth
            self.moment += back
            return found

        return ask


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def clock(host: Host) -> Clock:
    return Clock(host.monotonic)


def off(clock: Clock, host: Host) -> float:
    return abs((clock.now() - host.truth).total_seconds())


def test_time_is_carried_forward_by_the_hosts_clock(clock: Clock, host: Host) -> None:
    clock.measure(host.answers())

    host.moment += 7

    assert clock.now() == host.truth
    assert not clock.is_due()


@pytest.mark.parametrize(("there", "back"), [(8.0, 0.0), (0.0, 8.0), (4.0, 4.0)])
def test_slow_measurement_is_thrown_away(
    clock: Clock, host: Host, there: float, back: float
) -> None:
    clock.measure(host.answers(there=0.001, back=0.001))
    host.moment += 11
    assert clock.is_due()

    clock.measure(host.answers(there=there, back=back))

    assert off(clock, host) < 0.002
    assert not clock.is_due()


@pytest.mark.parametrize("stepped", [60.0, -60.0])
def test_slow_measurement_counts_for_what_it_proves(
    clock: Clock, host: Host, stepped: float
) -> None:
    """The database's clock was put right: by how much is known up to what the question took."""
    clock.measure(host.answers())
    host.stepped = stepped

    clock.measure(host.answers(there=0.1, back=0.1))

    assert off(clock, host) < 0.11


def test_first_measurement_that_is_slow_is_soon_done_again(clock: Clock, host: Host) -> None:
    clock.measure(host.answers(back=8))
    assert off(clock, host) == pytest.approx(4)

    host.moment += 1.1
    assert clock.is_due()
    clock.measure(host.answers(back=0.01))

    assert off(clock, host) < 0.01


def test_measurements_that_are_always_slow_are_taken_after_all(clock: Clock, host: Host) -> None:
    """What is known grows old: clocks go apart."""
    clock.measure(host.answers())
    host.stepped = 0.2
    for _ in range(40):
        host.moment += 11
        clock.measure(host.answers(there=0.15, back=0.15))

    assert off(clock, host) < 0.001


def test_database_that_is_away_is_not_asked_again_at_once(clock: Clock, host: Host) -> None:
    clock.measure(host.answers())
    host.moment += 11

    clock.put_off()

    assert not clock.is_due()
    host.moment += 1.1
    assert clock.is_due()
