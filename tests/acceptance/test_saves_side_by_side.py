"""Two saves for one object at IntellectMoney, one of which was never made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.loopback.lossy_gateway import LossyGateway
from tests.support.messages.marketplace import ENDS, SAVE_SCHEDULED, WAITING
from tests.support.processes.system import System, system
from tests.support.providers.payloads import scheduled_change
from tests.support.servers.fresh import ValkeyServer

#: An object whose writes are done at once, and that has no operations yet.
_OBJECT: Final = 9_107_000_500
_SUCCEEDED: Final = "uprid.operation.succeeded"
#: Of each call: what was lost is held until the other one is made.
_SETTINGS: Final = {
    "UPRID_INTELLECTMONEY__RATE_PER_SECOND": "100",
    "UPRID_INTELLECTMONEY__READ_TIMEOUT": "60",
    "UPRID_INTELLECTMONEY__TOTAL_TIMEOUT": "60",
    "UPRID_INTELLECTMONEY__POLL": json.dumps(
        {"first_after": 0.2, "steps": [[20, 0.3]], "then": 1, "jitter": 0.1}
    ),
}


@pytest.fixture
def gateway() -> Iterator[LossyGateway]:
    with LossyGateway("/setScheduledOperationData") as made:
        yield made


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({}, id="alike"),
        pytest.param(
            {"params": '{"Amount": 16}'}, id="of other parameters", marks=pytest.mark.exhaustive
        ),
    ],
)
def test_save_that_was_never_made_is_not_told_as_done_by_the_one_beside_it(
    own_broker: ValkeyServer,
    migrated_url: str,
    tmp_path: Path,
    gateway: LossyGateway,
    second: dict[str, Any],
) -> None:
    address = {"UPRID_INTELLECTMONEY__URL": f"{gateway.origin}/intellectmoney"}
    settings = {**_SETTINGS, **address}
    with system(tmp_path, own_broker, migrated_url, settings, every_provider=True) as whole:
        gateway.target = f"http://127.0.0.1:{whole.sandbox_port}"
        whole.start_sandbox()
        whole.start("worker", "poller")
        whole.wait_until_started("worker", "poller")
        shop = whole.marketplace
        for reference, change in (("one", {}), ("two", second)):
            operation = scheduled_change(_OBJECT, **change)
            shop.send(SAVE_SCHEDULED, "intellectmoney", reference=reference, operation=operation)

        told = shop.wait_for(["one", "two"], ENDS | {WAITING}, timeout=120)

        assert gateway.lost is not None
        ends = sorted(event.type for events in told.values() for event in events)
        assert ends == [_SUCCEEDED, WAITING]
        assert _made(whole) == 1
        [waiting] = [name for name, events in told.items() if events[-1].type == WAITING]
        assert whole.show(waiting)["reason"]["code"] == "doubtful_submit"


def _made(whole: System) -> int:
    """Return how many writes have arrived at the stand-in."""
    counted: dict[str, Any] = whole.calls_of("intellectmoney")["subjects"][f"object:{_OBJECT}"]
    return int(counted["writes"])
