"""What a process holds: what is found and not held is left over."""

import pytest

from worker.engine.held import Held, Left


class Host:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def held(host: Host) -> Held:
    return Held(host.monotonic)


def test_what_is_worked_on_is_not_left_over(held: Held) -> None:
    held.hold("token", 60)

    assert held.holds("token")
    assert held.left(["token"]) == Left([], [])


def test_what_was_never_held_or_let_go_is_left_over_as_often_as_it_is_found(held: Held) -> None:
    held.hold("let go", 60)
    held.release("let go", suspected=False)

    for _ in range(2):
        assert held.left(["unknown", "let go"]) == Left(["let go", "unknown"], [])


def test_what_ended_by_a_mistake_of_ours_is_suspected(held: Held) -> None:
    held.hold("token", 60)
    held.release("token", suspected=True)

    assert held.left(["token", "other"]) == Left(["other"], ["token"])


def test_what_made_no_progress_for_its_time_is_given_up_and_suspected(
    held: Held, host: Host
) -> None:
    held.hold("token", 60)
    host.moment += 59
    held.renew("token")
    host.moment += 60
    assert held.left(["token"]) == Left([], [])

    host.moment += 1

    assert held.left(["token"]) == Left([], ["token"])
    held.renew("token")
    assert not held.holds("token")
