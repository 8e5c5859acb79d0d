"""Pause and unpause: a provider's calls, published once each."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.support.engine.operations import NOW, in_state, operations, told, types
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.domain.states import DRIVEN
from worker.store import claims, overview, provider_pauses
from worker.store.database import Database
from worker.store.overview import ProviderRow
from worker.store.tables import PROVIDERS

LATER = NOW + timedelta(hours=1)
WRONG = Reason(ReasonCode.CONFIGURATION, "The login is wrong.", provider_code="300.1")


def pause(database: Database, reason: Reason | None = None, by: str = "anna") -> bool:
    with database.begin() as connection:
        return provider_pauses.pause(connection, "moneta", by, "maintenance", NOW, reason)


def unpause(database: Database) -> bool:
    with database.begin() as connection:
        return provider_pauses.unpause(connection, "moneta", "boris", "over", LATER)


def provider(database: Database) -> ProviderRow:
    with database.read() as connection:
        return overview.providers(connection)["moneta"]


def test_pause_says_who_when_and_why_in_its_row_and_on_the_stream(database: Database) -> None:
    assert pause(database)

    row = provider(database)
    assert (row.paused_at, row.paused_by, row.paused_note) == (NOW, "anna", "maintenance")
    [event] = told(database)
    assert (event.type, event.subject, event.terminal) == (
        "uprid.provider.paused",
        "moneta",
        False,
    )
    assert event.data == {
        "provider": "moneta",
        "at": "2026-11-21T12:00:00.000Z",
        "by": "anna",
        "note": "maintenance",
        "reason": None,
        "next": "mend what is wrong, then: uprid unpause moneta",
    }


def test_pause_by_ourselves_tells_the_reason(database: Database) -> None:
    pause(database, WRONG, by="uprid-worker")

    assert told(database)[0].data["reason"]["provider_code"] == "300.1"


def test_pause_is_told_once_when_many_find_the_same(database: Database) -> None:
    assert [pause(database, WRONG) for _ in range(3)] == [True, False, False]

    assert types(database) == ["provider.paused"]


def test_pause_of_a_person_keeps_standing_when_the_worker_would_pause_too(
    database: Database,
) -> None:
    pause(database)

    pause(database, WRONG, by="uprid-worker")

    assert provider(database).paused_by == "anna"


@pytest.mark.parametrize("state", sorted(DRIVEN))
def test_pause_keeps_the_state_of_what_is(database: Database, state: State) -> None:
    in_state(database, state)
    before = operations(database)

    pause(database)

    assert operations(database) == before


def test_unpause_lets_calls_go_on_and_forgets_the_breaker(database: Database) -> None:
    pause(database)
    with database.begin() as connection:
        connection.execute(update(PROVIDERS).values(failures=20, closed_until=LATER))

    assert unpause(database)

    row = provider(database)
    assert row == ProviderRow("moneta", None, None, None, 0, None)
    with database.begin() as connection:
        assert not claims.lock_provider(connection, "moneta", LATER).paused
    event = told(database)[-1]
    assert (event.type, event.data["by"], event.data["note"]) == (
        "uprid.provider.unpaused",
        "boris",
        "over",
    )


def test_unpause_of_what_is_not_paused_changes_and_tells_nothing(database: Database) -> None:
    assert not unpause(database)

    assert told(database) == []


def test_pause_after_an_unpause_is_told_again(database: Database) -> None:
    for _ in range(2):
        pause(database)
        unpause(database)

    assert types(database) == ["provider.paused", "provider.unpaused"] * 2


def test_pause_leaves_the_count_of_callbacks_alone(database: Database) -> None:
    with database.begin() as connection:
        claims.lock_provider(connection, "moneta", NOW)
        connection.execute(update(PROVIDERS).values(unknown_callbacks=3))

    pause(database)
    unpause(database)

    assert provider(database).unknown_callbacks == 3
