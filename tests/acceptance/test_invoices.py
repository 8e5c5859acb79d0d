"""Registries of payments: five thousand invoices while the poller is killed twice, and what else
can befall one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.support.messages.marketplace import ACCEPTED, ENDS, STARTED, WAITING, Event
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.providers.registries import (
    PACE,
    expected,
    fetch,
    issued,
    pages_answered,
    pages_asked,
    said,
    stored,
)
from tests.support.servers.fresh import valkey_server
from uprid_client import Client
from uprid_client.database.invoices import Invoice

pytestmark = pytest.mark.slow

#: 5000 invoices, every third page of them queued.
_ESHOP: Final = 5_000_103
_PAGE: Final = 100
_PAGES: Final = 50
#: Invoices stored when the poller is killed.
_KILLS: Final = (800, 2_600)
_SUCCEEDED: Final = "uprid.operation.succeeded"
_EXPIRED: Final = "uprid.operation.expired"
_FAILED: Final = "uprid.operation.failed"
#: What the stand-in puts into every invoice, or every transaction.
_PERSONAL: Final = ("obrazets@example.com", "Образцов", "Возврат", "Внутренний", "IM0000000001")


@pytest.fixture(scope="module")
def whole(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A worker, and the stand-in; every test has its pollers."""
    directory = tmp_path_factory.mktemp("invoices")
    settings = {**PACE, "UPRID_INTELLECTMONEY__DEADLINE": "120"}
    with (
        valkey_server() as broker,
        system(directory, broker, both_urls, settings, every_provider=True) as made,
    ):
        made.start_sandbox(delay=0.4)
        made.start("worker")
        made.wait_until_started("worker")
        yield made


@dataclass(frozen=True, slots=True)
class Fetched:
    """The large registry, fetched by pollers of which two were killed."""

    whole: System
    reference: str
    #: Invoices that were stored when a poller was killed.
    killed_at: tuple[int, ...]
    events: list[Event]

    @property
    def end(self) -> dict[str, Any]:
        return self.events[-1].data


@pytest.fixture(scope="module")
def fetched(whole: System) -> Fetched:
    """Fetch it once; the tests below only look."""
    reference, killed_at = "registry", []
    fetch(whole, reference, _ESHOP, _PAGE)
    whole.start("poller")
    for enough in _KILLS:
        _wait_for_invoices(whole, enough)
        whole.kill9("poller")
        killed_at.append(_stored(whole))
        whole.start("poller")
    whole.marketplace.wait_for([reference], ENDS, timeout=150)
    whole.stop("poller")
    return Fetched(whole, reference, tuple(killed_at), whole.marketplace.of(reference))


def _stored(whole: System) -> int:
    return whole.count("SELECT COUNT(*) FROM invoice")


def _wait_for_invoices(whole: System, enough: int) -> None:
    wait_until(lambda: _stored(whole) >= enough, 60, f"{enough} invoices")


def test_registry_ends_once_though_its_poller_is_killed_twice(fetched: Fetched) -> None:
    assert [event.type for event in fetched.events] == [ACCEPTED, STARTED, _SUCCEEDED]
    assert all(number < _PAGES * _PAGE for number in fetched.killed_at), "killed too late"
    assert fetched.end["result"]["pages"] == _PAGES


def test_registry_is_told_with_exact_counts_and_sums(fetched: Fetched) -> None:
    assert said(fetched.end["result"]) == expected(_ESHOP)


def test_registry_is_stored_with_every_invoice_and_transaction_once(fetched: Fetched) -> None:
    found = stored(fetched.whole, _ESHOP)

    assert len(found) == _PAGES * _PAGE
    assert found == issued(_ESHOP)


def test_registry_is_asked_for_no_page_more_often_than_kills_explain(fetched: Fetched) -> None:
    given = pages_answered(fetched.whole, _ESHOP)

    # A full last page is followed by an empty one.
    assert set(given) == set(range(0, _PAGES * _PAGE + 1, _PAGE))
    # A page that had come, and was not stored, when its poller died.
    assert given.total() - len(given) <= len(_KILLS)


def test_registry_is_exported_whole(fetched: Fetched) -> None:
    lines = fetched.whole.uprid(
        "invoices", "export", "--format", "jsonl", "--reference", fetched.reference
    ).splitlines()

    exported = [json.loads(line)["id"] for line in lines]
    assert exported == sorted(issued(_ESHOP))


def test_registry_is_read_whole_by_the_client(fetched: Fetched) -> None:
    whole = fetched.whole
    client = Client(whole.broker.url, [SEAL_KEY], database_url=whole.database_url)
    try:
        found = list(client.invoices(fetched.reference))
    finally:
        client.close()

    assert {each.id: _told(each) for each in found} == issued(_ESHOP)
    assert all("obrazets@example.com" in each.personal.values() for each in found)


def _told(each: Invoice) -> tuple[Any, ...]:
    sums = [each.amount, each.current, each.surcharge]
    return (
        each.state,
        each.amount and each.amount.currency,
        *(money and money.amount for money in sums),
        [(one.id, one.paid and one.paid.amount, one.received and one.received.amount)
         for one in each.transactions],
    )  # fmt: skip


@pytest.mark.parametrize("table", ["invoice", "invoice_transaction", "operation", "attempt"])
def test_registry_is_stored_without_personal_data_in_clear(fetched: Fetched, table: str) -> None:
    rows = fetched.whole.rows(f"SELECT * FROM {table}")  # noqa: S608 - a constant

    written = "\n".join(str(row) for row in rows)
    assert rows
    assert [each for each in _PERSONAL if each in written] == []


@pytest.mark.parametrize("table", ["invoice", "invoice_transaction"])
def test_registry_is_stored_with_personal_data_sealed(fetched: Fetched, table: str) -> None:
    unsealed = fetched.whole.count(f"SELECT COUNT(*) FROM {table} WHERE sealed IS NULL")  # noqa: S608

    assert unsealed == 0


@pytest.fixture
def served(whole: System, fetched: Fetched) -> Iterator[System]:
    """The system with a poller, the large registry behind it."""
    del fetched
    whole.start("poller")
    whole.wait_until_started("poller")
    yield whole
    whole.stop("poller")


def test_retry_of_a_failed_registry_begins_anew(served: System) -> None:
    # OperationState 2 from the second page on: what came before it is stored and published.
    eshop = 300_201
    fetch(served, "failed", eshop)
    first = served.marketplace.wait_for(["failed"], ENDS)["failed"][-1]
    before = pages_asked(served, eshop)

    served.uprid("retry", "failed", "--note", "the provider was asked")
    wait_until(lambda: _ends(served, "failed") == [_FAILED] * 2, 30, "a second end")

    second = served.marketplace.of("failed")[-1]
    assert first.data["attempt"] + 1 == second.data["attempt"]
    assert pages_asked(served, eshop) - before == {0: 1, _PAGE: 1}
    assert first.data["result"]["invoices"] == _PAGE
    assert second.data["result"] == first.data["result"]


def test_retry_of_an_expired_registry_has_exact_sums(served: System) -> None:
    eshop = 300_103
    fetch(served, "expired", eshop)
    wait_until(lambda: pages_answered(served, eshop)[_PAGE] > 0, 30, "two pages")
    served.outage("down", "intellectmoney")
    wait_until(lambda: _is_overdue(served), 30, "a moment between two calls")
    served.marketplace.wait_for(["expired"], [_EXPIRED], timeout=60)
    served.outage("up", "intellectmoney")
    before = pages_asked(served, eshop)

    served.uprid("retry", "expired", "--note", "the provider is back")
    served.marketplace.wait_for(["expired"], [_SUCCEEDED], timeout=60)

    again = pages_asked(served, eshop) - before
    assert set(again) == {0, _PAGE, 2 * _PAGE, 3 * _PAGE}
    assert _ends(served, "expired") == [_EXPIRED, _SUCCEEDED]
    assert said(served.marketplace.of("expired")[-1].data["result"]) == expected(eshop)
    assert stored(served, eshop) == issued(eshop)


def test_resume_of_a_registry_goes_on_at_its_page(served: System) -> None:
    # Every page is the first one: the second ends before a person.
    eshop = 300_021
    fetch(served, "stuck", eshop)
    served.marketplace.wait_for(["stuck"], [WAITING])
    before = pages_asked(served, eshop)

    served.uprid("resume", "stuck", "--note", "that is right")
    wait_until(lambda: len(_waits(served)) == 2, 30, "a second wait")

    assert before == {0: 1, _PAGE: 1}
    # The page that was doubted is believed when it comes again; the one after it is not.
    assert pages_asked(served, eshop) - before == {_PAGE: 1, 2 * _PAGE: 1}


def _is_overdue(whole: System) -> bool:
    """Have its time be over, under any settings; False while it is worked on."""
    whole.execute(
        "UPDATE operation SET deadline_at = started_at, due_at = started_at"
        " WHERE reference = 'expired' AND lease_token IS NULL"
    )
    return whole.count("SELECT COUNT(*) FROM operation WHERE deadline_at = started_at") == 1


def _ends(whole: System, reference: str) -> list[str]:
    return [event.type for event in whole.marketplace.of(reference) if event.type in ENDS]


def _waits(whole: System) -> list[Event]:
    return [event for event in whole.marketplace.of("stuck") if event.type == WAITING]
