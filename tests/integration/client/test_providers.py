"""The client's doors: what lies in the broker after each of them."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast

import pytest
import redis
from cryptography.fernet import Fernet

from tests.support.messages.enqueued import arguments, enqueued
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable

KEY = Fernet.generate_key().decode()
PERSON = {"last_name": "Небывал", "phone": "+79471236813", "inn": "501716749325"}
NOTIFICATION = {
    "upridAsyncId": "3702700112",
    "userPhone": "79471236813",
    "mntAccountId": "12345678",
}

Send = Callable[[Client], str]


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Client]:
    made = Client(valkey.url, [KEY])
    yield made
    made.close()


@pytest.fixture
def server(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    with valkey.client() as made:
        yield made


SEALED = [
    pytest.param(
        lambda client: client.npd.start_identification("r", PERSON),
        "npd", "start_identification", {"reference": "r"}, PERSON, id="npd",
    ),
    pytest.param(
        lambda client: client.npd.start_identification("r", PERSON, unit_id=7),
        "npd", "start_identification", {"reference": "r", "unit_id": 7}, PERSON,
        id="npd with a unit",
    ),
    pytest.param(
        lambda client: client.npd.receive_notification(NOTIFICATION),
        "npd", "receive_notification", {}, NOTIFICATION, id="npd notification",
    ),
    pytest.param(
        lambda client: client.mandarin.start_identification("r", PERSON),
        "mandarin", "start_identification", {"reference": "r"}, PERSON, id="mandarin",
    ),
    pytest.param(
        lambda client: client.mandarin.submit_sms_code("r", "314159"),
        "mandarin", "submit_sms_code", {"reference": "r"}, {"sms_code": "314159"},
        id="mandarin code",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("send", "provider", "task", "clear", "payload"), SEALED)
def test_what_is_personal_is_enqueued_sealed(
    client: Client,
    server: redis.Redis,
    send: Send,
    provider: str,
    task: str,
    clear: dict[str, Any],
    payload: dict[str, str],
) -> None:
    message_id = send(client)

    (sent,) = enqueued(server, provider)
    assert (sent["headers"]["id"], sent["headers"]["task"]) == (
        message_id, f"tasks.{provider}.{task}",
    )  # fmt: skip
    given = arguments(sent)
    assert client.open(given.pop("sealed")) == payload
    assert given == clear
    whole = json.dumps([sent["headers"], arguments(sent)], ensure_ascii=False)
    assert not [value for value in payload.values() if value in whole]


@pytest.mark.parametrize(
    ("send", "task", "clear"),
    [
        pytest.param(
            lambda client: client.intellectmoney.fetch_invoices(
                "r", {"eshop_id": 450_063, "date_from": date(2026, 11, 1), "state": None}
            ),
            "fetch_invoices",
            {"reference": "r", "filters": {"eshop_id": 450_063, "date_from": "2026-11-01"}},
            id="invoices",
        ),
        pytest.param(
            lambda client: client.intellectmoney.fetch_invoices("r"),
            "fetch_invoices",
            {"reference": "r", "filters": {}},
            id="all invoices",
        ),
        pytest.param(
            lambda client: client.intellectmoney.fetch_scheduled_operations(
                "r", {"object_id": 3_930_949_846}
            ),
            "fetch_scheduled_operations",
            {"reference": "r", "filters": {"object_id": 3_930_949_846}},
            id="scheduled operations",
        ),
        pytest.param(
            lambda client: client.intellectmoney.save_scheduled_operation(
                "r",
                {
                    "object_id": 1,
                    "params": {"Amount": 15},
                    "end_exec_date": date(2026, 12, 1),
                },
            ),
            "save_scheduled_operation",
            {
                "reference": "r",
                "operation": {
                    "object_id": 1,
                    "params": {"Amount": 15},
                    "end_exec_date": "2026-12-01",
                },
            },
            id="save",
        ),
    ],
)
def test_searches_and_schedules_go_in_clear_and_are_shown_to_nobody(
    client: Client, server: redis.Redis, send: Send, task: str, clear: dict[str, Any]
) -> None:
    send(client)

    (sent,) = enqueued(server, "intellectmoney")
    assert sent["headers"]["task"] == f"tasks.intellectmoney.{task}"
    assert arguments(sent) == clear
    shown = [f"{name}: {chr(39) + 'r' + chr(39) if name == 'reference' else '…'}" for name in clear]
    assert sent["headers"]["kwargsrepr"] == "{" + ", ".join(shown) + "}"


@pytest.mark.parametrize("filters", [[], "", 0, False], ids=repr)
def test_filters_that_are_no_object_are_not_taken_for_none(
    client: Client, server: redis.Redis, filters: object
) -> None:
    client.intellectmoney.fetch_invoices("r", cast("dict[str, Any]", filters))

    (sent,) = enqueued(server, "intellectmoney")
    assert arguments(sent) == {"reference": "r", "filters": filters}


def test_doors_say_that_the_broker_is_away() -> None:
    client = Client("redis://127.0.0.1:1/0", [KEY])

    with pytest.raises(BrokerUnavailable):
        client.mandarin.submit_sms_code("r", "1")
    client.close()
