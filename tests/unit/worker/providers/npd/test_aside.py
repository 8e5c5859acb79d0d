"""Questions to MONETA on the side: nobody waits for the slow ones."""

import threading
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.processes import wait_until
from worker.domain.outcomes import Outcome, Pending, Trouble
from worker.providers.moneta.groups import Group, Membership
from worker.providers.npd import aside as aside_module
from worker.providers.npd.aside import Aside

FULL, SIMPLIFIED = Membership(Group.FULL), Membership(Group.SIMPLIFIED)
#: Far more than a slow machine takes for nothing, and less than a hanging call.
SOON = 5.0


class SlowDesk:
    """Answers once it is told to. `groups` are its answers, the last one for ever."""

    def __init__(self, *groups: Membership | Outcome) -> None:
        self.groups = list(groups)
        self.open = threading.Event()
        self.asked: list[int] = []

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


@pytest.fixture
def desk() -> Iterator[SlowDesk]:
    made = SlowDesk(FULL)
    yield made
    made.open.set()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is put off because the machine is slow."""
    monkeypatch.setattr(aside_module, "PATIENCE", 60.0)


def is_put_off(said: Membership | Outcome) -> bool:
    return isinstance(said, Pending) and said.trouble is Trouble.DEPENDENCY


def test_answer_is_given_at_once_where_moneta_is_quick(desk: SlowDesk, patient: None) -> None:
    desk.open.set()
    aside = Aside(desk, 2)

    assert aside.group(7, {}) is FULL
    assert aside.status(8, 7, {}) == Pending("INPROGRESS")


def test_answer_that_comes_late_is_given_at_the_next_look(desk: SlowDesk) -> None:
    aside = Aside(desk, 2)

    first = aside.group(7, {"checks": 1})
    desk.open.set()
    wait_until(lambda: aside.group(7, {"checks": 1}) is FULL, SOON, "the answer")

    assert is_put_off(first)
    assert desk.asked == [7]


def test_answer_is_given_once(desk: SlowDesk, patient: None) -> None:
    desk.open.set()
    aside = Aside(desk, 2)

    for _ in range(3):
        aside.group(7, {})

    assert desk.asked == [7, 7, 7]


def test_answer_is_nobodys_who_remembers_something_else(desk: SlowDesk) -> None:
    aside = Aside(desk, 2)

    aside.group(7, {"checks": 1})
    aside.group(7, {"checks": 2})

    wait_until(lambda: desk.asked == [7, 7], SOON, "two questions")


def test_nobody_waits_while_another_answer_is_slow(
    desk: SlowDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = Aside(desk, 50)
    aside.group(1, {})
    # Each of the others would be waited for longer than a test may take.
    monkeypatch.setattr(aside_module, "PATIENCE", 3600.0)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 2 * 3600)
    monkeypatch.setattr(aside_module, "time", later)

    said = [aside.group(number, {}) for number in range(2, 40)]

    assert all(map(is_put_off, said))


def test_no_more_is_asked_than_there_are_places(desk: SlowDesk) -> None:
    aside = Aside(desk, 2)

    said = [aside.group(number, {}) for number in range(5)]

    assert all(map(is_put_off, said))
    assert sorted(desk.asked) == [0, 1]
    assert [each.calls for each in said if isinstance(each, Pending)] == [1, 1, 0, 0, 0]


def test_late_answer_that_is_none_is_asked_for_anew() -> None:
    desk = SlowDesk(Pending("timed out", Trouble.TRANSPORT), SIMPLIFIED)
    aside = Aside(desk, 2)
    aside.group(7, {})
    desk.open.set()

    wait_until(lambda: aside.group(7, {}) is SIMPLIFIED, SOON, "the answer")

    assert desk.asked == [7, 7]


def test_stumble_is_the_stumble_of_who_asked(desk: SlowDesk) -> None:
    desk.groups = []
    desk.open.set()

    with pytest.raises(IndexError):
        Aside(desk, 2).group(7, {})
