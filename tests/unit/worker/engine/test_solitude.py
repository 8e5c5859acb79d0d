"""Who is alone in a process, and how the others get their time."""

import pytest

from worker.engine.halt import Halt
from worker.engine.solitude import BesideOthers, Solitude


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def solitude(clock: Clock) -> Solitude:
    return Solitude(clock.monotonic)


def test_solitude_is_had_once_the_others_have_ended(solitude: Solitude) -> None:
    assert solitude.enter()
    assert solitude.enter()

    assert solitude.seek(10)
    assert not solitude.is_alone
    solitude.leave()
    assert not solitude.is_alone
    solitude.leave()

    assert solitude.is_alone


def test_nobody_begins_beside_who_seeks_to_be_alone(solitude: Solitude) -> None:
    solitude.seek(10)

    assert not solitude.enter()
    assert not solitude.seek(10)
    solitude.end()
    assert solitude.enter()


def test_solitude_ends_by_itself_where_it_lasts_too_long(solitude: Solitude, clock: Clock) -> None:
    solitude.seek(10)

    clock.seconds = 10

    assert not solitude.is_alone
    assert solitude.enter()


def test_others_have_nine_tenths_of_the_time(solitude: Solitude, clock: Clock) -> None:
    solitude.seek(10)
    clock.seconds = 2
    solitude.end()

    clock.seconds = 19.9
    assert not solitude.seek(10)
    clock.seconds = 20
    assert solitude.seek(10)


def test_nobody_is_alone_who_did_not_seek_it(solitude: Solitude) -> None:
    assert not solitude.is_alone
    assert not solitude.is_sought


def test_chunk_beside_others_breaks_off_for_who_seeks_to_be_alone(solitude: Solitude) -> None:
    class Good:
        def halted(self, taken_at: float, token: str | None = None) -> Halt | None:
            del taken_at, token
            return None

    guard = BesideOthers(Good(), solitude)
    assert guard.halted(0.0, "token") is None

    solitude.seek(10)

    assert guard.halted(0.0, "token") is Halt.ANOTHER_ALONE


def test_chunk_beside_others_stops_where_its_process_must(solitude: Solitude) -> None:
    class Stopping:
        def halted(self, taken_at: float, token: str | None = None) -> Halt | None:
            return Halt.STOPPING if (taken_at, token) == (7.0, "token") else None

    assert BesideOthers(Stopping(), solitude).halted(7.0, "token") is Halt.STOPPING
