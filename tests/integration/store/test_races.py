"""Two transactions at once: whichever is first, neither misses what the other writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text, update

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    accept,
    claim,
    ended,
    moved,
    operation,
    start,
    stayed,
    types,
    write,
)
from tests.support.processes.child import wait_until
from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from worker.store import callbacks, inputs, notifications, writeback
from worker.store.changes import Transition
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.inputs import Input, Offered
from worker.store.notifications import Notification, Received
from worker.store.tables import OPERATIONS

ANNA = "a" * 64
SOON = NOW + timedelta(seconds=3)
FAR = NOW + timedelta(minutes=10)


def said(
    ref: str = "77", *, subject_hash: str = ANNA, key: str | None = None, provider: str = "moneta"
) -> Notification:
    return Notification(
        provider, key or f"{ref}-{subject_hash[0]}", ref, subject_hash, f"sealed {ref}"
    )


def receive(database: Database, one: Notification, now: datetime = NOW) -> Received:
    with database.begin() as connection:
        return notifications.receive(connection, one, now)[0]


def of(database: Database, reference: str = "order-1") -> list[str]:
    """Return the sealed notifications of an operation's current attempt."""
    row = operation(database, reference)
    with database.read() as connection:
        return list(notifications.of(connection, [(row["id"], row["attempt"])]).get(row["id"], []))


def submitting(
    database: Database, reference: str = "order-1", subject_hash: str = ANNA
) -> ClaimedSnapshot:
    """Have an operation's submit be on its way; it is leased."""
    accept(database, replace(start(reference), subject_hash=subject_hash))
    [claimed] = claim(database)
    with database.begin() as connection:
        writeback.mark_submitting(connection, claimed, LEASE_ID, NOW)
    return replace(claimed, state=State.SUBMITTING)


def taken(claimed: ClaimedSnapshot, ref: str = "77") -> Transition:
    """Return what is written of a submit that was answered with an id."""
    return moved(
        claimed, State.POLLING, EventType.STARTED,
        provider_ref=ref, due_at=FAR, lane=ORDINARY, started_at=NOW, accepts_notifications=True,
    )  # fmt: skip


def listening(database: Database, reference: str = "order-1", ref: str = "77") -> None:
    """Have an operation wait for a notification, its next poll far away."""
    write(database, [taken(submitting(database, reference), ref)])


@contextmanager
def beside(database: Database, what: "threading.Thread") -> Iterator[None]:
    """Run a thread that has to wait for the transaction of the `with` block."""
    what.start()
    if database.is_sqlite:
        # Writers queue there; nothing tells that one waits.
        what.join(0.1)
    else:
        wait_until(lambda: _waits(database), 10, "the second transaction waits for the first")
    assert what.is_alive()
    yield


def _waits(database: Database) -> bool:
    ungranted = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with database.read() as connection:
        return bool(connection.execute(text(ungranted)).scalar_one())


def test_notification_that_comes_while_the_id_is_being_written_is_not_missed(
    database: Database,
) -> None:
    claimed = submitting(database)
    heard: list[Received] = []
    receiving = threading.Thread(target=lambda: heard.append(receive(database, said(), SOON)))

    with database.begin() as connection:
        writeback.write_transitions(connection, LEASE_ID, [taken(claimed)], NOW)
        with beside(database, receiving):
            pass
    receiving.join(20)

    assert heard == [Received.MATCHED]
    row = operation(database)
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", SOON, 1)
    assert of(database) == ["sealed 77"]


@pytest.mark.parametrize("doubtful_too", [False, True])
def test_id_that_is_written_while_its_notification_comes_is_not_missed(
    database: Database, doubtful_too: bool
) -> None:
    claimed = submitting(database)
    if doubtful_too:
        # Of two it could mean neither: it is found by its id, or never.
        doubtful_beside(database, claimed)
    writing = threading.Thread(target=lambda: write(database, [taken(claimed)], now=SOON))

    with database.begin() as connection:
        heard, _ = notifications.receive(connection, said(), NOW)
        with beside(database, writing):
            pass
    writing.join(20)

    assert heard is (Received.UNMATCHED if doubtful_too else Received.MATCHED)
    row = operation(database)
    assert (row["state"], row["due_at"], row["notices"]) == ("polling", SOON, 1)
    assert of(database) == ["sealed 77"]


def doubtful_beside(database: Database, claimed: ClaimedSnapshot) -> None:
    """Have another operation of the same person be doubtful, and leave the first one leased."""
    accept(database, replace(start("order-2"), subject_hash=ANNA))
    [other] = claim(database, lease_id="other")
    assert other.id != claimed.id
    with database.begin() as connection:
        writeback.mark_submitting(connection, other, "other", NOW)


def test_end_that_is_written_while_a_notification_comes_yields_to_it(
    database: Database,
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    end = ended(claimed, State.EXPIRED, yields_to_notification=True)
    writing = threading.Thread(target=lambda: write(database, [end], now=SOON))

    with database.begin() as connection:
        assert notifications.receive(connection, said(), NOW)[0] is Received.MATCHED
        with beside(database, writing):
            pass
    writing.join(20)

    row = operation(database)
    assert (row["state"], row["due_at"]) == ("polling", SOON)
    assert "operation.expired" not in types(database)


def test_notification_that_comes_while_an_end_is_being_written_is_late(
    database: Database,
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    heard: list[Received] = []
    receiving = threading.Thread(target=lambda: heard.append(receive(database, said())))

    with database.begin() as connection:
        end = ended(claimed, State.EXPIRED, yields_to_notification=True)
        writeback.write_transitions(connection, LEASE_ID, [end], NOW)
        with beside(database, receiving):
            pass
    receiving.join(20)

    assert heard == [Received.LATE]
    assert operation(database)["state"] == "expired"


def test_same_notification_in_two_transactions_counts_once(database: Database) -> None:
    listening(database)
    heard: list[Received] = []
    receiving = threading.Thread(target=lambda: heard.append(receive(database, said())))

    with database.begin() as connection:
        assert notifications.receive(connection, said(), NOW)[0] is Received.MATCHED
        with beside(database, receiving):
            pass
    receiving.join(20)

    assert heard == [Received.REPEATED]
    assert operation(database)["notices"] == 1


def test_hint_that_comes_while_an_unchanged_answer_is_being_written_is_not_missed(
    database: Database,
) -> None:
    listening(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    hinting = threading.Thread(target=lambda: hint(database, FAR))

    with database.begin() as connection:
        stay = stayed(claimed, FAR + timedelta(hours=1))
        writeback.write_unchanged(connection, LEASE_ID, [stay])
        with beside(database, hinting):
            pass
    hinting.join(20)

    assert operation(database)["due_at"] <= FAR + timedelta(seconds=1)


def hint(database: Database, now: datetime) -> None:
    with database.begin() as connection:
        callbacks.hasten(connection, "moneta", "77", now)


@pytest.mark.parametrize("first", ["the input", "the answer"])
def test_input_that_comes_while_an_answer_is_being_written_is_not_missed(
    database: Database, first: str
) -> None:
    listening(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(missing="sms_code"))
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    code = Input("moneta", "order-1", "sms_code", "m", lambda *_: "f" * 64, "sealed")
    later = stayed(claimed, FAR + timedelta(hours=1))
    offered: list[Offered] = []

    def offer() -> None:
        with database.begin() as connection:
            offered.append(inputs.offer(connection, code, FAR)[0])

    def answer() -> None:
        with database.begin() as connection:
            writeback.write_unchanged(connection, LEASE_ID, [later])

    with database.begin() as connection:
        if first == "the input":
            offered.append(inputs.offer(connection, code, FAR)[0])
            second = threading.Thread(target=answer)
        else:
            writeback.write_unchanged(connection, LEASE_ID, [later])
            second = threading.Thread(target=offer)
        with beside(database, second):
            pass
    second.join(20)

    assert offered == [Offered.TAKEN]
    row = operation(database)
    assert (row["due_at"], row["lane"], row["inputs_waiting"]) == (FAR, URGENT, 1)
