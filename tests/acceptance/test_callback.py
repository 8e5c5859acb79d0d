"""A callback hastens the poll, over either transport, and decides nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.http_server import Answer, Asked, HttpServer
from tests.support.messages.marketplace import ACCEPTED, CALLBACK, REFUSED, STARTED, Marketplace
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import SqliteFiles, ValkeyServer

pytestmark = pytest.mark.slow

#: Seconds. Without a callback the next poll would come long after the test.
_SLOW: Final = {"first_after": 600, "then": 600, "jitter": 0}
#: (reference, unit): what ends, and how.
_ENDS: Final = {
    "callback-success": (6_000_000, "uprid.operation.succeeded"),
    "callback-mismatch": (6_000_103, "uprid.operation.rejected"),
}
#: Its task never ends, so MONETA sends no callback.
_ENDLESS: Final = "callback-endless"
_ENDLESS_UNIT: Final = 6_000_206
_UNKNOWN: Final = 987_654_321


class Page(HttpServer):
    """The marketplace's page for MONETA's callbacks: passes the task's id on and knows no more."""

    marketplace: Marketplace

    def __init__(self) -> None:
        super().__init__(self._pass_on)
        self.received: list[int] = []

    @property
    def url(self) -> str:
        return f"{self.origin}/moneta/done"

    def _pass_on(self, asked: Asked) -> Answer:
        [async_id] = parse_qs(urlsplit(asked.path).query)["asyncId"]
        self.marketplace.send(CALLBACK, async_id=int(async_id))
        self.received.append(int(async_id))
        return Answer()


@dataclass(frozen=True)
class Run:
    """A whole system, and the page that MONETA calls."""

    system: System
    page: Page

    @property
    def shop(self) -> Marketplace:
        return self.system.marketplace


@pytest.fixture(scope="module", params=["json", "soap"])
def run(
    request: pytest.FixtureRequest,
    sqlite: SqliteFiles,
    broker: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """Operations whose next poll is ten minutes away, and a MONETA that calls back."""
    broker.flush()
    url = sqlite.create_database(bring_to_newest)
    with Page() as page:
        settings = {
            "UPRID_MONETA__TRANSPORT": request.param,
            "UPRID_MONETA__POLL": json.dumps(_SLOW),
            "UPRID_MONETA__CALLBACK_URL": page.url,
        }
        directory = tmp_path_factory.mktemp("callback")
        with system(directory, broker, url, settings) as whole:
            page.marketplace = whole.marketplace
            whole.start_sandbox(delay=1, task_timeout=3600, callbacks=True)
            whole.start("worker", "poller")
            for reference, (unit_id, _) in _ENDS.items():
                whole.marketplace.start(reference, unit_id, person(6))
            whole.marketplace.start(_ENDLESS, _ENDLESS_UNIT, person(7))
            whole.marketplace.wait_for([*_ENDS, _ENDLESS], [STARTED], timeout=40)
            yield Run(whole, page)
    sqlite.drop_database(url)


@pytest.mark.parametrize("reference", _ENDS)
def test_callback_brings_the_result_by_one_poll_at_once(run: Run, reference: str) -> None:
    unit_id, end = _ENDS[reference]

    # Seconds: the task ends one after the submit, and nothing else would ask within ten minutes.
    run.shop.wait_for([reference], [end], timeout=15)

    assert [event.type for event in run.shop.of(reference)] == [ACCEPTED, STARTED, end]
    calls = run.system.unit(unit_id)
    assert (calls["submits"], calls["polls"]) == (1, 1)


def test_callback_of_a_task_in_progress_only_has_it_asked_about(run: Run) -> None:
    [_, started] = run.shop.of(_ENDLESS)
    assert run.system.unit(_ENDLESS_UNIT)["polls"] == 0

    run.shop.send(CALLBACK, async_id=int(started.data["provider_ref"]))

    wait_until(lambda: run.system.unit(_ENDLESS_UNIT)["polls"] == 1, 15, "the poll")
    standing = "SELECT state, polls FROM operation WHERE reference = :reference"
    wait_until(
        lambda: run.system.rows(standing, reference=_ENDLESS) == [("polling", 1)], 15, "its row"
    )
    assert len(run.shop.of(_ENDLESS)) == 2


def test_callback_of_an_unknown_task_is_counted_and_changes_nothing(run: Run) -> None:
    events = len(run.shop.events())
    requests = run.system.calls()["requests"]

    run.shop.send(CALLBACK, async_id=_UNKNOWN)

    unknown = "SELECT unknown_callbacks FROM provider"
    wait_until(lambda: run.system.count(unknown) == 1, 15, "the count")
    assert len(run.shop.events()) == events
    assert run.system.calls()["requests"] == requests


def test_callback_that_is_none_is_refused_aloud(run: Run) -> None:
    sent = run.shop.send(CALLBACK, async_id="37027")

    refusal = run.shop.wait_for_refusal(sent)

    assert refusal.type == REFUSED
    assert refusal.data["fields"] == ["async_id"]


def test_moneta_calls_once_for_each_task_that_ends(run: Run) -> None:
    run.shop.wait_for(_ENDS, [end for _, end in _ENDS.values()])

    refs = {int(run.shop.of(reference)[1].data["provider_ref"]) for reference in _ENDS}
    assert sorted(run.page.received) == sorted(refs)
