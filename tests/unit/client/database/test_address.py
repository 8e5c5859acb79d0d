"""The database's address: every form that libpq has, and every fault by its part."""

from pathlib import Path

import pytest
from psycopg import pq

from config.settings import SettingsError, load
from uprid_client.database.address import check_database_url, read_postgres
from uprid_client.database.libpq_options import NAMES

#: What must never be shown, in every refused address below.
_SECRET = "Larkspur"


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        pytest.param("u:p@h:5433/d", {"user": "u", "password": "p", "port": "5433"}, id="whole"),
        pytest.param("u:p:w@h/d", {"password": "p:w"}, id="a colon in the password"),
        pytest.param("u%40corp:p%23%40%2F%3F%25@h/d", {"user": "u@corp", "password": "p#@/?%"},
                     id="percent-encoded"),
        pytest.param("h/d%2Fe", {"dbname": "d/e"}, id="a slash in the database's name"),
        pytest.param("h/д", {"dbname": "д"}, id="a name in Cyrillic"),
        pytest.param("[::1]:5433/d", {"host": "::1", "port": "5433"}, id="IPv6"),
        pytest.param("h1:5432,h2:5433/d",
                     {"host": "h1,h2", "port": "5432,5433", "target_session_attrs": "read-write"},
                     id="two hosts"),
        pytest.param("h1,h2:5433,[::1]/d", {"host": "h1,h2,::1", "port": "5432,5433,5432"},
                     id="ports of some hosts"),
        pytest.param("h1,h2/d?target_session_attrs=any", {"target_session_attrs": "any"},
                     id="two hosts that both will do"),
        pytest.param("/d?host=h1,h2&port=5433", {"host": "h1,h2", "port": "5433,5433"},
                     id="hosts as libpq's options"),
        pytest.param("u@/d?host=h1:5432&host=h2:5433", {"host": "h1,h2", "port": "5432,5433"},
                     id="hosts as SQLAlchemy has them"),
        pytest.param("/d?host=/var/run/postgresql", {"host": "/var/run/postgresql"}, id="socket"),
        pytest.param("%2Fvar%2Frun/d", {"host": "/var/run"}, id="socket as a host"),
        pytest.param("h?dbname=d&user=u@corp&password=p", {"user": "u@corp", "password": "p"},
                     id="everything as options"),
        pytest.param("h/d?sslmode=verify-full&sslrootcert=system",
                     {"sslmode": "verify-full", "sslrootcert": "system"}, id="TLS"),
        pytest.param("h/d?ssl=true", {"sslmode": "require"}, id="TLS as others spell it"),
        pytest.param("h/d?client_encoding=utf8&application_name=shop",
                     {"application_name": "shop"}, id="what is ours already"),
        pytest.param("h/d?connect_timeout=3&keepalives=0", {"connect_timeout": "3"}, id="times"),
    ],
)  # fmt: skip
def test_address_is_read_as_libpq_reads_it(given: str, parameters: dict[str, str]) -> None:
    read = read_postgres(check_database_url(f" postgresql://{given}\r\n")).parameters

    assert {name: read.get(name) for name in parameters} == parameters


@pytest.mark.parametrize("options", ["-csearch_path%3Duprid", "-c%20search_path=uprid",
                                     "--search_path%3Duprid"])  # fmt: skip
def test_address_may_name_the_schema_of_the_tables(options: str) -> None:
    address = read_postgres(check_database_url(f"postgres://h/d?options={options}"))

    assert address.schema == "uprid"
    assert "options" not in address.parameters
    assert read_postgres("postgres://h/d").schema == "public"


def _signs() -> list[object]:
    """Return a password with each sign that ends a part of an address, in all its parts."""
    return [
        pytest.param(f"u:{password}@h:5432/d", "percent-encode", id=f"password {password}")
        for password in (
            f"{_SECRET}#x", f"{_SECRET}@x", f"{_SECRET}/x", f"{_SECRET}?x", f"{_SECRET}%x",
            f"{_SECRET}%", f"{_SECRET}%zz", f"12#{_SECRET}", f"12/{_SECRET}", f"12?{_SECRET}",
            f"12?{_SECRET}=1", f"12?host={_SECRET}", f"@{_SECRET}", f"@{_SECRET}?{_SECRET}=1",
            f"%00{_SECRET}", f"#{_SECRET}?{_SECRET}/%", f"x?sslmode={_SECRET}",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        *_signs(),
        pytest.param(f"u:{_SECRET}@h/d?pgbouncer=true", "option pgbouncer", id="Prisma's option"),
        pytest.param(f"u:{_SECRET}@h/d?schema=x", "options=-csearch_path%3D", id="Prisma's schema"),
        pytest.param(f"u:{_SECRET}@h/d?sslmod=require", "option sslmod", id="a typing error"),
        pytest.param(f"u:{_SECRET}@h/d?sslmode=on", "option sslmode", id="no choice of libpq's"),
        pytest.param(f"u:{_SECRET}@h/d?connect_timeout=soon", "connect_timeout", id="no number"),
        pytest.param(f"u:{_SECRET}@h/d?sslmode", "pairs", id="an option without a value"),
        pytest.param(f"u:{_SECRET}@h/d?sslmode=require&sslmode=disable", "twice", id="twice"),
        pytest.param(f"u:{_SECRET}@h/d?sslrootcert=/{_SECRET}", "sslrootcert", id="no such file"),
        pytest.param(f"u:{_SECRET}@h/d?client_encoding=latin1", "client_encoding", id="encoding"),
        pytest.param(f"u:{_SECRET}@h/d?replication=database", "replication", id="replication"),
        pytest.param(f"u:{_SECRET}@h/d?options=-cTimeZone%3DMSK", "option options", id="a GUC"),
        pytest.param(f"u:{_SECRET}@h/d?options=-csearch_path%3Da,b", "one schema", id="schemas"),
        pytest.param(f"u:{_SECRET}@h/d?target_session_attrs=standby", "read-write", id="standby"),
        pytest.param(f"u:{_SECRET}@h/d#x", "%23", id="a fragment"),
        pytest.param(f"u:{_SECRET}@h:port/d", "port", id="a port in letters"),
        pytest.param(f"u:{_SECRET}@h:0/d", "port", id="port 0"),
        pytest.param(f"u:{_SECRET}@h:65536/d", "port", id="a port beyond all"),
        pytest.param(f"u:{_SECRET}@h1:1,h2:x/d", "port", id="the second host's port"),
        pytest.param(f"u:{_SECRET}@/d?host=h1,h2,h3&port=1,2", "port", id="two ports of three"),
        pytest.param(f"u:{_SECRET}@h1,,h2/d", "hosts", id="an empty host"),
        pytest.param(f"u:{_SECRET}@h..example/d", "host", id="a host with an empty label"),
        pytest.param(f"u:{_SECRET}@{'h' * 64}/d", "host", id="a host that no DNS has"),
        pytest.param(f"u:{_SECRET}@[::1/d", "bracket", id="half an IPv6 address"),
        pytest.param(f"u:{_SECRET}@h", "names no database", id="no database"),
        pytest.param(f"u:{_SECRET}@h/", "names no database", id="an empty database"),
        pytest.param(f"u:{_SECRET}@h/d/e", "database name", id="two databases"),
        pytest.param(f"u:{_SECRET}@h/d%FF", "UTF-8", id="no UTF-8"),
        pytest.param(f"u:{_SECRET}@h/d%0A", "printable", id="an encoded line end"),
        pytest.param(f"u:{_SECRET}\n@h/d", "line end", id="a line end inside"),
    ],
)  # fmt: skip
def test_fault_of_an_address_is_named_by_its_part_and_never_by_its_value(
    given: str, said: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load((), {"DATABASE_URL": f"postgresql://{given}"})

    [fault] = raised.value.errors
    assert fault.startswith("DATABASE_URL: ")
    assert said in fault
    assert "\n" not in fault
    assert _SECRET not in fault


def test_files_that_an_address_names_are_looked_for(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.touch()

    check_database_url(f"postgresql://h/d?sslmode=verify-full&sslrootcert={authority}")


def test_client_may_read_from_a_standby() -> None:
    check_database_url("postgresql://h/d?target_session_attrs=prefer-standby", writes=False)


def test_sqlite_takes_a_file_and_no_options() -> None:
    assert check_database_url("sqlite:///var/x.sqlite3\n") == "sqlite:///var/x.sqlite3"
    with pytest.raises(ValueError, match="no options"):
        check_database_url("sqlite:////srv/x.sqlite3?mode=memory")


def test_options_are_those_of_the_drivers_own_library() -> None:
    assert {each.keyword.decode() for each in pq.Conninfo.get_defaults()} <= NAMES
