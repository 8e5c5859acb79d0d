"""A server that went away or takes no writes any more is left within one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import wait_until
from tests.support.servers.fresh import PostgresServer, postgres_server
from tests.support.servers.read_only import read_only_for_old_sessions
from uprid_client.database.answers import sealed_answer
from uprid_client.errors import DatabaseUnavailable
from worker.store import claims
from worker.store.database import Database

pytestmark = pytest.mark.postgres


@contextmanager
def opened(url: str, connections: int = 3) -> Iterator[Database]:
    database = Database(url, connections=connections)
    try:
        yield database
    finally:
        database.dispose()


def write(database: Database) -> None:
    with database.begin() as connection:
        claims.lock_provider(connection, "moneta", database.now())
        claims.write_shared(connection, "moneta", failures=0)


def refusal(database: Database) -> str:
    """Return why a write is refused; empty: it is not."""
    try:
        write(database)
    except DatabaseUnavailable as error:
        return str(error)
    return ""


def fill(database: Database) -> set[int]:
    """Open every connection of the pool; return their servers' processes."""
    first = database.engine.connect()
    second = database.engine.connect()
    try:
        asked = text("SELECT pg_backend_pid()")
        return {each.execute(asked).scalar_one() for each in (first, second)}
    finally:
        first.close()
        second.close()


def test_sessions_that_became_read_only_are_left_at_the_first_refusal(
    postgres: PostgresServer,
) -> None:
    url = postgres.create_database(bring_to_newest)
    with opened(url) as database:
        write(database)
        old = fill(database)
        with read_only_for_old_sessions(url):
            # Sessions learn of it one after the other.
            why = wait_until(lambda: refusal(database), 10, "a refusal")

            write(database)

            # Not one of the others is tried either.
            assert not fill(database) & old
    assert "takes no writes (ReadOnlySqlTransaction, 25006)" in why


def _fail(database: Database, sqlstate: str, spoilt: list[int]) -> None:
    """Have a transaction fail with a code; note whose it was."""
    raising = f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}' USING MESSAGE = 'Delphinium'; END $$"
    with database.begin() as connection:
        spoilt.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        connection.execute(text(raising))


@pytest.mark.parametrize(
    ("sqlstate", "left"),
    [
        *((code, "pool") for code in (
            "08000", "08001", "08003", "08004", "08006", "08007", "08P01", "25006", "57000",
            "57P01", "57P02", "57P03", "57P04",
        )),
        *((code, "connection") for code in (
            "25P03", "26000", "42P05", "53300", "57P05", "58000", "58030", "F0000", "XX000",
            "XX001", "3D000", "28000", "28P01",
        )),
        *((code, "nothing") for code in (
            "40001", "40P01", "42501", "53000", "53100", "53200", "53400", "55000", "55006",
            "55P03", "57014", "3F000",
        )),
    ],
)  # fmt: skip
def test_code_of_an_error_says_what_is_of_no_use_any_more(
    postgres: PostgresServer, sqlstate: str, left: str
) -> None:
    with opened(postgres.url("postgres")) as database:
        old = fill(database)
        spoilt: list[int] = []

        with pytest.raises(DatabaseUnavailable, match=sqlstate) as raised:
            _fail(database, sqlstate, spoilt)

        kept = fill(database) & old
    assert kept == {"pool": set(), "connection": old - set(spoilt), "nothing": old}[left]
    assert "Delphinium" not in str(raised.value)


@pytest.mark.parametrize("sqlstate", ["22003", "23505", "42601", "42703", "P0001", "0A000"])
def test_mistake_of_ours_is_no_outage(postgres: PostgresServer, sqlstate: str) -> None:
    with opened(postgres.url("postgres")) as database:
        old = fill(database)
        with pytest.raises(DBAPIError, match="Delphinium"):
            _fail(database, sqlstate, [])

        assert fill(database) == old


def test_sessions_that_an_administrator_ended_are_left_together(postgres: PostgresServer) -> None:
    url = postgres.create_database(bring_to_newest)
    with opened(url) as database:
        old = fill(database)
        with psycopg.connect(postgres.url("postgres").replace("+psycopg", "")) as administrator:
            for pid in old:
                administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        with pytest.raises(DatabaseUnavailable):
            write(database)

        write(database)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgresServer, PostgresServer, str]]:
    """A primary, the standby that follows it, and a migrated database's name."""
    with postgres_server(replicated=True) as primary:
        name = primary.create_database(bring_to_newest).rpartition("/")[2]
        with postgres_server(standby_of=primary) as standby:
            yield primary, standby, name


def _both(first: PostgresServer, second: PostgresServer, name: str, options: str = "") -> str:
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://uprid@{hosts}/{name}{options}"


_FORMS: list[Callable[[PostgresServer, PostgresServer, str], str]] = [
    _both,
    lambda first, second, name: _both(
        first, second, name, "?target_session_attrs=read-write&connect_timeout=3"
    ),
    lambda first, second, name: _both(first, second, name, "?target_session_attrs=primary"),
    lambda first, second, name: (
        f"postgresql+psycopg://uprid@/{name}?host=127.0.0.1,127.0.0.1&port={first.port},{second.port}"
    ),
    lambda first, second, name: (
        f"postgres://uprid@/{name}?host=127.0.0.1:{first.port}&host=127.0.0.1:{second.port}"
    ),
]


@pytest.mark.parametrize("form", _FORMS)
def test_standby_that_is_named_first_is_passed_over(
    pair: tuple[PostgresServer, PostgresServer, str],
    form: Callable[[PostgresServer, PostgresServer, str], str],
) -> None:
    primary, standby, name = pair

    with opened(form(standby, primary, name)) as database:
        write(database)


@pytest.mark.parametrize(
    "hosts", ["127.0.0.1,127.0.0.2", "127.0.0.1,[::1]", "u@127.0.0.1,h2.invalid"]
)
def test_hosts_without_ports_are_tried_at_the_usual_one(hosts: str) -> None:
    with opened(f"postgresql://{hosts}/no_such_database") as database:
        assert refusal(database)


def test_client_reads_from_the_first_server_that_answers(
    pair: tuple[PostgresServer, PostgresServer, str],
) -> None:
    primary, standby, name = pair
    url = _both(standby, primary, name, "?target_session_attrs=any")

    assert sealed_answer(url, "o", 1) is None


def test_only_standbys_are_an_outage_that_says_so(
    pair: tuple[PostgresServer, PostgresServer, str],
) -> None:
    _, standby, name = pair

    with (
        opened(_both(standby, standby, name)) as database,
        pytest.raises(DatabaseUnavailable, match="None of its hosts takes writes"),
    ):
        write(database)


# The last one: the primary is gone after it.
def test_promoted_standby_is_found_without_a_restart(
    pair: tuple[PostgresServer, PostgresServer, str],
) -> None:
    primary, standby, name = pair
    with opened(_both(primary, standby, name)) as database:
        write(database)
        primary.kill()
        with pytest.raises(DatabaseUnavailable):
            write(database)

        standby.promote()

        wait_until(lambda: not refusal(database), 10, "a write on the promoted standby")
        assert sealed_answer(_both(primary, standby, name), "o", 1) is None
