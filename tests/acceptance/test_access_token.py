"""IntellectMoney's UserToken: one for all workers, fetched once, and again where it is refused."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.messages.marketplace import ENDS
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.providers.registries import PACE, expected, fetch, pages_answered, said
from tests.support.servers.fresh import valkey_server

pytestmark = pytest.mark.slow

_POLLERS: Final = ("poller", "poller-2")
_MANY: Final = 40
_SUCCEEDED: Final = "uprid.operation.succeeded"
_PAUSED: Final = "uprid.provider.paused"
_UNPAUSED: Final = "uprid.provider.unpaused"


@pytest.fixture(scope="module")
def running(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A worker and two pollers."""
    directory = tmp_path_factory.mktemp("token")
    with (
        valkey_server() as broker,
        system(directory, broker, both_urls, PACE, every_provider=True) as made,
    ):
        made.start("worker", *_POLLERS)
        made.wait_until_started("worker", *_POLLERS)
        yield made


@pytest.fixture
def whole(running: System) -> System:
    """The same with a stand-in that was asked nothing yet, and no token."""
    if running.is_running("sandbox"):
        running.stop("sandbox")
    for table in ("operation", "attempt", "provider", "access_token"):
        running.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
    running.start_sandbox(delay=0.2)
    return running


def fetched(whole: System) -> int:
    """Return how many tokens were asked for."""
    return int(whole.calls_of("intellectmoney")["requests"].get("token", 0))


def start_many(whole: System, name: str) -> dict[str, int]:
    """Enqueue registries of a few pages each; return their eshops by reference."""
    eshops = {f"{name}-{n}": (10 + n) * 1_000 for n in range(_MANY)}
    for reference, eshop in eshops.items():
        fetch(whole, reference, eshop, page_size=10)
    return eshops


def assert_all_told(whole: System, eshops: dict[str, int]) -> None:
    last = whole.marketplace.wait_for(eshops, ENDS, timeout=90)
    for reference, eshop in eshops.items():
        [end] = last[reference]
        assert end.type == _SUCCEEDED, reference
        assert said(end.data["result"]) == expected(eshop), reference


def test_token_is_fetched_once_though_many_want_it_at_once(whole: System) -> None:
    eshops = start_many(whole, "many")

    assert_all_told(whole, eshops)
    assert fetched(whole) == 1
    assert whole.count("SELECT COUNT(*) FROM access_token WHERE sealed IS NOT NULL") == 1


def test_token_that_is_refused_in_the_middle_is_fetched_once_more(whole: System) -> None:
    # Each token is good for three calls about this eshop, which needs five.
    eshop = 40_212
    fetch(whole, "refused", eshop, page_size=10)

    assert_all_told(whole, {"refused": eshop})
    assert fetched(whole) == 2
    assert set(pages_answered(whole, eshop).values()) == {1}


def test_wrong_login_pauses_the_provider_once_and_all_go_on_after_it(whole: System) -> None:
    whole.outage("credentials", "intellectmoney")
    eshops = start_many(whole, "login")
    alerts = wait_until(lambda: _alerts(whole), 40, "the alert")
    wait_until(lambda: _is_still(whole), 40, "all of them to be let go")
    asked = whole.calls_of("intellectmoney")["requests"]

    whole.outage("up", "intellectmoney")
    whole.uprid("unpause", "intellectmoney", "--note", "the password was put right")

    assert_all_told(whole, eshops)
    assert _alerts(whole) == [*alerts, _UNPAUSED] == [_PAUSED, _UNPAUSED]
    # With no token nothing else can be asked.
    assert asked == {"token": 1}
    assert whole.count("SELECT COUNT(*) FROM operation WHERE attempt != 1") == 0


def _alerts(whole: System) -> list[str]:
    types = {_PAUSED, _UNPAUSED}
    return [event.type for event in whole.marketplace.events() if event.type in types]


def _is_still(whole: System) -> bool:
    accepted = whole.count("SELECT COUNT(*) FROM operation WHERE state = 'accepted'")
    held = whole.count("SELECT COUNT(*) FROM operation WHERE lease_token IS NOT NULL")
    return accepted == _MANY and held == 0
