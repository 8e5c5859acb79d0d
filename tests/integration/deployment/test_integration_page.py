"""The code of docs/integration.md, run as it stands there against a real broker."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery
from cryptography.fernet import Fernet

from config.settings import load
from tests.support.engine.invoices import invoice, money, store
from tests.support.engine.operations import accepted, operation, waiting
from tests.support.messages.enqueued import arguments, enqueued
from tests.support.servers.fresh import SqliteFiles
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Event
from uprid_client.contract.arguments import Start
from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider, Task
from uprid_client.sealing import Sealer
from worker.domain.outcomes import Reason
from worker.intake.message import Message, Reading
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.mandarin.codes import read_code
from worker.providers.protocol import Plugin
from worker.providers.registry import plugins_of
from worker.providers.resources import Resources
from worker.store.database import Database

PAGE = (Path(__file__).parents[3] / "docs" / "integration.md").read_text("utf-8")
GOLDEN = json.loads((Path(__file__).parents[2] / "golden/0.1.0/events.json").read_text("utf-8"))
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KEY = Fernet.generate_key().decode()
KINDS = {
    Task.MONETA_START: "identification",
    Task.NPD_START: "identification",
    Task.MANDARIN_START: "identification",
    Task.INTELLECTMONEY_INVOICES: "invoices",
    Task.INTELLECTMONEY_LIST: "scheduled_operations",
    Task.INTELLECTMONEY_SAVE: "save_scheduled_operation",
}
PROVIDERS = {
    "UPRID_MONETA__URL": "http://127.0.0.1:1/services",
    "UPRID_MONETA__USERNAME": "u",
    "UPRID_MONETA__PASSWORD": "p",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
    "UPRID_MONETA__FULL_GROUP_ID": "2",
    "UPRID_NPD__URL": "http://127.0.0.1:1/npdapi",
    "UPRID_NPD__SECURITY_KEY": "k",
    "UPRID_NPD__SECRET_KEY": "s",
    "UPRID_MANDARIN__URL": "http://127.0.0.1:1",
    "UPRID_MANDARIN__MERCHANT_ID": "42",
    "UPRID_MANDARIN__SECRET": "s",
    "UPRID_INTELLECTMONEY__URL": "http://127.0.0.1:1/personal",
    "UPRID_INTELLECTMONEY__LOGIN": "l",
    "UPRID_INTELLECTMONEY__PASSWORD": "p",
}


@pytest.fixture
def databases(sqlite: SqliteFiles) -> SqliteFiles:
    """SQLite alone: what the client reads, tests/integration/test_client*.py hold on both."""
    return sqlite


@pytest.fixture
def page(
    valkey: ValkeyServer, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """What the page's code has defined, once all of it was run."""
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("UPRID_SEAL_KEYS", KEY)
    monkeypatch.setenv("DATABASE_URL", migrated_url)
    names: dict[str, Any] = {}
    for code in CODE:
        exec(compile(code, "integration.md", "exec"), names)  # noqa: S102 - the page's own code
    yield names
    names["client"].close()


@pytest.fixture
def server(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    with valkey.client() as made:
        yield made


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Mapping[Provider, Plugin]]:
    database = Database(f"sqlite:///{tmp_path / 'never_asked'}", connections=1)
    shelf_of = partial(StoredAccessTokens, database, Sealer([KEY]))
    made = plugins_of(Resources(load(environment=PROVIDERS), shelf_of))
    yield made
    database.dispose()


def sent(server: redis.Redis) -> list[tuple[Task, str, dict[str, Any]]]:
    """Return all messages: task, queue, arguments."""
    queues = (*Provider, "operations")
    return [
        (Task(message["headers"]["task"]), str(queue), arguments(message))
        for queue in queues
        for message in enqueued(server, queue)
    ]


@pytest.mark.usefixtures("page")
def test_page_sends_every_task_that_starts_something(server: redis.Redis) -> None:
    tasks = {task for task, _, _ in sent(server)}

    assert tasks == {*KINDS, Task.MANDARIN_CODE, Task.RETRY, Task.CANCEL}


@pytest.mark.usefixtures("page")
def test_page_sends_data_that_every_provider_accepts(
    server: redis.Redis, plugins: Mapping[Provider, Plugin]
) -> None:
    for task, queue, given in sent(server):
        if task not in KINDS:
            continue
        reading = Reading(Message("id", task, (), given), Start, has_others=True)
        payload = reading.payload(Sealer([KEY]))
        plugins[Provider(queue)].accept(KINDS[task], reading.others(), payload)
        assert reading.sound().reference == given["reference"]


@pytest.mark.usefixtures("page")
def test_page_sends_a_code_and_corrected_data_that_are_accepted(
    server: redis.Redis, plugins: Mapping[Provider, Plugin]
) -> None:
    by_task = {task: given for task, _, given in sent(server)}
    sealer = Sealer([KEY])

    assert read_code(sealer.open(by_task[Task.MANDARIN_CODE]["sealed"])) == "4096"
    corrected = sealer.open(by_task[Task.RETRY]["sealed"])
    assert plugins[Provider.MANDARIN].correct("identification", {}, corrected).payload


@pytest.mark.parametrize("kind", EventType)
def test_page_handles_every_event(page: Mapping[str, Any], kind: EventType) -> None:
    reason = Reason(ReasonCode.DEADLINE_PASSED, "Why.", retryable=False).as_json()
    data = {"attempts_left": 5, "missing": "sms_code", "fields": ["reference"], "state": "failed"}
    event = SimpleNamespace(
        id="1", type=kind.value, subject="order-17", data={**data, "reason": reason},
        time=datetime.now(UTC),
    )  # fmt: skip

    assert page["handle"](event)
    assert page["handle"](event) == "nothing: it came before"


class Enough(Exception):
    """The page's loop has taken everything that it was to take."""


def test_page_goes_on_through_everything_that_stands_on_the_stream(
    page: dict[str, Any], server: redis.Redis
) -> None:
    server.xadd("uprid:events", {"ping": "1"})
    for fields in GOLDEN.values():
        server.xadd("uprid:events", fields)
    newer = {**GOLDEN["uprid.operation.accepted"], "id": "newer", "type": "uprid.weather.changed"}
    server.xadd("uprid:events", newer)
    server.xadd("uprid:events", {**newer, "id": "last"})
    handle, taken = page["handle"], []

    def counted(event: Event) -> None:
        if event.id == "last":
            raise Enough
        handle(event)
        taken.append(event.type)

    page["handle"] = counted
    with pytest.raises(Enough):
        page["consume"]()

    assert taken == [*GOLDEN, "uprid.weather.changed"]


def test_page_reads_an_answer_that_the_event_carries_and_one_that_it_does_not(
    page: dict[str, Any], database: Database
) -> None:
    token = Sealer([KEY]).seal_bytes(b"<answer/>")
    reason = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows.")
    waiting(database, State.POLLING, reason, "order-17", answer=token)
    carried = {"operation_id": operation(database, "order-17")["id"], "attempt": 1}

    event = SimpleNamespace(data=carried, open=lambda: b"carried")
    assert page["whole_answer"](event) == b"<answer/>"
    event.data = {**carried, "sealed": token}
    assert page["whole_answer"](event) == b"carried"


def test_page_adds_up_what_was_paid(page: dict[str, Any], database: Database) -> None:
    [operation_id] = accepted(database, "registry-2026-07")
    paid = invoice(1, personal={}, transactions=[])
    store(
        database,
        operation_id,
        [
            paid,
            replace(paid, id=2, amount=money("2.50", "TST")),
            replace(paid, id=3, state="Created"),
        ],
    )

    assert page["paid_roubles"]("registry-2026-07") == {1: "11.0000"}


def test_page_passes_a_notification_on(page: Mapping[str, Any], server: redis.Redis) -> None:
    members = {"notificationId": 1, "upridAsyncStatus": "SUCCESS"}

    assert page["npd_notification"](json.dumps(members).encode()) == 200

    given = arguments(enqueued(server, "npd")[-1])
    assert Sealer([KEY]).open(given["sealed"]) == members


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff"], ids=["empty", "list", "no text"])
def test_page_refuses_what_is_no_notification(page: Mapping[str, Any], body: bytes) -> None:
    assert page["npd_notification"](body) == 400


def test_page_passes_a_callback_on(page: Mapping[str, Any], server: redis.Redis) -> None:
    assert page["moneta_callback"]("37027") == 200
    assert page["moneta_callback"]("٣٧") == 400

    assert arguments(enqueued(server, "moneta")[-1]) == {"async_id": 37027}


def test_page_shows_a_message_that_celery_reads(valkey: ValkeyServer, server: redis.Redis) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    body = json.dumps([[], {"reference": "order-17", "unit_id": 1000}, {}])
    filled = {"BODY": base64.b64encode(body.encode()).decode(), "UUID": "u-1"}
    for name, value in filled.items():
        shown = re.sub(rf'"(?:ANOTHER-)?{name}"', json.dumps(value), shown)

    server.lpush("moneta", shown)

    app = Celery("reader", broker=valkey.url, set_as_current=False)
    with app.connection_for_read() as connection, connection.SimpleQueue("moneta") as queue:
        message = queue.get(timeout=5)
        message.ack()
    assert message.headers["task"] == Task.MONETA_START
    assert message.payload == json.loads(body)
    app.close()
