"""Pause, what is overdue, retention and the outbox's own book-keeping."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.sql.schema import Table

from tests.support.engine.operations import (
    NOW,
    PROVIDER,
    accept,
    accepted,
    attempts,
    claim,
    ended,
    operation,
    run,
    start,
    told,
    types,
    write,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.store import claims, messages, outbox, provider_pauses, schedule
from worker.store.database import Database
from worker.store.outbox import NOTHING, Position
from worker.store.retention import Retention, purge
from worker.store.tables import ATTEMPTS, JOURNAL, OPERATIONS, OUTBOX, PROVIDERS, REFUSALS

REASON = Reason(ReasonCode.CONFIGURATION, "The login is wrong.", provider_code="300.1")
RETENTION = Retention(timedelta(days=30), timedelta(days=180), timedelta(days=14))


def known(database: Database) -> None:
    """Have the provider's shared row made, as the first chunk does."""
    with database.begin() as connection:
        claims.lock_provider(connection, PROVIDER, NOW)


def pause(database: Database) -> bool:
    with database.begin() as connection:
        return provider_pauses.pause(connection, PROVIDER, "anna", "mended soon", NOW, REASON)


def unpause(database: Database) -> bool:
    with database.begin() as connection:
        return provider_pauses.unpause(connection, PROVIDER, "anna", "", NOW)


def overdue(database: Database, before: datetime = NOW) -> bool:
    with database.read() as connection:
        return schedule.overdue(connection, PROVIDER, before)


def rows(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_pause_stops_the_provider_and_is_told_once(database: Database) -> None:
    known(database)

    assert [pause(database), pause(database)] == [True, False]

    [event] = told(database)
    assert (event.type, event.subject) == ("uprid.provider.paused", "moneta")
    assert event.data["reason"]["provider_code"] == "300.1"
    with database.begin() as connection:
        assert claims.lock_provider(connection, PROVIDER, NOW).paused


def test_pause_stops_a_provider_that_was_never_called(database: Database) -> None:
    assert pause(database)

    with database.begin() as connection:
        assert claims.lock_provider(connection, PROVIDER, NOW).paused


def test_unpause_lets_calls_go_on_with_a_clean_breaker(database: Database) -> None:
    known(database)
    assert not unpause(database)
    with database.begin() as connection:
        claims.write_shared(connection, PROVIDER, failures=9, closed_until=NOW)
    pause(database)

    assert unpause(database)

    with database.begin() as connection:
        shared = claims.lock_provider(connection, PROVIDER, NOW)
    assert (shared.paused, shared.failures, shared.closed_until) == (False, 0, None)


def test_pause_is_told_again_when_it_happens_again(database: Database) -> None:
    known(database)
    pause(database)
    unpause(database)
    pause(database)

    assert types(database) == ["provider.paused", "provider.unpaused", "provider.paused"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, True, id="due and free"),
        pytest.param({"lane": 1}, True, id="in the other lane"),
        pytest.param({"due_at": NOW}, False, id="due just now"),
        pytest.param({"due_at": None}, False, id="never due"),
        pytest.param({"lease_token": "t"}, False, id="leased"),
        pytest.param({"provider": "npd"}, False, id="another provider's"),
    ],
)
def test_overdue_is_what_was_due_before_a_time_and_is_free(
    database: Database, values: dict[str, object], expected: bool
) -> None:
    accepted(database, "order-1", now=NOW - timedelta(seconds=1))
    if values:
        with database.begin() as connection:
            connection.execute(update(OPERATIONS).values(values))

    assert overdue(database) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"paused_at": NOW}, False, id="paused"),
        pytest.param({"closed_until": NOW + timedelta(seconds=1)}, False, id="resting"),
        pytest.param({"closed_until": NOW - timedelta(seconds=1)}, True, id="rested"),
    ],
)
def test_overdue_leaves_alone_what_may_not_be_called(
    database: Database, values: dict[str, object], expected: bool
) -> None:
    accepted(database, "order-1", now=NOW - timedelta(seconds=1))
    known(database)
    with database.begin() as connection:
        connection.execute(update(PROVIDERS).values(values))

    assert overdue(database) is expected


def ended_days_ago(database: Database, days: float, reference: str = "order-1") -> None:
    """Store an operation that ended so many days before the database's now."""
    at = database.now() - timedelta(days=days)
    accept(database, start(reference, sealed="payload"), at)
    [claimed] = claim(database, now=at)
    answered = ended(claimed, answer="answer", finished_at=at, call=run(at=at))
    write(database, [answered], now=at)


@pytest.mark.parametrize(("days", "left"), [(29.9, ("payload", "answer")), (30.1, (None, None))])
def test_purge_erases_payloads_and_answers_past_their_retention(
    database: Database, days: float, left: tuple[str | None, str | None]
) -> None:
    ended_days_ago(database, days)

    assert purge(database, RETENTION)["payloads"] == (0 if left[0] else 1)

    [attempt] = attempts(database)
    assert (attempt["sealed"], attempt["answer"]) == left
    assert attempt["fingerprint"] == "f" * 64  # the reference stays used
    assert purge(database, RETENTION)["payloads"] == 0


def test_purge_keeps_the_payload_of_what_has_not_ended(database: Database) -> None:
    accept(database, start("order-1", sealed="payload"), database.now() - timedelta(days=400))

    assert purge(database, RETENTION)["payloads"] == 0
    assert attempts(database)[0]["sealed"] == "payload"
    assert rows(database, JOURNAL) == 1


def test_purge_erases_the_journal_of_the_ended_past_its_retention(database: Database) -> None:
    ended_days_ago(database, 181, "old")
    ended_days_ago(database, 179, "young")
    before = rows(database, JOURNAL)

    erased = purge(database, RETENTION)["journal"]

    assert erased == before / 2
    assert rows(database, OPERATIONS) == 2


def test_purge_erases_told_events_past_their_retention_and_no_untold_one(
    database: Database,
) -> None:
    ended_days_ago(database, 15, "old")
    ended_days_ago(database, 13, "young")
    with database.begin() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.terminal == 0).values(stream_id="0" * 36))

    assert purge(database, RETENTION)["events"] == 1

    assert [(event.subject, event.terminal) for event in told(database)] == [
        ("old", True),
        ("young", False),
        ("young", True),
    ]


def test_purge_erases_refusals_past_the_journals_retention(database: Database) -> None:
    now = database.now()
    for days in (179, 181):
        with database.begin() as connection:
            messages.refuse(
                connection, message_id=f"m-{days}", task="t", reference=None, fields=(),
                reason=reason_of(RefusalCode.INVALID_MESSAGE, "no"), now=now - timedelta(days=days),
            )  # fmt: skip

    assert purge(database, RETENTION)["refusals"] == 1
    assert rows(database, REFUSALS) == 1


def test_purge_erases_in_batches_until_nothing_is_left(database: Database) -> None:
    old = database.now() - timedelta(days=200)
    for number in range(3):
        ended_days_ago(database, 200, f"order-{number}")
    with database.begin() as connection:
        operation_id = connection.execute(select(OPERATIONS.c.id).limit(1)).scalar_one()
        entry = {
            "operation_id": operation_id, "attempt": 1, "what": "call", "note": "n", "at": old,
            "last_at": old, "count": 1,
        }  # fmt: skip
        connection.execute(JOURNAL.insert(), [entry] * 1500)

    assert purge(database, RETENTION)["journal"] > 1500
    assert rows(database, JOURNAL) == 0


def test_retry_of_a_rejected_attempt_keeps_its_payload_until_its_own_time(
    database: Database,
) -> None:
    ended_days_ago(database, 31)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(finished_at=database.now()))

    assert purge(database, RETENTION)["payloads"] == 0


def test_outbox_gives_what_is_untold_in_its_order(database: Database) -> None:
    accepted(database, "order-1", "order-2", "order-3")

    with database.begin() as connection:
        first = outbox.unpublished(connection, 2)
        outbox.mark_published(connection, {first[0].seq: "stream-id"})
        left = outbox.unpublished(connection, 10)

    assert [line.subject for line in first] == ["order-1", "order-2"]
    assert [line.subject for line in left] == ["order-2", "order-3"]


def test_outbox_keeps_the_first_stream_id_of_an_event(database: Database) -> None:
    accepted(database, "order-1")
    with database.begin() as connection:
        [line] = outbox.unpublished(connection, 1)
        outbox.mark_published(connection, {line.seq: "first"})
        outbox.mark_published(connection, {line.seq: "second"})
        outbox.mark_published(connection, {})

    assert told(database)[0].stream_id == "first"


def test_outbox_counts_its_backlog(database: Database) -> None:
    with database.read() as connection:
        assert outbox.backlog(connection) == (0, None)
        assert not outbox.has_unpublished(connection)
    accepted(database, "order-1", "order-2")

    with database.read() as connection:
        assert outbox.backlog(connection) == (2, NOW)
        assert outbox.has_unpublished(connection)


def test_stream_position_never_goes_back_under_one_mark(database: Database) -> None:
    def position(last_id: str, mark: str) -> Position:
        with database.begin() as connection:
            outbox.advance(connection, "events", last_id, mark)
            return outbox.position(connection, "events")

    with database.read() as connection:
        assert outbox.position(connection, "events") == Position(NOTHING, None)
    assert position("5", "a") == Position("5", "a")
    assert position("4", "a") == Position("5", "a")
    assert position("6", "a") == Position("6", "a")
    assert position("1", "b") == Position("1", "b")


def test_outbox_knows_what_a_server_lost_within_the_retention(database: Database) -> None:
    for number, days in enumerate((20, 1, 1)):
        accepted(database, f"order-{number}", now=NOW - timedelta(days=days))
    since = NOW - timedelta(days=14)

    def lost(connection: Connection) -> list[str]:
        pending = outbox.refill(connection, "events")
        assert pending is not None
        return [line.subject for line in outbox.lost(connection, pending, since, 10)]

    with database.begin() as connection:
        lines = outbox.unpublished(connection, 10)
        outbox.mark_published(connection, {line.seq: f"{line.seq:020}" for line in lines})
        assert outbox.refill(connection, "events") is None

        outbox.begin_refill(connection, "events", f"{lines[1].seq:020}", "mark")
        assert lost(connection) == ["order-2"]

        outbox.begin_refill(connection, "events", NOTHING, "mark")
        assert lost(connection) == ["order-1", "order-2"]
        assert outbox.position(connection, "events") == Position(NOTHING, "mark")


def test_refill_goes_on_where_it_stopped_and_knows_nothing_of_an_earlier_one(
    database: Database,
) -> None:
    accepted(database, "order-1", "order-2", now=NOW)
    with database.begin() as connection:
        lines = outbox.unpublished(connection, 10)
        outbox.mark_published(connection, {line.seq: f"{line.seq:020}" for line in lines})
        outbox.begin_refill(connection, "events", NOTHING, "mark")
        first = outbox.refill(connection, "events")
        assert first is not None

        outbox.refilled(connection, "events", first, lines[0].seq)
        second = outbox.refill(connection, "events")
        outbox.refilled(connection, "events", first, None)

        assert second == outbox.refill(connection, "events")
        assert second is not None
        left = outbox.lost(connection, second, NOW, 10)
        assert [line.subject for line in left] == ["order-2"]
        outbox.refilled(connection, "events", second, None)
        assert outbox.refill(connection, "events") is None


def test_made_since_pages_through_what_was_told_and_not(database: Database) -> None:
    accepted(database, "order-1", now=NOW - timedelta(hours=2))
    accepted(database, "order-2", "order-3", now=NOW)
    since = NOW - timedelta(hours=1)

    with database.begin() as connection:
        outbox.mark_published(connection, {2: "told"})
        [first] = outbox.made_since(connection, since, 0, 1)
        rest = outbox.made_since(connection, since, first.seq, 10)

    assert (first.subject, [line.subject for line in rest]) == ("order-2", ["order-3"])


def test_states_that_a_purge_must_know_are_terminal(database: Database) -> None:
    """A waiting operation is not over, however old: no person has decided it."""
    old = database.now() - timedelta(days=400)
    accept(database, start("order-1", sealed="payload"), old)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(state=State.WAITING_FOR_PERSON.value))

    assert purge(database, RETENTION)["journal"] == 0
    assert operation(database)["state"] == "waiting_for_person"
