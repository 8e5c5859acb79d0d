"""The access token that the workers share, and who fetches the next one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from tests.support.engine.operations import NOW
from tests.support.loopback.server import free_port
from uprid_client.errors import DatabaseUnavailable
from uprid_client.sealing import Sealer
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.access_tokens import LOOK_AGAIN, AccessToken
from worker.store import access_tokens as store
from worker.store.access_tokens import Held, SealedAccessToken
from worker.store.database import Database
from worker.store.tables import ACCESS_TOKENS

KEY = Fernet.generate_key().decode()
NAME = "some"
TTL = timedelta(minutes=5)
HOLD = timedelta(seconds=35)


def put(database: Database, sealed: str = "sealed") -> int:
    with database.begin() as connection:
        return store.put(connection, NAME, sealed, NOW + TTL)


def current(database: Database, after: float = 0) -> SealedAccessToken | None:
    with database.read() as connection:
        return store.current(connection, NAME, NOW + timedelta(seconds=after))


def hold(database: Database, holder: str, after: float = 0) -> Held | None:
    with database.begin() as connection:
        return store.hold(connection, NAME, holder, NOW + timedelta(seconds=after), HOLD)


def release(database: Database, holder: str, rest: float | None = None) -> None:
    until = None if rest is None else NOW + timedelta(seconds=rest)
    with database.begin() as connection:
        store.release(connection, NAME, holder, until)


def drop(database: Database, generation: int) -> None:
    with database.begin() as connection:
        store.drop(connection, NAME, generation)


def shelf(database: Database, key: str = KEY) -> StoredAccessTokens:
    """Return what another process would have."""
    return StoredAccessTokens(database, Sealer([key]), NAME)


def test_current_is_nothing_at_first(database: Database) -> None:
    assert current(database) is None


def test_current_is_the_newest_until_its_time_is_over(database: Database) -> None:
    assert [put(database, "first"), put(database, "second")] == [1, 2]

    assert current(database, after=TTL.total_seconds() - 1) == SealedAccessToken("second", 2)
    assert current(database, after=TTL.total_seconds()) is None


def test_drop_erases_the_token_that_was_refused_and_no_newer_one(database: Database) -> None:
    put(database, "first")
    put(database, "second")

    drop(database, 1)
    assert current(database) == SealedAccessToken("second", 2)
    drop(database, 2)
    assert current(database) is None
    with database.read() as connection:
        assert connection.execute(select(ACCESS_TOKENS.c.sealed)).scalar_one() is None
    assert put(database) == 3


def test_hold_is_given_to_one_until_it_is_released(database: Database) -> None:
    assert hold(database, "a") is None
    assert hold(database, "b") == Held(NOW + HOLD, resting=False)
    # The holder may take it again.
    assert hold(database, "a") is None

    release(database, "a")

    assert hold(database, "b") is None


def test_hold_is_taken_over_from_who_died(database: Database) -> None:
    hold(database, "a")

    assert hold(database, "b", after=HOLD.total_seconds() - 1) is not None
    assert hold(database, "b", after=HOLD.total_seconds()) is None
    # A holder that comes back late does not release another one's.
    release(database, "a")
    assert hold(database, "c", after=HOLD.total_seconds() + 1) is not None


def test_hold_is_given_to_nobody_while_the_provider_is_left_alone(database: Database) -> None:
    hold(database, "a")
    release(database, "a", rest=15)

    for holder in ("a", "b"):
        assert hold(database, holder, after=14) == Held(NOW + timedelta(seconds=15), resting=True)
    assert hold(database, "b", after=15) is None


def test_names_have_nothing_to_do_with_each_other(database: Database) -> None:
    hold(database, "a")

    with database.begin() as connection:
        assert store.hold(connection, "other", "b", NOW, HOLD) is None
        assert store.current(connection, "other", NOW) is None


def test_a_token_lies_sealed_in_its_row(database: Database) -> None:
    shelf(database).put("user-token", 60)

    with database.read() as connection:
        row = connection.execute(select(ACCESS_TOKENS)).mappings().one()
    assert "user-token" not in repr(dict(row))
    assert shelf(database).current() == AccessToken("user-token", 1)
    assert "user-token" not in repr(shelf(database).current())


def test_a_token_that_does_not_open_is_none(database: Database) -> None:
    shelf(database).put("user-token", 60)

    assert shelf(database, Fernet.generate_key().decode()).current() is None


def test_a_refused_token_is_dropped_once(database: Database) -> None:
    ours = shelf(database)
    old = ours.put("old", 60)
    new = ours.put("new", 60)

    ours.drop(old)
    assert ours.current() == new
    ours.drop(new)
    assert ours.current() is None


def test_one_thread_of_one_process_fetches_at_a_time(database: Database) -> None:
    ours, theirs = shelf(database), shelf(database)

    assert ours.hold(30) == 0.0
    assert ours.hold(30) == LOOK_AGAIN
    assert theirs.hold(30) == LOOK_AGAIN
    ours.release()
    assert theirs.hold(30) == 0.0
    assert ours.hold(30) == LOOK_AGAIN
    theirs.release()


def test_a_rest_is_waited_for_to_its_end(database: Database) -> None:
    ours = shelf(database)
    ours.hold(30)
    ours.release(resting=20)

    assert 19 < shelf(database).hold(30) <= 20
    assert 19 < ours.hold(30) <= 20


def test_a_shelf_without_its_database_lets_go_of_its_thread() -> None:
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    ours = shelf(away)

    # The second one would have to look again if the first one still had the right.
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            ours.hold(30)
    with pytest.raises(DatabaseUnavailable):
        ours.current()
    away.dispose()


def test_under_contention_a_token_is_fetched_once(database: Database) -> None:
    shelves = [shelf(database) for _ in range(3)]
    start = threading.Barrier(9)
    fetched: list[str] = []

    def get(mine: StoredAccessTokens) -> str:
        start.wait()
        while True:
            if (found := mine.current()) is not None:
                return found.value
            if mine.hold(30) > 0:
                continue
            try:
                if mine.current() is None:
                    fetched.append("once")
                    mine.put("token", 60)
            finally:
                mine.release()

    with ThreadPoolExecutor(9) as pool:
        got = list(pool.map(get, shelves * 3))

    assert (set(got), fetched) == ({"token"}, ["once"])
