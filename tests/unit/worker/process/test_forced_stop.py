"""A stop that does not end by itself is ended."""

import threading

import pytest

from config.settings import load
from worker.process.forced_stop import MARGIN, LastResort, longest_stop

_SOON = 0.05
_MONETA = {
    "UPRID_MONETA__URL": "https://moneta.example/services",
    "UPRID_MONETA__USERNAME": "u",
    "UPRID_MONETA__PASSWORD": "p",
    "UPRID_MONETA__FULL_GROUP_ID": "2",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
}


class Ended:
    """How the process would have ended."""

    def __init__(self) -> None:
        self.order: list[object] = []
        self.over = threading.Event()

    def end(self, status: int) -> None:
        self.order.append(status)
        self.over.set()


def test_stop_that_hangs_gives_leases_back_and_ends_as_failed() -> None:
    ended = Ended()

    LastResort(_SOON, lambda: ended.order.append("good-bye"), ended.end).ask()

    assert ended.over.wait(10)
    assert ended.order == ["good-bye", 1]


def test_stop_ends_although_its_good_bye_hangs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.process.forced_stop._GOOD_BYE", _SOON)
    ended, never = Ended(), threading.Event()

    LastResort(_SOON, never.wait, ended.end).ask()

    assert ended.over.wait(10)
    assert ended.order == [1]
    never.set()


def test_process_that_was_not_asked_to_stop_goes_on() -> None:
    ended = Ended()

    LastResort(0, lambda: None, ended.end)

    assert not ended.over.wait(0.2)


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        pytest.param({}, 0, id="no-provider"),
        pytest.param({**_MONETA, "UPRID_MONETA__TOTAL_TIMEOUT": "45"}, 45, id="one-provider"),
    ],
)
def test_stop_may_take_as_long_as_the_longest_call_and_a_bit(
    settings: dict[str, str], longest: float
) -> None:
    assert longest_stop(load(environment=settings)) == longest + MARGIN
