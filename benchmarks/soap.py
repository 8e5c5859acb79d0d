"""SOAP's cost a poll: the plugin's whole poll beside a bare zeep loop, CPU of the calling thread.

The bare loop is what anybody would write first: one `zeep.Client` of our interface on one session
that is kept alive, `service.Async(asyncId=…)`, the answer read by zeep. Ours is everything between
the engine and the wire: message, call, reading, mapping.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final, Literal

import zeep
from pydantic import SecretStr
from zeep.wsse.username import UsernameToken

from benchmarks.loop import session_of_its_own
from benchmarks.stage import Stage
from config.providers import MonetaSettings
from uprid_client.contract.states import State
from worker.domain.outcomes import Pending
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.protocol import Work

_BINDING: Final = "{http://www.moneta.ru/services.wsdl}MessagesSoap11"
_ASYNC_ID: Final = 37_027
_IN_PROGRESS: Final = "INPROGRESS"

#: By the names of the table's rows: CPU seconds a poll.
Costs = dict[str, float]
BARE: Final = "bare zeep loop"
OURS: Final = "this worker's poll, SOAP"
JSON: Final = "this worker's poll, JSON"


def compare(stage: Stage, polls: int, rounds: int) -> Costs:
    """Return what a poll costs each of them; rounds in turn, the least of each counts."""
    stage.endpoint.set_back(1_000_000_000)
    url = stage.endpoint.url
    with _ours(url, "soap") as soap, _ours(url, "json") as json, _bare(url) as bare:
        contestants = {OURS: soap, BARE: bare, JSON: json}
        taken: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, poll in contestants.items():
                taken[name].append(_cpu(poll, polls))
    return {name: min(costs) for name, costs in taken.items()}


@contextmanager
def _ours(url: str, transport: Literal["json", "soap"]) -> Iterator[Callable[[], None]]:
    plugin = MonetaPlugin(
        MonetaSettings(
            url=url,
            username="bench",
            password=SecretStr("bench"),
            transport=transport,
            anonymous_group_id=1,
            full_group_id=2,
        )
    )
    work = _work()

    def poll() -> None:
        assert plugin.poll(work) == Pending(_IN_PROGRESS)  # noqa: S101 - the reading is part of it

    try:
        yield poll
    finally:
        plugin.close()


@contextmanager
def _bare(url: str) -> Iterator[Callable[[], None]]:
    wsdl = files("worker.providers.moneta").joinpath("merchant.wsdl").read_bytes()
    with session_of_its_own() as session:
        client = zeep.Client(
            io.BytesIO(wsdl),
            wsse=UsernameToken("bench", "bench"),
            transport=zeep.Transport(session=session),
        )
        service = client.create_service(_BINDING, url)

        def poll() -> None:
            assert service.Async(asyncId=_ASYNC_ID).asyncStatus == _IN_PROGRESS  # noqa: S101 - likewise

        yield poll


def _cpu(poll: Callable[[], None], polls: int) -> float:
    poll()
    began = time.thread_time()
    for _ in range(polls):
        poll()
    return (time.thread_time() - began) / polls


def _work() -> Work:
    now = datetime.now(UTC)
    return Work(
        id="1",
        reference="bench",
        kind="identification",
        state=State.POLLING,
        attempt=1,
        args={"unit_id": 1},
        payload=None,
        provider_ref=str(_ASYNC_ID),
        progress={},
        polls=0,
        consecutive_failures=0,
        due_at=now,
        deadline_at=None,
        now=now,
    )
