"""Retention of what further providers brought: codes, notifications, invoices."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.sql.schema import Table

from tests.support.engine.invoices import invoice, rows, store, transaction
from tests.support.engine.operations import (
    accepted,
    attempts,
    claim,
    ended,
    forgets,
    operation,
    polling,
    told,
    waiting,
    write,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason
from worker.store import resolutions, waiting_retention
from worker.store.actions import Action, Done
from worker.store.database import Database
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS
from worker.store.retention import Retention, purge
from worker.store.tables import ATTEMPTS, INPUTS, NOTIFICATIONS

RETENTION = Retention(timedelta(days=30), timedelta(days=180), timedelta(days=14))
REGISTRY = (INVOICES, TRANSACTIONS, INVOICE_FETCHES)


def live(database: Database, reference: str = "live") -> str:
    """Store an operation that polls; return its id."""
    return polling(database, reference, now=database.now())[0].id


def over(database: Database, days: float = 0, reference: str = "over") -> str:
    """Store an operation that ended so many days ago; return its id."""
    at = database.now() - timedelta(days=days)
    [operation_id] = accepted(database, reference, now=at)
    write(database, [ended(claim(database, now=at)[0], finished_at=at)], now=at)
    return operation_id


def supply(database: Database, operation_id: str, days: float = 0, **changes: Any) -> None:
    """Store a code that came so many days ago."""
    row = {
        "id": new_id(), "operation_id": operation_id, "attempt": 1, "name": "sms_code",
        "message_id": new_id(), "fingerprint": new_id(), "sealed": "token",
        "at": database.now() - timedelta(days=days), **changes,
    }  # fmt: skip
    with database.begin() as connection:
        connection.execute(insert(INPUTS), [row])


def notify(database: Database, days: float, operation_id: str | None = None) -> None:
    """Store a notification that came so many days ago."""
    row = {
        "provider": "npd", "key": new_id(), "provider_ref": "77", "party": "p", "sealed": "token",
        "at": database.now() - timedelta(days=days), "operation_id": operation_id,
        "attempt": None if operation_id is None else 1,
    }  # fmt: skip
    with database.begin() as connection:
        connection.execute(insert(NOTIFICATIONS), [row])


def fetch(database: Database, days: float, *numbers: int) -> None:
    """Store invoices that were fetched so many days ago, with a transaction each."""
    page = [invoice(n, transactions=[transaction(n + 10_000)]) for n in numbers]
    store(database, "op", page, now=database.now() - timedelta(days=days))


def sealed(database: Database, table: Table) -> list[bool]:
    return [row["sealed"] is not None for row in rows(database, table)]


def test_codes_of_an_ended_attempt_are_emptied_at_once(database: Database) -> None:
    supply(database, over(database))
    supply(database, live(database))

    assert purge(database, RETENTION)["inputs"] == 1

    kept = {(row["sealed"], row["fingerprint"] is None) for row in rows(database, INPUTS)}
    assert kept == {(None, True), ("token", False)}
    assert purge(database, RETENTION)["inputs"] == 0


def test_code_of_a_superseded_attempt_is_emptied_while_the_next_one_runs(
    database: Database,
) -> None:
    operation_id = live(database)
    supply(database, operation_id, sealed=None)
    supply(database, operation_id, attempt=2)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as="superseded"))

    assert purge(database, RETENTION)["inputs"] == 1

    fingerprints = {row["attempt"]: row["fingerprint"] for row in rows(database, INPUTS)}
    assert fingerprints[1] is None
    assert fingerprints[2] is not None


@pytest.mark.parametrize(("days", "left"), [(179, 1), (181, 0)])
def test_codes_are_deleted_past_the_journals_retention(
    database: Database, days: float, left: int
) -> None:
    supply(database, over(database, days), days)

    assert purge(database, RETENTION)["inputs"] == 1
    assert len(rows(database, INPUTS)) == left


def test_code_is_kept_while_its_attempt_has_not_ended(database: Database) -> None:
    supply(database, live(database), days=400)

    assert purge(database, RETENTION)["inputs"] == 0
    assert sealed(database, INPUTS) == [True]


def waits(database: Database, days: float, reason: Reason | None = None) -> str:
    """Store an operation that was accepted so many days ago and waits for a person."""
    at = database.now() - timedelta(days=days)
    waiting(database, State.ACCEPTED, reason, answer="answer", now=at)
    return str(operation(database)["id"])


DOUBTFUL = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody can tell.", retryable=True)


def test_data_of_what_waits_for_a_person_are_erased_by_the_age_of_the_attempt(
    database: Database,
) -> None:
    operation_id = waits(database, 400, DOUBTFUL)
    supply(database, operation_id, 400)
    notify(database, 400, operation_id)

    assert purge(database, RETENTION)["payloads"] == 1

    [attempt] = attempts(database)
    assert (attempt["sealed"], attempt["answer"]) == (None, None)
    assert sealed(database, INPUTS) == [False]
    assert rows(database, NOTIFICATIONS) == []
    assert operation(database)["state"] == "waiting_for_person"
    event = told(database)[-1]
    assert event.type == "uprid.operation.waiting_for_person"
    assert event.data["reason"]["code"] == "erased"
    assert "doubtful_submit" in event.data["reason"]["message"]
    assert event.data["sequence"] == operation(database)["sequence"]
    assert not event.terminal
    assert purge(database, RETENTION)["payloads"] == 0


def test_data_of_what_waits_are_kept_within_their_retention(database: Database) -> None:
    waits(database, 29)

    assert purge(database, RETENTION)["payloads"] == 0
    with database.read() as connection:
        now = database.now()
        assert waiting_retention.near(connection, now - timedelta(days=28)) == 1
        assert waiting_retention.near(connection, now - timedelta(days=30)) == 0


def test_what_was_erased_is_not_submitted_without_its_data(database: Database) -> None:
    waits(database, 400)
    purge(database, RETENTION)
    action = Action("order-1", 1, "anna", "looked")

    with database.begin() as connection:
        done, _ = resolutions.resume(connection, action, None, forgets, database.now())
        assert done is Done.DATA_ERASED
        done, _ = resolutions.resume(connection, action, "77", forgets, database.now())
        assert done is Done.DONE


@pytest.mark.parametrize(("hours", "left"), [(47.9, 1), (48.1, 0)])
def test_notification_of_nobody_is_kept_for_two_days(
    database: Database, hours: float, left: int
) -> None:
    notify(database, hours / 24)

    assert purge(database, RETENTION)["notices"] == 1 - left
    assert len(rows(database, NOTIFICATIONS)) == left


@pytest.mark.parametrize(
    ("ended_days", "days", "left"),
    [
        pytest.param(31, 31, 0, id="long ago"),
        pytest.param(29, 31, 1, id="the attempt ended later"),
        pytest.param(31, 29, 1, id="it came later"),
    ],
)
def test_notification_of_an_ended_attempt_is_kept_as_long_as_payloads(
    database: Database, ended_days: float, days: float, left: int
) -> None:
    notify(database, days, over(database, ended_days))

    assert purge(database, RETENTION)["notices"] == 1 - left
    assert len(rows(database, NOTIFICATIONS)) == left


def test_notification_of_a_live_attempt_is_kept(database: Database) -> None:
    notify(database, 400, live(database))

    assert purge(database, RETENTION)["notices"] == 0


@pytest.mark.parametrize(("days", "left"), [(29.9, True), (30.1, False)])
def test_personal_data_of_invoices_are_erased_past_the_payloads_retention(
    database: Database, days: float, left: bool
) -> None:
    fetch(database, days, 1)

    assert purge(database, RETENTION)["invoices"] == (0 if left else 1)

    assert (sealed(database, INVOICES), sealed(database, TRANSACTIONS)) == ([left], [left])
    assert [len(rows(database, table)) for table in REGISTRY] == [1, 1, 1]
    assert purge(database, RETENTION)["invoices"] == 0


def test_personal_data_of_transactions_are_erased_where_the_invoice_has_none(
    database: Database,
) -> None:
    page = [invoice(1, personal={}, transactions=[transaction(5), transaction(6, personal={})])]
    store(database, "op", page, now=database.now() - timedelta(days=31))

    assert purge(database, RETENTION)["invoices"] == 1
    assert sealed(database, TRANSACTIONS) == [False, False]


def test_invoices_are_deleted_with_all_that_is_theirs_past_the_journals_retention(
    database: Database,
) -> None:
    fetch(database, 181, 1, 2)
    fetch(database, 179, 3)

    purge(database, RETENTION)

    assert [len(rows(database, table)) for table in REGISTRY] == [1, 1, 1]
    assert rows(database, INVOICES)[0]["id"] == 3


def test_invoice_that_was_fetched_again_is_kept_from_then_on(database: Database) -> None:
    fetch(database, 181, 1)
    fetch(database, 1, 1)

    assert purge(database, RETENTION)["invoices"] == 0
    assert sealed(database, INVOICES) == [True]


def test_invoices_are_erased_and_deleted_in_batches_until_none_is_left(
    database: Database,
) -> None:
    fetch(database, 31, *range(1, 2001))
    fetch(database, 181, *range(3001, 4501))

    # The old ones lose what is personal before they are deleted.
    assert purge(database, RETENTION)["invoices"] == 2000 + 2 * 1500
    assert not any(sealed(database, INVOICES))
    assert [len(rows(database, table)) for table in REGISTRY] == [2000, 2000, 2000]


@pytest.mark.parametrize(
    "databases", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_purge_does_not_wait_for_whoever_stores_invoices(database: Database) -> None:
    """On PostgreSQL alone: SQLite has one writer at a time, for whom all wait."""
    fetch(database, 181, 1, 2)
    with database.begin() as connection:
        connection.execute(update(INVOICES).where(INVOICES.c.id == 1).values(state="Held"))

        purge(database, RETENTION)

    assert [row["id"] for row in rows(database, INVOICES)] == [1]
