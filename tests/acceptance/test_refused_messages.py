"""Bad input to the tasks of Mandarin, NPD and IntellectMoney: refused as MONETA's is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.messages.bad_input import (
    Bad,
    assert_refused,
    plain,
    said_of,
    sealing,
    send_twice,
    sizes,
)
from tests.support.messages.bad_messages import (
    BAD,
    BAD_SNILS,
    ESHOP,
    INVOICES_USED,
    LIST_USED,
    LONG,
    MANDARIN_PERSON,
    MANDARIN_PHONE,
    MANDARIN_USED,
    MONETA_USED,
    NOTIFICATION_DATA,
    NPD_PERSON,
    NPD_USED,
    OBJECT,
    SAVE_USED,
    SPENT,
    SPENT_PHONE,
    UNIT,
    USED,
)
from tests.support.messages.marketplace import (
    ACCEPTED,
    CODE,
    ENDS,
    INPUT_REQUIRED,
    INVOICES,
    LIST_SCHEDULED,
    MANDARIN,
    NOTIFICATION,
    NPD,
    SAVE_SCHEDULED,
    STARTED,
    Marketplace,
)
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.providers.payloads import (
    magic_phone,
    mandarin_person,
    npd_person,
    right_code,
    scheduled_change,
)
from tests.support.servers.fresh import SqliteFiles, ValkeyServer, valkey_server

_TABLES: Final = (
    "operation", "attempt", "input", "notice", "invoice", "invoice_transaction",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The messages were all sent and refused: the tests below only read."""

    system: System
    #: Message ids, by the table's ids.
    sent: dict[str, str]
    before: dict[str, int]
    calls: dict[str, Any]


@pytest.fixture(scope="module")
def run(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """References that are used, then every bad message twice with one id."""
    directory = tmp_path_factory.mktemp("bad-input-further")
    with (
        valkey_server() as broker,
        system(directory, broker, sqlite_url, every_provider=True) as whole,
    ):
        # All that waits, waits for longer than this test.
        whole.start_sandbox(delay=0, task_timeout=3_600)
        whole.start("worker", "poller")
        _use(whole)
        before, calls = sizes(whole, _TABLES), _effects(whole)
        sent = send_twice(whole.marketplace, BAD)
        last = BAD[-1]
        whole.marketplace.wait_for_refusal(sent[last.id], timeout=60)
        yield Run(whole, sent, before, calls)


def _use(whole: System) -> None:
    shop = whole.marketplace
    shop.start(MONETA_USED, UNIT)
    shop.send(NPD, "npd", reference=NPD_USED, sealed=shop.seal(NPD_PERSON))
    shop.send(MANDARIN, "mandarin", reference=MANDARIN_USED, sealed=shop.seal(MANDARIN_PERSON))
    sealed = shop.seal(mandarin_person(3, SPENT_PHONE))
    shop.send(MANDARIN, "mandarin", reference=SPENT, sealed=sealed)
    queue = "intellectmoney"
    shop.send(INVOICES, queue, reference=INVOICES_USED, filters={"eshop_id": ESHOP})
    shop.send(LIST_SCHEDULED, queue, reference=LIST_USED, filters={"object_id": OBJECT})
    change = scheduled_change(OBJECT)
    shop.send(SAVE_SCHEDULED, queue, reference=SAVE_USED, operation=change)
    shop.wait_for([MANDARIN_USED, SPENT], [INPUT_REQUIRED], timeout=60)
    _give(shop, MANDARIN_USED, right_code(MANDARIN_PHONE))
    for number in range(5):
        _give(shop, SPENT, f"{number}")
    shop.wait_for(set(USED) - {NPD_USED, SPENT}, ENDS, timeout=60)
    shop.wait_for([NPD_USED], [STARTED], timeout=60)
    wait_until(lambda: whole.count("SELECT COUNT(*) FROM input") == 6, 30, "codes to be stored")
    # The first is sent; the others wait for its verdict, which never comes.
    counted = f"SELECT inputs_sent FROM operation WHERE reference = '{SPENT}'"  # noqa: S608
    wait_until(lambda: whole.count(counted) == 1, 30, "the first code to be sent")


def _give(shop: Marketplace, reference: str, code: str) -> None:
    shop.send(CODE, "mandarin", reference=reference, sealed=shop.seal({"sms_code": code}))


def _effects(whole: System) -> dict[str, Any]:
    """Return how often the providers were asked for anything that costs or has effect."""
    return {
        "moneta": whole.calls()["requests"].get("submit", 0),
        "npd": whole.calls_of("npd")["requests"],
        "mandarin": {
            name: whole.calls_of("mandarin")["requests"].get(name) for name in ("submit", "code")
        },
        "intellectmoney": whole.calls_of("intellectmoney")["requests"],
    }


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_bad_message_is_refused_once_and_names_its_fields(run: Run, bad: Bad) -> None:
    assert_refused(run.system.marketplace, bad, run.sent[bad.id])


def test_refusals_quote_no_value(run: Run) -> None:
    told = [
        said_of(refusal)
        for refusals in run.system.marketplace.refusals().values()
        for refusal in refusals
    ]
    people = (NPD_PERSON, NPD_PERSON["passport"], MANDARIN_PERSON, npd_person(4))
    values = {str(v) for person in people for v in person.values() if isinstance(v, str)}
    values |= {BAD_SNILS, "501716749325", "7707083893", "31415", "3141X", LONG, "61234567"}
    values |= {"Ivan", "gAAAA", "SUSPENDED", "receipt", "Lost", "31.01.", "+1 202", "0 0 25"}
    assert [value for value in values if any(value in each for each in told)] == []


def test_refusals_change_nothing(run: Run) -> None:
    assert sizes(run.system, _TABLES) == run.before
    assert _effects(run.system) == run.calls


def test_refusal_is_shown_under_its_reference(run: Run) -> None:
    shown = run.system.show("bad-mandarin-both")

    assert shown["state"] is None
    assert [each["what"] for each in shown["timeline"]] == ["refused"]
    assert shown["timeline"][0]["fields"] == ["snils", "inn"]


def test_refusal_is_shown_beside_what_happened_to_the_operation(run: Run) -> None:
    happened = run.system.show(SPENT)["timeline"]

    sixth = [each for each in happened if each.get("message_id") == run.sent["code-the-sixth"]]
    assert [each["reason"]["message"] for each in sixth] == [
        "sealed: all 5 codes of this session are spent: retry for a new one"
    ]


def test_workers_go_on_after_it(run: Run) -> None:
    shop = run.system.marketplace

    # A refusal consumes no reference.
    good = {
        "bad-npd-snils-checksum": (NPD, "npd", npd_person(6, magic_phone(6, 0))),
        "bad-mandarin-both": (MANDARIN, "mandarin", mandarin_person(7, magic_phone(7, 0))),
    }
    for reference, (task, queue, payload) in good.items():
        shop.send(task, queue, reference=reference, sealed=shop.seal(payload))
    shop.send(INVOICES, "intellectmoney", reference="bad-invoices-page-of-none", filters={})

    references = [*good, "bad-invoices-page-of-none"]
    shop.wait_for(references, [ACCEPTED], timeout=30)
    assert run.system.is_running("worker")
    assert run.system.is_running("poller")
    wait_until(
        lambda: sum(shop.redis.llen(queue) for queue in ("npd", "mandarin", "intellectmoney")) == 0,
        30,
        "the queues to be empty",
    )


_TASKS_OFF: Final = {
    NPD: ("NPD", sealing(NPD_PERSON)),
    NOTIFICATION: ("NPD", sealing(NOTIFICATION_DATA)),
    MANDARIN: ("MANDARIN", sealing(MANDARIN_PERSON)),
    CODE: ("MANDARIN", sealing({"sms_code": "31415"})),
    INVOICES: ("INTELLECTMONEY", plain(filters={})),
    LIST_SCHEDULED: ("INTELLECTMONEY", plain(filters={})),
    SAVE_SCHEDULED: ("INTELLECTMONEY", plain(operation=scheduled_change(OBJECT))),
}


def test_tasks_of_a_provider_that_is_off_are_refused_aloud(
    sqlite: SqliteFiles, own_broker: ValkeyServer, tmp_path: Path
) -> None:
    with system(tmp_path, own_broker, sqlite.create_database(bring_to_newest)) as whole:
        whole.start("worker")
        shop = whole.marketplace
        for task, (block, make) in _TASKS_OFF.items():
            arguments = make(shop)
            if task != NOTIFICATION:
                arguments["reference"] = f"off-{task}"
            message_id = shop.send(task, task.split(".")[1], **arguments)

            data = shop.wait_for_refusal(message_id, timeout=60).data

            assert f"UPRID_{block}__URL" in data["reason"]["message"], task
            assert data["fields"] == []
        assert whole.count("SELECT COUNT(*) FROM operation WHERE reference LIKE 'off-%'") == 0
        assert whole.is_running("worker")
