"""The migrations, and what the database itself refuses."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from tests.support.engine.operations import NOW, accepted, operation
from uprid_client.errors import DatabaseUnavailable
from worker.domain.errors import SchemaOutdated
from worker.domain.ids import new_id
from worker.store.database import Database
from worker.store.schema import migrate, require_usable
from worker.store.tables import ATTEMPTS, METADATA, OUTBOX


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, connections=2)
    yield opened
    opened.dispose()


def outbox_row(operation_id: str, *, terminal: int, attempt: int = 1) -> dict[str, object]:
    return {
        "id": new_id(),
        "operation_id": operation_id,
        "attempt": attempt,
        "terminal": terminal,
        "type": "uprid.operation.succeeded",
        "subject": "order-1",
        "time": NOW,
        "data": "{}",
    }


def test_migrations_make_what_the_models_say(empty: Database) -> None:
    migrate(empty)

    with empty.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    empty.dispose()

    assert differences == []


def test_migrations_leave_nothing_behind_when_taken_back(empty: Database) -> None:
    migrate(empty)
    assert migrate(empty, "base") == "empty"

    with empty.read() as connection:
        left = inspect(connection).get_table_names()
    assert left == ["alembic_version"]

    require_outdated(empty)
    migrate(empty)
    require_usable(empty)
    empty.dispose()


def require_outdated(database: Database) -> None:
    with pytest.raises(SchemaOutdated, match="empty"):
        require_usable(database)


def test_migrations_do_nothing_when_run_again(empty: Database) -> None:
    assert migrate(empty) == migrate(empty) != "empty"
    empty.dispose()


@pytest.mark.parametrize("second", ["rejected", "superseded", None])
def test_database_refuses_a_second_end_of_an_attempt(
    database: Database, second: str | None
) -> None:
    accepted(database, "order-1")
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as="succeeded"))

    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as=second))

    with database.read() as connection:
        assert connection.execute(select(ATTEMPTS.c.ended_as)).scalar_one() == "succeeded"


def test_database_takes_the_same_end_again(database: Database) -> None:
    accepted(database, "order-1")
    for _ in range(2):
        with database.begin() as connection:
            connection.execute(update(ATTEMPTS).values(ended_as="succeeded"))


def test_database_refuses_a_second_terminal_event_of_an_attempt(database: Database) -> None:
    [operation_id] = accepted(database, "order-1")
    with database.begin() as connection:
        connection.execute(insert(OUTBOX), [outbox_row(operation_id, terminal=1)])

    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(insert(OUTBOX), [outbox_row(operation_id, terminal=1)])


def test_database_takes_other_events_and_other_attempts_ends(database: Database) -> None:
    [operation_id] = accepted(database, "order-1")

    with database.begin() as connection:
        connection.execute(
            insert(OUTBOX),
            [
                outbox_row(operation_id, terminal=1),
                outbox_row(operation_id, terminal=0),
                outbox_row(operation_id, terminal=0),
                outbox_row(operation_id, terminal=1, attempt=2),
            ],
        )


def test_times_come_back_as_they_were_written(database: Database) -> None:
    moment = NOW + timedelta(microseconds=123_457)
    accepted(database, "order-1", now=moment)

    row = operation(database)

    assert (row["due_at"], row["created_at"]) == (moment, moment)
    assert row["due_at"].utcoffset() == timedelta(0)


def test_database_without_a_free_connection_is_away(database_url: str) -> None:
    opened = Database(database_url, connections=1)
    opened.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with opened.read(), pytest.raises(DatabaseUnavailable), opened.read():
        pass
    opened.dispose()
