"""HTTP alone: the pinned session beside `requests`, CPU of the calling thread a call."""

import time
from collections.abc import Callable
from typing import Final

from benchmarks.loop import BODY, CONTENT_TYPE, session_of_its_own
from benchmarks.stage import Stage
from worker.providers.transport.http import PinnedSession

#: By the names of the table's rows: CPU seconds a call.
Costs = dict[str, float]
POSTED: Final = "requests.Session.post"


def compare(stage: Stage, calls: int, rounds: int) -> Costs:
    """Return what a call costs each way; rounds in turn, the least of each counts."""
    stage.endpoint.set_back(1_000_000_000)
    url, body = stage.endpoint.url, (BODY % 1).encode()
    with (
        session_of_its_own() as plain,
        PinnedSession(url, connect_timeout=5, read_timeout=10, total_timeout=20, threads=1) as ours,
    ):

        def post() -> None:
            reply = plain.post(url, data=body, headers={"Content-Type": CONTENT_TYPE}, timeout=10)
            assert reply.content  # noqa: S101 - the body is part of the work

        def exchange() -> None:
            assert ours.exchange(body, CONTENT_TYPE).body  # noqa: S101 - likewise

        def poll() -> None:
            assert ours.poll(body, CONTENT_TYPE).body  # noqa: S101 - likewise

        ways = {"PinnedSession.poll": poll, "PinnedSession.exchange": exchange, POSTED: post}
        turns = [{name: _cpu(way, calls) for name, way in ways.items()} for _ in range(rounds)]
    # The least: everything else that the machine does only adds.
    return {name: min(turn[name] for turn in turns) for name in ways}


def _cpu(call: Callable[[], None], calls: int) -> float:
    call()
    began = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - began) / calls
