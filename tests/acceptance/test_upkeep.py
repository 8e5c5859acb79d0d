"""Events that are published again, and answers that come too late."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.support.loopback.http_stub import HttpStub, said
from tests.support.messages.marketplace import ACCEPTED, ENDS, LATE, STARTED
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.providers import moneta
from tests.support.servers.fresh import ValkeyServer

_SUCCEEDED = "uprid.operation.succeeded"
_SETTINGS = {
    "UPRID_ENGINE__HEARTBEAT": "0.5",
    "UPRID_ENGINE__LEASE_SILENCE": "2",
    # The answer is still waited for by a process that stood still for long.
    "UPRID_MONETA__READ_TIMEOUT": "100",
    "UPRID_MONETA__TOTAL_TIMEOUT": "100",
}
#: Seconds that the provider takes for the answer that comes too late: enough to find who waits.
_SLOWLY = 5.0


def _holder(whole: System) -> str | None:
    """Return the poller that works on an operation at this moment."""
    pids = whole.rows(
        "SELECT pid FROM incarnation JOIN operation ON lease_owner = incarnation.id"
        " WHERE state = 'polling'"
    )
    names = {whole.process(name).pid: name for name in ("poller", "poller-2")}
    return names[pids[0][0]] if pids else None


def test_answer_that_comes_after_its_lease_was_lost_is_told_as_late(
    own_broker: ValkeyServer, migrated_url: str, tmp_path: Path
) -> None:
    ticket, result = said(moneta.ticket("CREATED")), moneta.result()
    slow = replace(said(result), wait=_SLOWLY)
    with (
        HttpStub(ticket, slow, said(result)) as provider,
        system(
            tmp_path, own_broker, migrated_url, {**_SETTINGS, "UPRID_MONETA__URL": provider.url}
        ) as whole,
    ):
        whole.start("worker", "poller", "poller-2")
        whole.wait_until_started("worker", "poller", "poller-2")
        shop = whole.marketplace
        shop.start("late", moneta.UNIT_ID)
        wait_until(lambda: len(provider.asked) == 2, 20, "the slow poll", interval=0.005)
        holder = wait_until(lambda: _holder(whole), 5, "its poller", interval=0.005)
        assert holder is not None

        whole.freeze(holder)
        shop.wait_for(["late"], ENDS, timeout=20)
        whole.thaw(holder)
        shop.wait_for(["late"], [LATE], timeout=20)

        events = shop.of("late")
        assert [event.type for event in events] == [ACCEPTED, STARTED, _SUCCEEDED, LATE]
        assert [event.data["sequence"] for event in events] == [1, 2, 3, 4]
        told = events[-1].data
        assert told["state"] == "succeeded"
        assert told["result"]["verified_by"] == "result"
        assert json.loads(shop.unseal(told["sealed"])) == result
        assert len(provider.asked) == 3
        shown = whole.show("late")
        assert shown["state"] == "succeeded"
        assert "late" in [thing["what"] for thing in shown["timeline"]]
        # It lives on: its next work is its own again.
        assert whole.is_running(holder)


def test_replay_tells_everything_again_in_order_with_the_same_ids(
    own_broker: ValkeyServer, sqlite_url: str, tmp_path: Path
) -> None:
    with system(tmp_path, own_broker, sqlite_url) as whole:
        whole.start_sandbox(delay=0.2)
        whole.start("worker", "poller")
        references = [f"replay-{number}" for number in range(5)]
        for number, reference in enumerate(references):
            whole.marketplace.start(reference, 6_000_000 + 1_000 * number)
        whole.marketplace.wait_for(references)
        before = whole.marketplace.events()

        whole.uprid("events", "replay", "--since", "10m")

        after = whole.marketplace.events()
        assert [event.stream_id for event in after[: len(before)]] == [
            event.stream_id for event in before
        ]
        again = after[len(before) :]
        assert Counter(event.id for event in again) == Counter(event.id for event in before)
        for reference in references:
            sequence = [e.data["sequence"] for e in again if e.subject == reference]
            assert sequence == [1, 2, 3]
        # All later events are published once.
        whole.marketplace.start("replay-after", 6_900_000)
        whole.marketplace.wait_for(["replay-after"])
        assert [e.type for e in whole.marketplace.of("replay-after")] == [
            ACCEPTED, STARTED, _SUCCEEDED,
        ]  # fmt: skip
