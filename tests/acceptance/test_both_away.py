"""The database away and the broker full at once: what was sent is worked on all the same, once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.providers.npd import notification
from tests.support.providers.payloads import mandarin_person
from tests.support.servers.fresh import PostgresServer, ValkeyServer
from tests.support.servers.outage import locked_out
from uprid_client.names import Task

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

_AGAIN: Final = "message_comes_again"
_IN_PLACE: Final = "message_waits_in_place"
_SETTINGS: Final = {
    # What a process leaves held comes again in this time.
    "UPRID_ENGINE__VISIBILITY_TIMEOUT": "12",
    "UPRID_ENGINE__MAX_COUNTDOWN": "8",
}


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A migrated database of the test's own: it is closed to everybody for a while."""
    made = postgres.create_database(bring_to_newest)
    yield made
    postgres.drop_database(made)


@pytest.fixture
def whole(url: str, own_broker: ValkeyServer, tmp_path: Path) -> Iterator[System]:
    """A worker, and two operations that no process works on."""
    with system(tmp_path, own_broker, url, _SETTINGS, every_provider=True) as made:
        made.start("worker")
        made.wait_until_started("worker")
        market = made.marketplace
        market.start("called-off", 1_000)
        sealed = market.seal(mandarin_person(0))
        market.send(Task.MANDARIN_START, "mandarin", reference="with-code", sealed=sealed)
        wait_until(lambda: made.count("SELECT COUNT(*) FROM operation") == 2, 20, "both are taken")
        # As one whose session has begun.
        made.execute(
            "UPDATE operation SET state = 'polling', lane = 1, started_at = now(),"
            " missing = 'sms_code' WHERE reference = 'with-code'"
        )
        yield made


@contextmanager
def full(broker: ValkeyServer) -> Iterator[None]:
    """Have the broker take nothing more."""
    with broker.client() as server:
        server.config_set("maxmemory", 1)
        try:
            yield
        finally:
            server.config_set("maxmemory", 0)


def send_all(whole: System) -> None:
    """Send a code, a notification and a cancel."""
    market = whole.marketplace
    code = market.seal({"sms_code": "1234"})
    market.send(Task.MANDARIN_CODE, "mandarin", reference="with-code", sealed=code)
    market.send(Task.NPD_NOTIFICATION, "npd", sealed=market.seal(notification()))
    market.send(
        Task.CANCEL, "operations", reference="called-off", attempt=1, by="anna", note="by phone"
    )


def worked_on(whole: System) -> tuple[int, int, int]:
    """Return how often the code, the notification and the cancel were worked on."""
    return (
        whole.count("SELECT COUNT(*) FROM input"),
        whole.count("SELECT COUNT(*) FROM notice"),
        whole.count("SELECT COUNT(*) FROM journal WHERE note = 'cancel'"),
    )


def until_held(whole: System) -> None:
    """Wait until no message is on its way: what is read from a full broker is not held by it."""

    def held() -> bool:
        lying = sum(server.llen(queue) for queue in ("mandarin", "npd", "operations"))
        return (server.hlen("unacked"), lying) == (3, 0)

    def twice() -> bool:
        first = held()
        time.sleep(0.3)
        return first and held()

    with whole.broker.client() as server:
        wait_until(twice, 60, "three messages are held")


def said(whole: System, words: str, times: int) -> None:
    wait_until(
        lambda: whole.log_of("worker").count(words) >= times,
        60,
        lambda: f"{words} {times} times\n{whole.process('worker').tail()}",
    )


def test_messages_outlast_a_database_that_is_away_beside_a_full_broker(
    whole: System, url: str
) -> None:
    with locked_out(url):
        send_all(whole)
        said(whole, _AGAIN, 3)
        with full(whole.broker):
            # Each at least once since it became full, with no process to take the next try.
            said(whole, _AGAIN, whole.log_of("worker").count(_AGAIN) + 6)
    wait_until(lambda: all(worked_on(whole)), 90, lambda: f"worked on: {worked_on(whole)}")

    assert worked_on(whole) == (1, 1, 1)
    assert whole.show("called-off")["state"] == "cancelled"


def test_process_that_stops_meanwhile_leaves_the_messages_to_the_next(
    whole: System, url: str
) -> None:
    with locked_out(url):
        send_all(whole)
        said(whole, _AGAIN, 3)
        until_held(whole)
        with full(whole.broker):
            said(whole, _IN_PLACE, 3)
            whole.stop("worker")
    whole.start("worker")
    wait_until(lambda: all(worked_on(whole)), 90, lambda: f"worked on: {worked_on(whole)}")

    assert worked_on(whole) == (1, 1, 1)
