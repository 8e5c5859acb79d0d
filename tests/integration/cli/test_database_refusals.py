"""What a database refuses: one line that says what to type, from every command."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql

from tests.support.engine.schema import bring_to_newest
from tests.support.processes.command import Ended, uprid
from tests.support.servers.fresh import PostgresServer, ValkeyServer
from tests.support.servers.postgres import BARRED, BY_PASSWORD
from uprid_client.database.address import read_postgres
from uprid_client.database.answers import sealed_answer
from uprid_client.database.postgres import refusals
from uprid_client.errors import DatabaseRefused, DatabaseUnavailable

pytestmark = pytest.mark.postgres

_PASSWORD: Final = "Larkspur"
#: A role that may log in, and nothing else.
_GUEST: Final = "guest"


def administer(url: str, *statements: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement))


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> PostgresServer:
    """The run's server, with the roles that these tests come as."""
    administer(
        postgres.url("postgres"),
        f"CREATE ROLE {_GUEST} LOGIN",
        f"CREATE ROLE {BY_PASSWORD} LOGIN PASSWORD '{_PASSWORD}-right'",
        f"CREATE ROLE {BARRED} LOGIN",
        "CREATE ROLE shut_out LOGIN CONNECTION LIMIT 0",
        "CREATE ROLE no_login",
    )
    return postgres


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """A migrated database, as its owner."""
    made = server.create_database(bring_to_newest)
    yield made
    server.drop_database(made)


def as_role(url: str, role: str) -> str:
    return url.replace("uprid@", f"{role}@")


def settings(url: str, valkey: ValkeyServer) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": Fernet.generate_key().decode(),
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }


def findings(run: Ended) -> dict[str, tuple[str, str]]:
    return {
        each["what"]: (each["level"], each["detail"]) for each in json.loads(run.out)["findings"]
    }


def refused(url: str, valkey: ValkeyServer, said: str) -> None:
    """Assert that every command ends in one line that says what to do."""
    given = settings(url, valkey)
    for command in (["migrate"], ["list"], ["show", "order-1"], ["invoices", "export"]):
        run = uprid(given, *command)
        assert run.status == 1, (command, run)
        [line] = run.lines
        assert said in line, (command, line)
        assert _PASSWORD not in line
    doctor = uprid(given, "doctor", "--json")
    found = findings(doctor)
    assert doctor.status == 1
    assert said in found["database"][1]
    # To the end.
    assert found["broker"][0] == "ok"
    assert "providers" in found
    assert _PASSWORD not in doctor.out
    with pytest.raises(DatabaseUnavailable) as raised:
        sealed_answer(url, "o", 1)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        pytest.param(f"absent:{_PASSWORD}", "createuser --pwprompt absent", id="no such role"),
        pytest.param("no_login", "createuser --pwprompt no_login", id="no right to log in"),
        pytest.param(f"{BY_PASSWORD}:{_PASSWORD}", "look at user and", id="wrong password"),
        pytest.param(BY_PASSWORD, "user:password@", id="no password"),
        pytest.param(BARRED, "pg_hba.conf", id="barred by pg_hba.conf"),
        pytest.param("shut_out", "CONNECTION LIMIT", id="too many connections"),
    ],
)  # fmt: skip
def test_role_that_is_not_let_in_is_refused_with_what_to_type(
    url: str, valkey: ValkeyServer, role: str, said: str
) -> None:
    refused(as_role(url, role), valkey, said)


@pytest.mark.skipif(sys.platform != "linux", reason="libpq's trace is Linux's")
@pytest.mark.parametrize(
    ("role", "said"),
    [("absent", "(28000)"), (f"{BY_PASSWORD}:{_PASSWORD}", "(28P01)"), ("shut_out", "(53300)")],
)
def test_refusal_in_another_language_is_understood_by_its_code(
    url: str, monkeypatch: pytest.MonkeyPatch, role: str, said: str
) -> None:
    # Words that are not known: this server speaks English.
    monkeypatch.setattr(refusals, "_SIGNS", ())
    monkeypatch.setattr(refusals, "_KNOWN", {})
    open_files = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(3):
        with pytest.raises(DatabaseRefused) as raised:
            sealed_answer(as_role(url, role), "o", 1)
        assert said in str(raised.value)
        assert _PASSWORD not in str(raised.value)

    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_missing_database_is_refused_with_the_command_that_makes_it(
    server: PostgresServer, valkey: ValkeyServer
) -> None:
    line = "createdb --encoding=UTF8 --template=template0 --owner=uprid never_made"

    refused(server.url("never_made"), valkey, line)


def test_database_that_is_closed_to_connections_is_refused_with_what_opens_it(
    url: str, server: PostgresServer, valkey: ValkeyServer
) -> None:
    name = url.rpartition("/")[2]
    administer(server.url("postgres"), f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")

    refused(url, valkey, "ALLOW_CONNECTIONS true")


def test_database_without_the_right_to_connect_is_refused_with_the_grant(
    url: str, valkey: ValkeyServer
) -> None:
    name = url.rpartition("/")[2]
    administer(url, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")

    refused(as_role(url, _GUEST), valkey, f'GRANT CONNECT ON DATABASE "{name}" TO "{_GUEST}"')


@pytest.mark.parametrize(
    ("host", "said"),
    [
        pytest.param("nowhere.invalid", "host name", id="a host that has no address"),
        pytest.param("127.0.0.1:1", "othing listens there", id="a port that nobody listens on"),
    ],
)
def test_server_that_is_not_found_is_said_so(valkey: ValkeyServer, host: str, said: str) -> None:
    refused(f"postgresql://u:{_PASSWORD}@{host}/d", valkey, said)


def test_tls_that_a_server_does_not_have_is_said_so(url: str, valkey: ValkeyServer) -> None:
    refused(f"{url}?sslmode=require", valkey, "TLS was asked for")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param("service=absent", "service", id="a service that is not defined"),
        pytest.param("hostaddr=127.0.0.1,127.0.0.1", "hostaddr", id="more addresses than hosts"),
        pytest.param("sslnegotiation=direct", "sslmode=require", id="direct TLS that may be none"),
        pytest.param("ssl_min_protocol_version=9", "look at the options", id="no such value"),
        pytest.param("require_auth=scram-sha-256", "require_auth", id="another authentication"),
        pytest.param("channel_binding=require", "channel_binding", id="no channel binding"),
        pytest.param("gssencmode=require", "gssencmode", id="no GSSAPI"),
        pytest.param("min_protocol_version=3.2", "min_protocol_version", id="a newer protocol"),
    ],
)
def test_option_that_keeps_us_out_is_named(url: str, options: str, said: str) -> None:
    with pytest.raises(DatabaseRefused, match=f"What helps: .*{said}"):
        sealed_answer(f"{url}?{options}", "o", 1)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [("bouncer config error", "pgbouncer.ini"), ('database "d" is disabled', "ENABLE")],
)
def test_database_that_a_pooler_does_not_have_is_said_so(said: str, remedy: str) -> None:
    error = psycopg.OperationalError(f"connection failed: FATAL:  {said}")

    found = refusals.why_not_connected(error, read_postgres("postgresql://h/d"), {})

    assert remedy in str(found)


def test_schema_without_usage_is_refused_with_the_grant(url: str, valkey: ValkeyServer) -> None:
    administer(url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")

    given = settings(as_role(url, _GUEST), valkey)

    for command in ("migrate", "list"):
        [line] = uprid(given, command).lines
        assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{_GUEST}"' in line
    assert "GRANT USAGE" in findings(uprid(given, "doctor", "--json"))["database"][1]


def test_migrate_names_the_grant_where_it_may_make_no_tables(
    server: PostgresServer, valkey: ValkeyServer
) -> None:
    url = server.create_database()
    # As it is by itself since PostgreSQL 15.
    administer(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    run = uprid(settings(as_role(url, _GUEST), valkey), "migrate")

    assert run.status == 1
    [line] = run.lines
    assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{_GUEST}"' in line


def test_migrate_names_the_owner_of_tables_that_it_may_not_change(
    server: PostgresServer, valkey: ValkeyServer
) -> None:
    url = server.create_database()
    assert uprid(settings(url, valkey), "migrate", "--to", "0002").status == 0
    administer(
        url,
        f"GRANT CREATE ON SCHEMA public TO {_GUEST}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {_GUEST}",
    )

    run = uprid(settings(as_role(url, _GUEST), valkey), "migrate")

    assert run.status == 1
    [line] = run.lines
    assert "belong to uprid" in line


def test_schema_that_the_address_names_and_nobody_made_is_refused(
    url: str, valkey: ValkeyServer
) -> None:
    [line] = uprid(settings(f"{url}?options=-csearch_path%3Dapart", valkey), "migrate").lines

    assert 'CREATE SCHEMA "apart" AUTHORIZATION "uprid"' in line


def test_tables_that_an_older_release_put_elsewhere_are_not_made_a_second_time(
    server: PostgresServer, valkey: ValkeyServer
) -> None:
    url = server.create_database()
    administer(url, "CREATE SCHEMA uprid")
    there = f"{url}?options=-csearch_path%3Duprid"
    assert uprid(settings(there, valkey), "migrate").status == 0

    for command in ("migrate", "list"):
        run = uprid(settings(url, valkey), command)
        assert run.status == 1
        [line] = run.lines
        assert "options=-csearch_path%3Duprid" in line
    assert uprid(settings(there, valkey), "list").status == 0


@pytest.mark.parametrize(
    ("grants", "lacking"),
    [
        pytest.param(
            ["GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}"],
            ["operation", "outbox", "invoice", "journal_id_seq"],
            id="only reads",
        ),
        pytest.param(
            ["GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"],
            ["journal_id_seq", "outbox_seq_seq"],
            id="no sequences",
        ),
        pytest.param(
            [
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
                "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}",
                "REVOKE DELETE ON lock FROM {}",
            ],
            ["lock"],
            id="one right on one table",
        ),
    ],
)
def test_doctor_finds_the_rights_that_are_lacking_and_says_what_grants_them(
    url: str, valkey: ValkeyServer, grants: list[str], lacking: list[str]
) -> None:
    administer(url, *(each.format(_GUEST) for each in grants))
    given = settings(as_role(url, _GUEST), valkey)

    before = findings(uprid(given, "doctor", "--json"))

    level, detail = before["database writes"]
    assert level == "fault"
    for name in lacking:
        assert f" {name}" in detail
    # What can be read is looked at all the same.
    assert "seal keys" in before
    assert "workers" in before
    _, _, typed = detail.partition("as the tables' owner: ")
    administer(url, *typed.removesuffix(";").split("; "))
    assert findings(uprid(given, "doctor", "--json"))["database writes"][0] == "ok"


def test_command_that_may_not_write_says_what_grants_it(url: str, valkey: ValkeyServer) -> None:
    administer(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {_GUEST}")

    run = uprid(settings(as_role(url, _GUEST), valkey), "pause", "moneta", "--note", "n")

    assert run.status == 1
    [line] = run.lines
    assert f'TO "{_GUEST}"' in line


def test_doctor_finds_a_server_that_takes_no_writes(url: str, valkey: ValkeyServer) -> None:
    name = url.rpartition("/")[2]
    administer(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    found = findings(uprid(settings(url, valkey), "doctor", "--json"))

    assert found["database writes"][0] == "fault"
    assert "takes no writes" in found["database writes"][1]
    said = f'ALTER DATABASE "{name}" RESET default_transaction_read_only;'
    assert said in found["database writes"][1]
    assert found["seal keys"][0] == "ok"


def test_encoding_that_cannot_hold_every_name_is_refused_in_a_line(
    server: PostgresServer, valkey: ValkeyServer
) -> None:
    administer(
        server.url("postgres"),
        "CREATE DATABASE in_ascii ENCODING 'SQL_ASCII' TEMPLATE template0",
    )
    given = settings(server.url("in_ascii"), valkey)

    run = uprid(given, "migrate")
    found = findings(uprid(given, "doctor", "--json"))

    assert run.status == 1
    [line] = run.lines
    for text in (line, found["database"][1]):
        assert "SQL_ASCII" in text
        assert "createdb --encoding=UTF8" in text
    assert "providers" in found


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param("no database", "no SQLite database", id="another kind of file"),
        pytest.param("a folder", "cannot be opened", id="a folder"),
        pytest.param("no folder", "cannot be opened", id="a file in the folder's place"),
    ],
)
def test_sqlite_file_that_will_not_do_is_refused_in_a_line(
    tmp_path: Path, valkey: ValkeyServer, broken: str, said: str
) -> None:
    path = tmp_path / "x.sqlite3"
    match broken:
        case "no database":
            path.write_bytes(b"plain text, and more than a header of it" * 100)
        case "a folder":
            path.mkdir()
        case _:
            path.touch()
            path = path / "y.sqlite3"
    given = settings(f"sqlite:///{path}", valkey)

    for command in ("migrate", "list"):
        run = uprid(given, command)
        assert run.status == 1, run
        [line] = run.lines
        assert said in line
    doctor = uprid(given, "doctor", "--json")
    assert said in " ".join(detail for _, detail in findings(doctor).values())
    assert "providers" in findings(doctor)
    with pytest.raises(DatabaseUnavailable):
        sealed_answer(given["DATABASE_URL"], "o", 1)
