"""The marketplace's client against a real broker, and real databases for answers."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import redis
from cryptography.fernet import Fernet

from tests.support.engine.operations import accepted, claim, ended, write
from tests.support.messages.enqueued import arguments, enqueued
from tests.support.servers.valkey import ValkeyServer, valkey_server
from uprid_client import Client, Event, NotSendable
from uprid_client.errors import BrokerUnavailable, DatabaseUnavailable, MessageTooLarge, Unsealable
from uprid_client.names import LARGEST_MESSAGE, Provider
from uprid_client.sealing import Sealer
from worker.store.database import Database

KEY = Fernet.generate_key().decode()
STREAM = "uprid:events"
LATER = datetime(1990, 1, 31, tzinfo=UTC)
PERSON = {"profile": {"first_name": "Небывал", "cell_phone": "+79471236813"}}


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Client]:
    made = Client(valkey.url, [KEY])
    yield made
    made.close()


@pytest.fixture
def server(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    with valkey.client() as made:
        yield made


def told(server: redis.Redis, number: int, **data: object) -> str:
    """Put an event on the stream as the relay does; return its stream id."""
    fields = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "uprid-worker",
        "type": "uprid.operation.succeeded",
        "subject": f"order-{number}",
        "time": "2026-11-21T12:00:00.250Z",
        "datacontenttype": "application/json",
        "data": json.dumps({"reference": f"order-{number}", **data}),
    }
    stream_id: str = server.xadd(STREAM, fields)  # type: ignore[arg-type, assignment]
    return stream_id


def read(client: Client, consumer: str = "one", **options: Any) -> list[Event]:
    given = {"block": 0.05, "quiet": 0.05, **options}
    return list(client.events("shop", consumer, **given))


def pending(server: redis.Redis) -> int:
    summary: Any = server.xpending(STREAM, "shop")
    return int(summary["pending"])


def test_start_is_enqueued_sealed_and_masked(client: Client, server: redis.Redis) -> None:
    message_id = client.moneta.start_identification("order-1", 7, PERSON)

    (sent,) = enqueued(server, "moneta")
    assert sent["headers"]["id"] == message_id
    assert sent["headers"]["task"] == "tasks.moneta.start_identification"
    assert sent["headers"]["kwargsrepr"] == "{reference: 'order-1', unit_id: 7, sealed: …}"
    assert sent["headers"]["argsrepr"] == "()"
    assert sent["properties"]["body_encoding"] == "base64"


def test_date_in_a_payload_or_a_filter_goes_as_its_iso_text(
    client: Client, server: redis.Redis
) -> None:
    reference = UUID("01234567-89ab-cdef-0123-456789abcdef")
    passport = {"series": "4510", "number": "123456", "issued": date(2010, 2, 28)}
    client.npd.start_identification(
        str(reference), {"birth_date": date(1990, 1, 31), "middle_name": None, "passport": passport}
    )
    client.intellectmoney.fetch_invoices("order-2", {"date_from": date(2026, 1, 1), "state": None})
    client.enqueue("tasks.npd.start_identification", "mandarin", reference=reference)

    opened = client.open(arguments(enqueued(server, "npd")[0])["sealed"])
    assert opened == {
        "birth_date": "1990-01-31",
        "middle_name": None,
        "passport": {**passport, "issued": "2010-02-28"},
    }
    sent = arguments(enqueued(server, "intellectmoney")[0])
    assert sent["filters"] == {"date_from": "2026-01-01"}
    assert arguments(enqueued(server, "mandarin")[0])["reference"] == str(reference)


@pytest.mark.parametrize(
    ("send", "field"),
    [
        pytest.param(
            lambda c: c.moneta.start_identification("r", 7, {"document": {"issued": LATER}}),
            "payload.document.issued",
            id="moneta",
        ),
        pytest.param(
            lambda c: c.npd.start_identification("r", {"birth_date": LATER}),
            "payload.birth_date",
            id="npd",
        ),
        pytest.param(
            lambda c: c.npd.receive_notification({"userPhone": b"7947"}),
            "notification.userPhone",
            id="notification",
        ),
        pytest.param(
            lambda c: c.mandarin.start_identification("r", {"phone": {"7947"}}),
            "payload.phone",
            id="mandarin",
        ),
        pytest.param(
            lambda c: c.mandarin.submit_sms_code("r", b"7947"), "payload.sms_code", id="code"
        ),
        pytest.param(
            lambda c: c.intellectmoney.fetch_invoices("r", {"date_from": LATER}),
            "filters.date_from",
            id="invoices",
        ),
        pytest.param(
            lambda c: c.intellectmoney.fetch_scheduled_operations(
                "r", {"object_id": Decimal(7947)}
            ),
            "filters.object_id",
            id="list",
        ),
        pytest.param(
            lambda c: c.intellectmoney.save_scheduled_operation("r", {"params": float("nan")}),
            "operation.params",
            id="save",
        ),
        pytest.param(lambda c: c.retry("r", 1, "a", "n", {"x": {1}}), "payload.x", id="retry"),
        pytest.param(lambda c: c.seal({"x": LATER}), "payload.x", id="seal"),
        pytest.param(
            lambda c: c.enqueue("tasks.npd.x", "npd", reference=LATER), "reference", id="enqueue"
        ),
    ],
)
def test_what_no_message_can_carry_is_refused_by_its_place_and_not_sent(
    client: Client, server: redis.Redis, send: Callable[[Client], object], field: str
) -> None:
    with pytest.raises(NotSendable) as caught:
        send(client)

    assert caught.value.fields == (field,)
    assert field in str(caught.value)
    assert "7947" not in str(caught.value)
    assert not [queue for queue in Provider if server.llen(queue)]


def test_start_leaves_no_personal_value_in_the_broker(client: Client, server: redis.Redis) -> None:
    client.moneta.start_identification("order-1", 7, PERSON)

    (sent,) = enqueued(server, "moneta")
    whole = json.dumps([sent["headers"], arguments(sent)], ensure_ascii=False)
    assert "order-1" in whole
    assert "Небывал" not in whole
    assert "9471236813" not in whole


def test_retry_carries_corrected_data_sealed(client: Client, server: redis.Redis) -> None:
    client.retry("order-1", 1, "olga", "corrected", PERSON)

    (sent,) = enqueued(server, "operations")
    assert sent["headers"]["task"] == "tasks.operations.retry"
    assert client.open(arguments(sent)["sealed"]) == PERSON
    assert "corrected" not in sent["headers"]["kwargsrepr"]


@pytest.mark.parametrize(
    ("method", "more", "arguments_"),
    [
        ("retry", (), {}),
        ("resume", (), {}),
        ("resume", ("37027",), {"provider_ref": "37027"}),
        ("cancel", (), {}),
    ],
)
def test_decision_is_enqueued_for_the_on_call_queue(
    client: Client,
    server: redis.Redis,
    method: str,
    more: tuple[str, ...],
    arguments_: dict[str, str],
) -> None:
    getattr(client, method)("order-1", 2, "olga", "looked", *more)

    (sent,) = enqueued(server, "operations")
    assert sent["headers"]["task"] == f"tasks.operations.{method}"
    common = {"reference": "order-1", "attempt": 2, "by": "olga", "note": "looked"}
    assert arguments(sent) == {**common, **arguments_}
    assert "looked" not in sent["headers"]["kwargsrepr"]


def test_resolve_carries_the_verdict(client: Client, server: redis.Redis) -> None:
    client.resolve("order-1", 2, "rejected", "olga", "looked")

    (sent,) = enqueued(server, "operations")
    assert arguments(sent)["verdict"] == "rejected"


def test_callback_is_passed_on_to_the_providers_queue(client: Client, server: redis.Redis) -> None:
    client.moneta.receive_callback(37027)

    (sent,) = enqueued(server, "moneta")
    assert sent["headers"]["task"] == "tasks.moneta.receive_callback"
    assert arguments(sent) == {"async_id": 37027}


def test_message_that_no_worker_would_read_is_not_sent_and_its_argument_named(
    client: Client, server: redis.Redis
) -> None:
    payload = {**PERSON, "comment": "x" * 700_000}

    with pytest.raises(MessageTooLarge, match=r"sealed: has \d{7} bytes") as refused:
        client.moneta.start_identification("order-1", 7, payload)

    assert "xx" not in str(refused.value)
    assert enqueued(server, "moneta") == []


def test_largest_message_that_is_sent_is_one_that_workers_read(
    client: Client, server: redis.Redis
) -> None:
    fits = (LARGEST_MESSAGE - 8 * 1024) * 3 // 4 - 100

    client.enqueue("tasks.moneta.start_identification", "moneta", sealed="x" * fits)
    with pytest.raises(MessageTooLarge):
        client.enqueue("tasks.moneta.start_identification", "moneta", sealed="x" * (fits + 100))

    assert 0 < LARGEST_MESSAGE - len(str(server.lindex("moneta", 0))) < 8 * 1024


def test_client_opens_what_it_sealed_and_nothing_else(client: Client) -> None:
    assert client.open(client.seal(PERSON)) == PERSON
    with pytest.raises(Unsealable):
        client.open(Sealer([Fernet.generate_key().decode()]).seal(PERSON))


def test_client_says_that_the_broker_is_away() -> None:
    client = Client("redis://127.0.0.1:1/0", [KEY])

    with pytest.raises(BrokerUnavailable):
        client.moneta.start_identification("order-1", 7)
    with pytest.raises(BrokerUnavailable):
        read(client)
    client.close()


def test_client_imports_nothing_of_the_workers_and_of_their_libraries() -> None:
    loaded = (
        "import sys, uprid_client;"
        "print([m for m in sys.modules if m.partition('.')[0] in"
        " {'config', 'worker', 'tasks', 'celery', 'kombu', 'sqlalchemy', 'psycopg', 'structlog',"
        " 'requests', 'zeep', 'lxml', 'flower', 'stdnum'}])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == "[]"


def test_events_begin_with_the_oldest_for_a_new_group(client: Client, server: redis.Redis) -> None:
    ids = [told(server, number) for number in range(3)]

    events = read(client)

    assert [event.stream_id for event in events] == ids
    first = events[0]
    assert (first.id, first.type) == ("event-0", "uprid.operation.succeeded")
    assert first.subject == first.data["reference"] == "order-0"
    assert first.time.isoformat() == "2026-11-21T12:00:00.250000+00:00"
    assert pending(server) == 0


def test_events_are_read_once_by_a_group(client: Client, server: redis.Redis) -> None:
    told(server, 0)
    read(client)
    told(server, 1)

    assert [event.id for event in read(client, "two")] == ["event-1"]


def test_event_whose_loop_body_raised_comes_again(client: Client, server: redis.Redis) -> None:
    for number in range(3):
        told(server, number)

    def work() -> None:
        for event in client.events("shop", "one", block=0.05):
            if event.id == "event-1":
                raise LookupError

    with pytest.raises(LookupError):
        work()

    assert [event.id for event in read(client)] == ["event-1", "event-2"]


def test_event_of_a_dead_consumer_goes_to_another(client: Client, server: redis.Redis) -> None:
    told(server, 0)
    next(client.events("shop", "dies", block=0.05))

    assert read(client, "lives") == []
    assert [e.id for e in read(client, "lives", claim_after=0.001)] == ["event-0"]
    assert pending(server) == 0


def test_events_go_on_after_the_server_was_emptied(client: Client, server: redis.Redis) -> None:
    told(server, 0)
    events = client.events("shop", "one", block=0.05, quiet=5)
    assert next(events).id == "event-0"
    server.flushall()
    told(server, 0)

    assert next(events).id == "event-0"


def test_event_that_was_trimmed_while_pending_is_let_go(
    client: Client, server: redis.Redis
) -> None:
    told(server, 0)
    next(client.events("shop", "one", block=0.05))
    server.xtrim(STREAM, maxlen=0)

    assert read(client) == []
    assert pending(server) == 0


def test_event_opens_the_answer_that_it_carries(client: Client, server: redis.Redis) -> None:
    told(server, 0, sealed=Sealer([KEY]).seal_bytes(b"<answer/>"))
    told(server, 1)

    with_answer, without = read(client)

    assert with_answer.open() == b"<answer/>"
    assert without.open() is None
    assert "gAAAA" not in repr(with_answer)


def test_answer_is_read_from_the_database(
    database: Database, migrated_url: str, valkey: ValkeyServer
) -> None:
    (operation_id,) = accepted(database, "order-1")
    sealed = Sealer([KEY]).seal_bytes(b"<large/>")
    write(database, [ended(claim(database)[0], answer=sealed)])
    client = Client(valkey.url, [KEY], database_url=migrated_url)

    assert client.answer(operation_id, 1) == b"<large/>"
    assert client.answer(operation_id, 2) is None
    client.close()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite3", "postgres://uprid@127.0.0.1:1/none"]
)
def test_answer_says_that_the_database_is_away(valkey: ValkeyServer, url: str) -> None:
    client = Client(valkey.url, [KEY], database_url=url)

    with pytest.raises(DatabaseUnavailable):
        client.answer("0", 1)
    client.close()


@pytest.mark.parametrize(
    "url", ["postgresql://u:Lark#spur@h/d", "postgresql://u:Larkspur@h/d?pgbouncer=true", "h/d"]
)
def test_client_refuses_a_database_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"^database_url: ") as raised:
        Client("redis://127.0.0.1:1/0", [KEY], database_url=url)

    assert "spur" not in str(raised.value)


@pytest.mark.parametrize("url", [None, 6379, b"redis://127.0.0.1:1/0"])
def test_client_refuses_an_address_that_is_no_text(url: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=r"^redis_url: must be a text"):
        Client(url, [KEY])


def test_answer_needs_a_database_to_read_from(client: Client) -> None:
    with pytest.raises(ValueError, match="database_url"):
        client.answer("0", 1)


def test_send_is_taken_or_refused_by_a_broker_that_fails_over_again_and_again() -> None:
    with valkey_server() as broker:
        client, over = Client(broker.url, [KEY]), threading.Event()

        def fail_over() -> None:
            with broker.client() as server:
                while not over.wait(0.1):
                    server.execute_command("REPLICAOF", "127.0.0.1", "9")
                    over.wait(0.15)
                    server.execute_command("REPLICAOF", "NO", "ONE")

        failing_over = threading.Thread(target=fail_over)
        failing_over.start()
        refused = 0
        try:
            give_up = time.monotonic() + 5
            while time.monotonic() < give_up:
                try:
                    client.moneta.start_identification("order-1", 7)
                except BrokerUnavailable:
                    refused += 1
        finally:
            over.set()
            failing_over.join()
            client.close()

    assert refused > 0


@pytest.mark.parametrize("keys", [[], [""], ["x"], ["Небывал"], "Небывал"], ids=ascii)
def test_key_that_is_none_is_named_and_not_quoted(keys: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^seal_keys: must be Fernet keys") as caught:
        Client("redis://127.0.0.1:1/0", keys)

    assert "Небывал" not in str(caught.value)
    assert caught.value.__context__ is None


def test_one_key_is_taken_as_it_is() -> None:
    client = Client("redis://127.0.0.1:1/0", KEY)

    assert client.open(client.seal({"a": 1})) == {"a": 1}
    client.close()
