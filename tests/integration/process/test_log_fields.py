"""What a worker logs of messages: each field holds what its name says."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet

from tests.support.engine.operations import waiting
from tests.support.engine.parts import worker_parts
from tests.support.messages.people import person
from tests.support.providers.npd import notification
from tests.support.servers.valkey import ValkeyServer
from uprid_client.contract.states import State
from uprid_client.names import Provider, Task
from worker.intake import actions, callbacks, inputs, notifications, starts
from worker.intake.message import Message
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import CODE
from worker.providers.moneta.callback import CALLBACK
from worker.providers.npd.notification import NOTIFICATION
from worker.store.database import Database
from worker.store.inputs import Offered

Logged = list[MutableMapping[str, Any]]
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def runtime(
    migrated_url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A worker's parts, none of them running; its providers are never called."""
    settings = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": Fernet.generate_key().decode(),
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "UPRID_MONETA__URL": "http://127.0.0.1:1/services",
        "UPRID_MONETA__USERNAME": "u",
        "UPRID_MONETA__PASSWORD": "p",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
        "UPRID_MONETA__FULL_GROUP_ID": "2",
        "UPRID_MANDARIN__URL": "http://127.0.0.1:1",
        "UPRID_MANDARIN__MERCHANT_ID": "1",
        "UPRID_MANDARIN__SECRET": "s",
        "UPRID_NPD__URL": "http://127.0.0.1:1/npdapi",
        "UPRID_NPD__SECURITY_KEY": "k",
        "UPRID_NPD__SECRET_KEY": "s",
    }
    with worker_parts(monkeypatch, valkey.url, settings) as made:
        yield made


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


@pytest.fixture
def logged() -> Iterator[Logged]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def one(logged: Logged, event: str) -> dict[str, Any]:
    """Return the fields of the one line of an event."""
    [line] = [line for line in logged if line["event"] == event]
    return {k: v for k, v in line.items() if k not in {"event", "log_level"}}


def message(task: Task, **arguments: object) -> Message:
    return Message("message-1", task.value, (), arguments)


def test_a_start_is_logged_by_reference_and_provider(runtime: Runtime, logged: Logged) -> None:
    sealed = runtime.sealer.seal(person(0))
    given = message(Task.MONETA_START, reference="order-1", unit_id=7, sealed=sealed)
    starts.start(Provider.MONETA, "identification")(runtime, given)

    told = {"reference": "order-1", "provider": "moneta", "taken": "new"}
    assert one(logged, "start_taken") == told


def test_an_action_is_logged_by_its_name_and_what_it_acted_on(
    runtime: Runtime, database: Database, logged: Logged
) -> None:
    waiting(database, State.POLLING)
    actions.cancel(
        runtime, message(Task.CANCEL, reference="order-1", attempt=1, by="anna", note="asked")
    )

    told = {"action": "cancel", "reference": "order-1", "attempt": 1, "done": "done"}
    assert one(logged, "acted") == told


def test_a_refusal_is_logged_by_task_and_fields(runtime: Runtime, logged: Logged) -> None:
    actions.cancel(runtime, message(Task.CANCEL, reference="order-1", attempt="first"))

    refused = one(logged, "message_refused")
    assert refused.keys() == {"task_id", "task", "code", "fields"}
    assert (refused["task"], refused["code"]) == ("tasks.operations.cancel", "invalid_message")
    assert {"attempt", "by", "note", "reference"} == set(refused["fields"])


def test_a_callback_of_nobody_is_logged_by_its_provider(runtime: Runtime, logged: Logged) -> None:
    callbacks.take(CALLBACK)(runtime, message(Task.MONETA_CALLBACK, async_id=5))

    assert one(logged, "callback_unknown") == {"provider": "moneta"}


def test_a_notification_is_logged_by_its_provider_and_what_became_of_it(
    runtime: Runtime, logged: Logged
) -> None:
    sealed = runtime.sealer.seal(notification())
    notifications.take(NOTIFICATION)(runtime, message(Task.NPD_NOTIFICATION, sealed=sealed))

    assert one(logged, "notification_heard") == {"provider": "npd", "heard": "unmatched"}


def test_a_code_is_logged_by_its_reference_and_what_became_of_it(
    runtime: Runtime, logged: Logged
) -> None:
    sealed = runtime.sealer.seal({"sms_code": "1234"})
    inputs.take(CODE)(runtime, message(Task.MANDARIN_CODE, reference="order-1", sealed=sealed))

    offered = one(logged, "code_offered")
    assert offered["reference"] == "order-1"
    assert offered["offered"] in {each.value for each in Offered}
    assert "1234" not in str(logged)
