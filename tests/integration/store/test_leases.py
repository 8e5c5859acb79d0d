"""Leases belong to the living; what kills its workers is parked; locks are held by one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select, update

from tests.support.engine.operations import (
    NOW,
    accepted,
    attempts,
    claim,
    journal,
    operation,
    told,
    types,
)
from worker.store import leases
from worker.store.database import Database
from worker.store.tables import INCARNATIONS, OPERATIONS

SILENCE = timedelta(seconds=6)


def beat(database: Database, incarnation: str, ago: float = 0) -> None:
    with database.begin() as connection:
        leases.beat(
            connection,
            incarnation=incarnation,
            role="poller",
            host="host",
            pid=1,
            now=NOW - timedelta(seconds=ago),
        )


def free_silent(database: Database) -> int:
    with database.begin() as connection:
        return leases.free_silent(connection, NOW, SILENCE)


def alive(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.execute(select(INCARNATIONS.c.id)).scalars())


def park(database: Database) -> list[str]:
    with database.begin() as connection:
        return leases.park_poison(connection, NOW)


def hold(database: Database, holder: str, *, after: float = 0, lasting: float = 10) -> bool:
    with database.begin() as connection:
        now = NOW + timedelta(seconds=after)
        return leases.hold_lock(connection, "sweep", holder, now, timedelta(seconds=lasting))


def test_beat_makes_one_row_and_keeps_it_fresh(database: Database) -> None:
    beat(database, "a", ago=5)
    beat(database, "a")

    with database.read() as connection:
        [row] = connection.execute(select(INCARNATIONS)).mappings().all()
    assert (row["started_at"], row["beat_at"]) == (NOW - timedelta(seconds=5), NOW)


def test_free_silent_frees_the_leases_of_the_silent_alone(database: Database) -> None:
    accepted(database, "order-1", "order-2")
    beat(database, "silent", ago=6.001)
    beat(database, "living", ago=6)
    claim(database, 1, owner="silent", lease_id="a")
    claim(database, 1, owner="living", lease_id="b")

    assert free_silent(database) == 1

    rows = [operation(database, f"order-{number}") for number in (1, 2)]
    assert sorted((row["lease_owner"] or "", row["claims"]) for row in rows) == [
        ("", 1),
        ("living", 1),
    ]
    assert alive(database) == ["living"]


def test_free_silent_frees_a_lease_whose_owner_has_no_row(database: Database) -> None:
    accepted(database, "order-1")
    claim(database, owner="never beat")

    assert free_silent(database) == 1

    assert operation(database)["lease_owner"] is None


def test_free_silent_frees_nothing_when_all_are_heard(database: Database) -> None:
    accepted(database, "order-1")
    beat(database, "owner")
    claim(database)

    assert free_silent(database) == 0


def test_leave_frees_what_is_still_held(database: Database) -> None:
    accepted(database, "order-1")
    beat(database, "owner")
    claim(database)

    with database.begin() as connection:
        leases.leave(connection, "owner")

    assert operation(database)["lease_token"] is None
    assert alive(database) == []


def test_free_chunks_is_as_if_there_had_been_no_claim(database: Database) -> None:
    accepted(database, "order-1", "order-2")
    claim(database, 1, lease_id="a")
    claim(database, 1, lease_id="b")

    with database.begin() as connection:
        leases.free_uncounted(connection, ["a"])
        leases.free_uncounted(connection, [])

    rows = [operation(database, f"order-{number}") for number in (1, 2)]
    assert sorted((row["lease_token"] or "", row["claims"]) for row in rows) == [("", 0), ("b", 1)]


def test_park_poison_hands_over_what_was_claimed_four_times_in_vain(database: Database) -> None:
    accepted(database, "order-1", "order-2")
    with database.begin() as connection:
        values = {"claims": 3, "state": "submitting"}
        connection.execute(update(OPERATIONS).values(values))
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.reference == "order-1").values(claims=4)
        )

    assert park(database) == ["order-1"]

    row = operation(database)
    assert (row["state"], row["waiting_from"]) == ("waiting_for_person", "submitting")
    assert (row["due_at"], row["claims"], row["sequence"]) == (None, 0, 2)
    event = told(database, "order-1")[-1]
    assert event.type == "uprid.operation.waiting_for_person"
    assert event.data["sequence"] == 2
    assert event.data["reason"]["code"] == "poison"
    assert '"poison"' in attempts(database)[0]["reason"]
    assert journal(database)[-1]["note"] == "submitting → waiting_for_person: poison"
    assert operation(database, "order-2")["state"] == "submitting"


def test_park_poison_waits_for_the_lease_to_fall_free(database: Database) -> None:
    accepted(database, "order-1")
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(claims=4, lease_token="t", lease_owner="o"))

    assert park(database) == []


def test_park_poison_tells_an_operation_once(database: Database) -> None:
    accepted(database, "order-1")
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(claims=4))

    assert [park(database), park(database)] == [["order-1"], []]
    assert types(database) == ["operation.accepted", "operation.waiting_for_person"]


def test_lock_is_one_holders_until_its_time_is_over(database: Database) -> None:
    assert hold(database, "a")
    assert not hold(database, "b", after=9)
    assert hold(database, "b", after=11)
    assert not hold(database, "a", after=12)


def test_lock_is_kept_longer_by_its_holder(database: Database) -> None:
    assert hold(database, "a")
    assert hold(database, "a", after=9)
    assert not hold(database, "b", after=11)


def test_lock_is_free_when_it_is_let_go_by_its_holder_alone(database: Database) -> None:
    assert hold(database, "a")
    with database.begin() as connection:
        leases.drop_lock(connection, "sweep", "b")
    assert not hold(database, "b")
    with database.begin() as connection:
        leases.drop_lock(connection, "sweep", "a")

    assert hold(database, "b")


def test_lock_goes_to_one_when_many_reach_for_it(database: Database) -> None:
    with ThreadPoolExecutor(6) as executor:
        held = list(executor.map(lambda number: hold(database, f"holder-{number}"), range(12)))

    assert held.count(True) == 1
