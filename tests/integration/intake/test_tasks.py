"""Codes and notifications as the worker takes them: refused with an event, or kept sealed, once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from tests.support.engine.operations import operation, start, told, types
from tests.support.engine.parts import worker_parts
from tests.support.providers.npd import notification
from tests.support.servers.valkey import ValkeyServer
from uprid_client.contract.states import State
from uprid_client.names import Provider, Task
from worker.intake import inputs, notifications
from worker.intake.message import Message
from worker.intake.starts import start as starting
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import CODE
from worker.providers.npd.notification import NOTIFICATION
from worker.store import messages
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, INPUTS, NOTIFICATIONS, OPERATIONS

KEY = Fernet.generate_key().decode()
FAR = timedelta(minutes=5)


@pytest.fixture
def runtime(
    migrated_url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A worker's parts, none of them running; its providers are never called."""
    settings = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "UPRID_MANDARIN__URL": "http://127.0.0.1:1",
        "UPRID_MANDARIN__MERCHANT_ID": "43913ddc000c4d3990fddbd3980c1725",
        "UPRID_MANDARIN__SECRET": "secret",
        "UPRID_NPD__URL": "http://127.0.0.1:1/npdapi",
        "UPRID_NPD__SECURITY_KEY": "us",
        "UPRID_NPD__SECRET_KEY": "secret",
    }
    with worker_parts(monkeypatch, valkey.url, settings) as made:
        yield made


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


def in_progress(runtime: Runtime, provider: Provider, **columns: object) -> None:
    """Store `order-1` as one that is being polled, its next poll far away."""
    now = runtime.database.now()
    said = notification()
    subject_hash = runtime.fingerprinter.of_subject(provider, str(said["userPhone"]))
    begun = replace(start(give_up_at=now + FAR), provider=provider.value, subject_hash=subject_hash)
    with runtime.database.begin() as connection:
        messages.accept(connection, begun, now)
        values = {"state": "polling", "due_at": now + FAR, "lane": 1, **columns}
        connection.execute(update(OPERATIONS).values(**values))
        connection.execute(update(ATTEMPTS).values(provider_ref=values.get("provider_ref")))


def wanting(runtime: Runtime) -> None:
    in_progress(runtime, Provider.MANDARIN, missing="sms_code", provider_ref="session")


def code(
    runtime: Runtime, payload: object = None, message: str = "message-1", **changes: object
) -> None:
    given: dict[str, Any] = {
        "reference": "order-1",
        "sealed": runtime.sealer.seal({"sms_code": "1234"} if payload is None else payload),
        **changes,
    }
    inputs.take(CODE)(runtime, Message(message, Task.MANDARIN_CODE.value, (), given))


def notify(
    runtime: Runtime, payload: object = None, message: str = "message-1", **changes: object
) -> None:
    sealed = runtime.sealer.seal(notification() if payload is None else payload)
    notifications.take(NOTIFICATION)(
        runtime, Message(message, Task.NPD_NOTIFICATION.value, (), {"sealed": sealed, **changes})
    )


def rows(database: Database, table: Any) -> list[Any]:  # noqa: ANN401 - either table
    with database.read() as connection:
        return list(connection.execute(select(table)).mappings())


def refusals(database: Database) -> list[str]:
    """Return why messages were refused."""
    return [
        e.data["reason"]["message"] for e in told(database) if e.type.endswith("message.refused")
    ]


# Starts


@pytest.mark.parametrize(
    ("sealed", "said"),
    [
        pytest.param({}, "sealed is missing", id="missing"),
        pytest.param(
            {"sealed": Fernet(Fernet.generate_key()).encrypt(b"{}").decode()},
            "sealed: does not open: seal it with one of UPRID_SEAL_KEYS, over UTF-8 JSON "
            "without a name twice",
            id="of another key",
        ),
        pytest.param(
            {"sealed": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.BBBB.CCCC"},
            "sealed: must be a Fernet token",
            id="a JWE",
        ),
    ],
)
@pytest.mark.parametrize("provider", [Provider.NPD, Provider.MANDARIN])
def test_start_says_once_what_is_wrong_with_its_token(
    runtime: Runtime, database: Database, provider: Provider, sealed: dict[str, str], said: str
) -> None:
    message = Message("m-1", "t", (), {"reference": "order-1", "surprise": 1, **sealed})

    starting(provider, "identification")(runtime, message)

    [reason] = refusals(database)
    assert set(reason.split("; ")) == {said, "surprise is not known: remove it"}


def test_reason_of_a_refusal_has_its_code(runtime: Runtime, database: Database) -> None:
    token = runtime.sealer.seal({})
    starting(Provider.NPD, "identification")(
        runtime, Message("m-1", "t", (), {"reference": "order-1", "sealed": token})
    )
    starting(Provider.MONETA, "identification")(
        runtime, Message("m-2", "t", (), {"reference": "order-2", "unit_id": 1})
    )

    codes_of = [(e.data["reason"]["code"], e.data["reason"]["retryable"]) for e in told(database)]
    assert codes_of == [("invalid_message", False), ("provider_off", True)]


# Codes


def test_code_is_kept_sealed_and_makes_its_operation_due(
    runtime: Runtime, database: Database
) -> None:
    wanting(runtime)

    code(runtime)

    [row] = rows(database, INPUTS)
    assert runtime.sealer.open(row["sealed"]) == {"sms_code": "1234"}
    assert "1234" not in row["fingerprint"]
    one = operation(database)
    assert (one["lane"], one["inputs_waiting"]) == (0, 1)
    assert one["due_at"] <= database.now()
    assert refusals(database) == []


def test_code_that_comes_again_counts_once_and_is_not_refused(
    runtime: Runtime, database: Database
) -> None:
    wanting(runtime)

    code(runtime, message="message-1")
    code(runtime, message="message-1")
    code(runtime, message="message-2")

    assert len(rows(database, INPUTS)) == 1
    assert refusals(database) == []


def test_sixth_code_is_refused_once_and_aloud(runtime: Runtime, database: Database) -> None:
    wanting(runtime)
    for number in range(6):
        code(runtime, {"sms_code": f"{number}000"}, f"message-{number}")
    code(runtime, {"sms_code": "5000"}, "message-5")

    assert len(rows(database, INPUTS)) == 5
    [reason] = refusals(database)
    assert "all 5 codes of this session are spent" in reason
    assert "5000" not in reason


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"state": "succeeded"}, "is succeeded: it takes no code", id="it has ended"),
        pytest.param({"provider": "npd"}, "is not mandarin's", id="another provider"),
        pytest.param({"reference": "order-2"}, "no operation has it", id="unknown"),
    ],
)
def test_code_that_nobody_wants_is_refused(
    runtime: Runtime, database: Database, columns: dict[str, object], expected: str
) -> None:
    wanting(runtime)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(**columns))

    code(runtime)

    [reason] = refusals(database)
    assert expected in reason
    assert rows(database, INPUTS) == []


def test_code_message_is_refused_with_all_its_faults_and_none_of_its_values(
    runtime: Runtime, database: Database
) -> None:
    wanting(runtime)

    code(runtime, {"sms_code": ["13579"]}, reference=" ", color="red")

    [event] = [e for e in told(database) if e.type.endswith("message.refused")]
    assert {"reference", "color"} <= set(event.data["fields"])
    assert any("sms_code" in name for name in event.data["fields"])
    assert "13579" not in str(event.data)
    assert rows(database, INPUTS) == []


# Notifications


def listening(runtime: Runtime, **columns: object) -> None:
    ref = str(notification()["upridAsyncId"])
    in_progress(runtime, Provider.NPD, provider_ref=ref, **columns)


def test_notification_is_kept_sealed_and_wakes_its_operation(
    runtime: Runtime, database: Database
) -> None:
    listening(runtime)

    notify(runtime)
    notify(runtime, message="message-2")

    [row] = rows(database, NOTIFICATIONS)
    assert runtime.sealer.open(row["sealed"])["status"] == "SUCCESS"
    phone = str(notification()["userPhone"])
    assert phone not in str(dict(row))
    one = operation(database)
    assert (one["notices"], one["state"]) == (1, "polling")
    assert one["due_at"] <= database.now()
    assert (types(database), refusals(database)) == (["operation.accepted"], [])


def test_notification_of_nobody_is_kept_and_tells_nothing(
    runtime: Runtime, database: Database
) -> None:
    listening(runtime)

    notify(runtime, notification(userPhone="79990000001"))

    assert [row["operation_id"] for row in rows(database, NOTIFICATIONS)] == [None]
    assert operation(database)["notices"] == 0
    assert types(database) == ["operation.accepted"]


@pytest.mark.parametrize(
    ("status", "late"), [pytest.param("SUCCESS", 1, id="news"), pytest.param("EXPIRED", 0, id="no")]
)
def test_notification_after_an_expiry_is_told_where_it_is(
    runtime: Runtime, database: Database, status: str, late: int
) -> None:
    listening(runtime, state=State.EXPIRED.value, due_at=None)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as="expired"))

    notify(runtime, notification(status))
    notify(runtime, notification(status), "message-2")

    assert types(database).count("operation.late_answer") == late


def test_notification_that_is_none_is_refused_without_its_values(
    runtime: Runtime, database: Database
) -> None:
    notify(runtime, notification(upridAsyncStatus="MAYBE-13579"), color="red")

    [reason] = refusals(database)
    assert "13579" not in reason
    assert rows(database, NOTIFICATIONS) == []
