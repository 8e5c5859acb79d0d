"""Questions to MONETA in the background: no call waits for the slow ones."""

import threading
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.processes.child import wait_until
from worker.domain.outcomes import Outcome, Pending, Trouble
from worker.providers.moneta.groups import Group, Membership
from worker.providers.npd import background_queries
from worker.providers.npd.background_queries import BackgroundQueries

FULL, SIMPLIFIED = Membership(Group.FULL), Membership(Group.SIMPLIFIED)
#: Far more than a slow machine takes for nothing, and less than a hanging call.
SOON = 5.0


class SlowMoneta:
    """Answers once it is released. `groups` are its answers; the last one repeats."""

    def __init__(self, *groups: Membership | Outcome) -> None:
        self.groups = list(groups)
        self.open = threading.Event()
        self.asked: list[int] = []
        self.is_closed = False

    def group(self, unit_id: int, progress: Mapping[str, Any]) -> Membership | Outcome:
        del progress
        self.asked.append(unit_id)
        answer = self.groups.pop(0) if len(self.groups) > 1 else self.groups[0]
        self.open.wait(30)
        return answer

    def status(self, async_id: int, unit_id: int, progress: Mapping[str, Any]) -> Outcome:
        del async_id, progress
        self.asked.append(unit_id)
        self.open.wait(30)
        return Pending("INPROGRESS")

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def moneta() -> Iterator[SlowMoneta]:
    made = SlowMoneta(FULL)
    yield made
    made.open.set()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is put off because the machine is slow."""
    monkeypatch.setattr(background_queries, "PATIENCE", 60.0)


def is_put_off(said: Membership | Outcome) -> bool:
    return isinstance(said, Pending) and said.trouble is Trouble.DEPENDENCY


def test_answer_is_given_at_once_where_moneta_is_quick(moneta: SlowMoneta, patient: None) -> None:
    moneta.open.set()
    queries = BackgroundQueries(moneta, 2)

    assert queries.group(7, {}) is FULL
    assert queries.status(8, 7, {}) == Pending("INPROGRESS")


def test_answer_that_comes_late_is_given_at_the_next_look(moneta: SlowMoneta) -> None:
    queries = BackgroundQueries(moneta, 2)

    first = queries.group(7, {"checks": 1})
    moneta.open.set()
    wait_until(lambda: queries.group(7, {"checks": 1}) is FULL, SOON, "the answer")

    assert is_put_off(first)
    assert moneta.asked == [7]


def test_answer_is_given_once(moneta: SlowMoneta, patient: None) -> None:
    moneta.open.set()
    queries = BackgroundQueries(moneta, 2)

    for _ in range(3):
        queries.group(7, {})

    assert moneta.asked == [7, 7, 7]


def test_answer_is_nobodys_who_remembers_something_else(moneta: SlowMoneta) -> None:
    queries = BackgroundQueries(moneta, 2)

    queries.group(7, {"checks": 1})
    queries.group(7, {"checks": 2})

    wait_until(lambda: moneta.asked == [7, 7], SOON, "two questions")


def test_nobody_waits_while_another_answer_is_slow(
    moneta: SlowMoneta, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = BackgroundQueries(moneta, 50)
    queries.group(1, {})
    # Each of the others would be waited for longer than a test may take.
    monkeypatch.setattr(background_queries, "PATIENCE", 3600.0)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 2 * 3600)
    monkeypatch.setattr(background_queries, "time", later)

    said = [queries.group(number, {}) for number in range(2, 40)]

    assert all(map(is_put_off, said))


def test_no_more_is_asked_than_there_are_places(moneta: SlowMoneta) -> None:
    queries = BackgroundQueries(moneta, 2)

    said = [queries.group(number, {}) for number in range(5)]

    assert all(map(is_put_off, said))
    assert sorted(moneta.asked) == [0, 1]
    assert [each.calls for each in said if isinstance(each, Pending)] == [1, 1, 0, 0, 0]


def test_late_answer_that_is_none_is_asked_for_anew() -> None:
    moneta = SlowMoneta(Pending("timed out", Trouble.TRANSPORT), SIMPLIFIED)
    queries = BackgroundQueries(moneta, 2)
    queries.group(7, {})
    moneta.open.set()

    wait_until(lambda: queries.group(7, {}) is SIMPLIFIED, SOON, "the answer")

    assert moneta.asked == [7, 7]


def test_stumble_is_the_stumble_of_who_asked(moneta: SlowMoneta) -> None:
    moneta.groups = []
    moneta.open.set()

    with pytest.raises(IndexError):
        BackgroundQueries(moneta, 2).group(7, {})


def test_close_comes_after_the_last_answer(moneta: SlowMoneta) -> None:
    queries = BackgroundQueries(moneta, 1)
    queries.group(7, {})
    closing = threading.Thread(target=queries.close)

    closing.start()
    was_closed = moneta.is_closed
    moneta.open.set()
    closing.join(SOON)

    assert (was_closed, closing.is_alive(), moneta.is_closed) == (False, False, True)
    with pytest.raises(RuntimeError, match="shutdown"):
        queries.group(8, {})
