"""The simulation's database and a real PostgreSQL: the same two transactions, the same results."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, select, text, update

from tests.harnesses.simulation.alone import Simulated
from tests.support.engine.operations import LEASE_ID, NOW, OWNER, PROVIDER, accepted, start
from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import wait_until
from tests.support.servers.fresh import PostgresServer
from worker.store import claims, leases, messages, snapshots, writeback
from worker.store.database import Database
from worker.store.tables import OPERATIONS

Act = Callable[[Connection], object]


class _RolledBack(Exception):
    pass


def throw(error: Exception) -> None:
    raise error


@dataclass(frozen=True)
class Pair:
    """Two transactions. The second begins after the first one's statements, before its end."""

    first: Act
    second: Act
    #: Whether the first is rolled back.
    rolls_back: bool = False

    def end(self) -> None:
        """Roll the first one back, if it is to be."""
        if self.rolls_back:
            raise _RolledBack


@dataclass(frozen=True)
class Came:
    """The results of both."""

    waited: bool
    second: object
    left: list[tuple[Any, ...]]


def claim(limit: int, lease_id: str = LEASE_ID) -> Act:
    def act(connection: Connection) -> object:
        taken = claims.claim(
            connection, PROVIDER, claims.URGENT, limit, owner=OWNER, lease_id=lease_id, now=NOW
        )
        return sorted(row.reference for row in taken)

    return act


def take(reference: str, fingerprint: str = "f" * 64) -> Act:
    begun = replace(start(reference), fingerprint=fingerprint)
    return lambda connection: messages.accept(connection, begun, NOW)


def put(column: str, value: object) -> Act:
    def act(connection: Connection) -> object:
        changed = update(OPERATIONS).where(OPERATIONS.c.reference == "order-1")
        return connection.execute(changed.values(**{column: value})).rowcount

    return act


def count(column: str) -> Act:
    """Add one to a column."""

    def act(connection: Connection) -> object:
        changed = update(OPERATIONS).values(**{column: OPERATIONS.c[column] + 1})
        return connection.execute(changed).rowcount

    return act


def mark(connection: Connection) -> object:
    named = select(*snapshots.COLUMNS).where(OPERATIONS.c.reference == "order-1")
    [row] = connection.execute(named)
    return writeback.mark_submitting(connection, snapshots.snapshot(row), LEASE_ID, NOW)


def look(connection: Connection) -> object:
    found = select(OPERATIONS.c.reference, OPERATIONS.c.polls).order_by(OPERATIONS.c.reference)
    return [tuple(row) for row in connection.execute(found)]


def lock_provider(connection: Connection) -> object:
    return claims.lock_provider(connection, PROVIDER, NOW).failures


def fail_once(connection: Connection) -> object:
    claims.lock_provider(connection, PROVIDER, NOW)
    claims.write_shared(connection, PROVIDER, failures=7)
    return None


def hold_lock(holder: str) -> Act:
    return lambda connection: leases.hold_lock(
        connection, "sweep", holder, NOW, timedelta(seconds=9)
    )


PAIRS: Final = {
    "both write one row": Pair(count("polls"), count("polls")),
    "both write other columns of one row": Pair(put("polls", 3), put("faults", 4)),
    "what is not committed is not seen": Pair(put("polls", 3), look),
    "what is rolled back was never there": Pair(put("polls", 3), count("polls"), rolls_back=True),
    "a claim skips what another one claims": Pair(claim(1), claim(5, "other")),
    "a claim that is rolled back": Pair(claim(5), claim(5, "other"), rolls_back=True),
    "a claim skips what is being written": Pair(put("polls", 3), claim(5)),
    "a claimed row is written": Pair(claim(5), put("polls", 9)),
    "a lease is lost while its mark waits": Pair(put("lease_token", "else"), mark),
    "the same reference comes twice": Pair(take("new"), take("new")),
    "other data come under the same reference": Pair(take("new"), take("new", "0" * 64)),
    "the first of two is rolled back": Pair(take("new"), take("new"), rolls_back=True),
    "two references write into one outbox": Pair(take("new"), take("newer")),
    "a provider's row": Pair(fail_once, lock_provider),
    "a lock": Pair(hold_lock("one"), hold_lock("other")),
    "a lock that is rolled back": Pair(
        hold_lock("one"), hold_lock("other"), rolls_back=True
    ),
    "a silent process beats while its leases are freed": Pair(
        lambda connection: leases.beat(
            connection, incarnation=OWNER, role="poller", host="h", pid=1, now=NOW
        ),
        lambda connection: leases.free_silent(connection, NOW, timedelta(seconds=5)),
    ),
}  # fmt: skip


def prepare(database: Database) -> None:
    """Prepare three operations, one of them leased, and a process that has been silent for long."""
    accepted(database, "order-1", "order-2", "order-3")
    with database.begin() as connection:
        put("due_at", NOW - timedelta(seconds=1))(connection)
        claims.lock_provider(connection, PROVIDER, NOW)
        long_ago = NOW - timedelta(hours=1)
        leases.beat(connection, incarnation=OWNER, role="poller", host="h", pid=1, now=long_ago)


def left(database: Database) -> list[tuple[Any, ...]]:
    operations = select(
        OPERATIONS.c.reference, OPERATIONS.c.polls, OPERATIONS.c.faults, OPERATIONS.c.claims,
        OPERATIONS.c.lease_token, OPERATIONS.c.state,
    )  # fmt: skip
    with database.read() as connection:
        rows = connection.execute(operations.order_by(OPERATIONS.c.reference)).fetchall()
        told = connection.execute(text("SELECT seq FROM outbox ORDER BY seq")).fetchall()
        held = connection.execute(text("SELECT holder FROM lock")).fetchall()
    # Each server has its own numbers. They are only counted, and none may be used twice.
    return [*map(tuple, rows), (len(told),), *map(tuple, held)]


@pytest.fixture
def real(postgres: PostgresServer) -> Iterator[Database]:
    url = postgres.create_database(bring_to_newest)
    database = Database(url)
    yield database
    database.dispose()
    postgres.drop_database(url)


def on_postgres(pair: Pair, database: Database) -> Came:
    prepare(database)
    found: list[object] = []

    def second() -> None:
        with database.begin() as connection:
            found.append(pair.second(connection))

    thread = threading.Thread(target=second)
    waited = False
    try:
        with database.begin() as connection:
            pair.first(connection)
            thread.start()
            wait_until(lambda: bool(found) or _somebody_waits(database), 30, "the second one")
            waited = not found
            pair.end()
    except _RolledBack:
        pass
    thread.join(30)
    return Came(waited, found[0], left(database))


def _somebody_waits(database: Database) -> bool:
    with database.read() as connection:
        ungranted = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(connection.execute(ungranted).scalar_one())


def on_the_double(pair: Pair) -> Came:
    simulated = Simulated()
    database = simulated.database
    found: list[object] = []
    at: list[float] = []
    came: list[Came] = []

    def first() -> None:
        try:
            with database.begin() as connection:
                pair.first(connection)
                simulated.pause(2.0)
                pair.end()
        except _RolledBack:
            pass

    def second() -> None:
        with database.begin() as connection:
            found.append(pair.second(connection))
            at.append(simulated.kernel.seconds)

    def read() -> None:
        came.append(Came(at[0] >= 2.0, found[0], left(database)))

    simulated.run((0.0, lambda: prepare(database)), (0.0, first), (1.0, second), (3.0, read))
    return came[0]


@pytest.mark.postgres
@pytest.mark.parametrize("name", PAIRS)
def test_double_does_what_postgresql_does(name: str, real: Database) -> None:
    assert on_the_double(PAIRS[name]) == on_postgres(PAIRS[name], real)
