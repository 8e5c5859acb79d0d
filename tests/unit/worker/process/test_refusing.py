"""Refusals are written beside the consumer, as long as it takes."""

from threading import Event

from structlog.testing import capture_logs

from tests.support.processes.child import wait_until
from uprid_client.errors import DatabaseUnavailable
from worker.process.refusing import Refusing


def test_refusal_is_tried_again_until_the_database_is_back_and_forgotten_after_it() -> None:
    tried: list[str] = []
    forgotten = Event()

    def write() -> None:
        tried.append("x")
        if len(tried) < 3:
            raise DatabaseUnavailable
        assert not forgotten.is_set()

    with capture_logs() as logs:
        Refusing().put(write, forgotten.set)
        wait_until(forgotten.is_set, 10, "the refusal")

    assert len(tried) == 3
    assert [log["event"] for log in logs] == ["refusal_waits"]


def test_putting_waits_for_nothing() -> None:
    done, second = Event(), Event()
    refusing = Refusing()

    refusing.put(done.wait, lambda: None)
    refusing.put(lambda: None, second.set)

    assert not second.is_set()
    done.set()
    wait_until(second.is_set, 10, "the second refusal")


def test_refusal_that_fails_holds_up_no_other() -> None:
    def fails() -> None:
        raise KeyError

    forgotten, second = Event(), Event()
    refusing = Refusing()

    refusing.put(fails, forgotten.set)
    refusing.put(lambda: None, second.set)

    wait_until(second.is_set, 10, "the second refusal")
    assert forgotten.is_set()
