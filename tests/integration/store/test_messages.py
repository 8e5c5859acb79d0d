"""Start messages become operations once; messages that cannot be taken are published once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select

from tests.support.engine.operations import (
    NOW,
    accept,
    accepted,
    attempts,
    claim,
    ended,
    forgets,
    journal,
    operation,
    start,
    told,
    types,
    write,
)
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.contract.states import State
from worker.domain.refusal_reasons import from_row
from worker.store import messages, retries
from worker.store.actions import Action
from worker.store.database import Database
from worker.store.messages import Taken
from worker.store.retries import Correction
from worker.store.tables import OPERATIONS, REFUSALS


def refuse(database: Database, message_id: str, reason: str = "reference: is missing") -> bool:
    with database.begin() as connection:
        return messages.refuse(
            connection,
            message_id=message_id,
            task="tasks.moneta.start_identification",
            reference=None,
            fields=("reference",),
            reason=reason_of(RefusalCode.INVALID_MESSAGE, reason),
            now=NOW,
        )


def test_accept_stores_an_operation_that_is_due_at_once(database: Database) -> None:
    taken = accept(database, start("order-1", sealed="sealed", give_up_at=NOW + timedelta(hours=2)))

    row = operation(database)
    assert taken is Taken.NEW
    assert (row["state"], row["attempt"], row["lane"], row["sequence"]) == ("accepted", 1, 0, 1)
    assert (row["due_at"], row["deadline_at"]) == (NOW, NOW + timedelta(hours=2))
    assert (row["lease_token"], row["claims"], row["polls"]) == (None, 0, 0)
    assert [(a["number"], a["sealed"], a["ended_as"]) for a in attempts(database)] == [
        (1, "sealed", None)
    ]
    assert [entry["note"] for entry in journal(database)] == ["accepted"]


def test_accept_tells_that_the_operation_is_ours(database: Database) -> None:
    accept(database, start("order-1", sealed="sealed"))

    [event] = told(database)
    assert event.type == "uprid.operation.accepted"
    assert (event.subject, event.terminal, event.stream_id) == ("order-1", False, None)
    assert event.data["sequence"] == 1
    assert event.data["state"] == "accepted"
    assert "sealed" not in event.data


def test_accept_knows_the_same_data_and_changes_nothing(database: Database) -> None:
    accept(database, start("order-1"))
    before = operation(database)

    later = NOW + timedelta(minutes=1)
    assert accept(database, start("order-1"), later) is Taken.KNOWN

    assert operation(database) == before
    assert types(database) == ["operation.accepted"]


def test_accept_finds_a_conflict_in_other_data_under_the_same_reference(
    database: Database,
) -> None:
    accept(database, start("order-1"))

    assert accept(database, start("order-1", fingerprint="e" * 64)) is Taken.CONFLICT

    assert types(database) == ["operation.accepted"]
    assert len(attempts(database)) == 1


def test_accept_knows_the_data_of_every_attempt(database: Database) -> None:
    accept(database, start("order-1"))
    write(database, [ended(claim(database)[0], State.REJECTED)])
    with database.begin() as connection:
        retries.retry(
            connection,
            Action("order-1", 1, "shop", ""),
            Correction({"unit_id": 7}, "e" * 64, None),
            NOW,
            forgets,
            NOW,
        )

    assert accept(database, start("order-1")) is Taken.KNOWN
    assert accept(database, start("order-1", fingerprint="e" * 64)) is Taken.KNOWN
    assert accept(database, start("order-1", fingerprint="d" * 64)) is Taken.CONFLICT


def test_accept_makes_one_operation_when_many_threads_bring_the_same(database: Database) -> None:
    with ThreadPoolExecutor(8) as executor:
        taken = list(executor.map(lambda _: accept(database, start("order-1")), range(24)))

    assert sorted(taken) == [Taken.KNOWN] * 23 + [Taken.NEW]
    assert types(database) == ["operation.accepted"]
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(OPERATIONS)).scalar() == 1


def test_refuse_tells_the_fields_and_not_an_operation(database: Database) -> None:
    assert refuse(database, "m-1")

    [event] = told(database)
    assert event.type == "uprid.message.refused"
    assert (event.attempt, event.terminal, event.subject) == (None, False, "m-1")
    assert event.data == {
        "reference": None,
        "task": "tasks.moneta.start_identification",
        "message_id": "m-1",
        "fields": ["reference"],
        "reason": {
            "code": "invalid_message",
            "provider_code": None,
            "retryable": False,
            "message": "reference: is missing",
        },
    }


def test_refuse_tells_a_message_once_when_it_is_delivered_again(database: Database) -> None:
    assert [refuse(database, "m-1") for _ in range(3)] == [True, False, False]
    assert refuse(database, "m-2")

    assert types(database) == ["message.refused"] * 2


def test_refuse_tells_a_message_once_when_threads_bring_it_together(database: Database) -> None:
    with ThreadPoolExecutor(8) as executor:
        refused = list(executor.map(lambda _: refuse(database, "m-1"), range(16)))

    assert refused.count(True) == 1
    assert types(database) == ["message.refused"]


def test_refuse_cuts_a_long_reason(database: Database) -> None:
    refuse(database, "m-1", "x" * 10_000)

    with database.read() as connection:
        stored = connection.execute(select(REFUSALS.c.reason)).scalar_one()
    assert len(stored) == 500
    assert set(from_row(stored)["message"]) == {"x"}


def test_refuse_consumes_no_reference(database: Database) -> None:
    with database.begin() as connection:
        messages.refuse(
            connection, message_id="m-1", task="t", reference="order-1", fields=(),
            reason=reason_of(RefusalCode.INVALID_MESSAGE, "no"),
            now=NOW,
        )  # fmt: skip

    accepted(database, "order-1")
