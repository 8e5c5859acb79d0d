"""What `uprid doctor` finds, on both databases and a real broker."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Table, insert

from tests.support.engine.operations import accept, start
from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.loopback.server import silent_port
from tests.support.processes.command import uprid
from tests.support.servers.authority import Authority
from tests.support.servers.valkey import ValkeyServer
from uprid_client.sealing import Sealer
from worker.privacy.fingerprints import Fingerprinter
from worker.store import leases, provider_pauses
from worker.store.claims import lock_provider
from worker.store.database import Database
from worker.store.invoice_tables import INVOICES, TRANSACTIONS
from worker.store.tables import ACCESS_TOKENS, INPUTS, NOTIFICATIONS

KEY = Fernet.generate_key().decode()
FINGERPRINT_KEY = "f" * 32
Settings = dict[str, str]
Row = Mapping[str, object]

_AT = datetime(2026, 1, 2, tzinfo=UTC)
INPUT: Row = {
    "id": "1", "operation_id": "2", "attempt": 1, "name": "sms_code", "message_id": "m", "at": _AT,
}  # fmt: skip
NOTIFICATION_DATA: Row = {
    "provider": "npd",
    "key": "k",
    "provider_ref": "1",
    "party": "p",
    "at": _AT,
}
INVOICE: Row = {"id": 1, "state": "Paid", "fetched_at": _AT}
TRANSACTION: Row = {"id": 1, "invoice_id": 1, "state": "Confirm"}
ACCESS_TOKEN: dict[str, object] = {
    "name": "intellectmoney", "generation": 1, "expires_at": _AT + timedelta(days=36_500),
}  # fmt: skip


@pytest.fixture
def settings(database: Database, migrated_url: str, valkey: ValkeyServer) -> Settings:
    return {
        "DATABASE_URL": migrated_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
    }


def diagnosed(settings: Settings, status: int = 0) -> dict[str, tuple[str, str]]:
    """Run the doctor; return level and detail by what was looked at."""
    run = uprid(settings, "doctor", "--json")
    told = json.loads(run.out)
    assert run.status == status, told
    assert told["ok"] is (status == 0)
    return {found["what"]: (found["level"], found["detail"]) for found in told["findings"]}


def alive(database: Database) -> None:
    with database.begin() as connection:
        for role in ("worker", "poller"):
            leases.beat(
                connection, incarnation=role, role=role, host="h", pid=1, now=database.now()
            )


def test_doctor_reckons_up_the_connections_of_all_processes(
    settings: Settings, database: Database
) -> None:
    alive(database)
    if database.is_sqlite:
        assert "database connections" not in diagnosed(settings)
        return

    fits = diagnosed(settings)["database connections"]
    too_many = {**settings, "UPRID_ENGINE__CONNECTIONS": "900"}
    level, detail = diagnosed(too_many)["database connections"]

    assert fits[0] == "ok"
    assert fits[1].startswith("2 processes of 20 and 4 others may want 44; the server allows ")
    assert level == "warning"
    assert "2 processes of 900 and 4 others may want 1804; the server allows " in detail
    assert "lower UPRID_ENGINE__CONNECTIONS, raise its max_connections, or take a pooler" in detail


def sealed_operation(database: Database) -> None:
    payload = {"profile": {"first_name": "Небывал"}}
    made = Fingerprinter(FINGERPRINT_KEY)
    fingerprint = made.of("moneta", "identification", {"unit_id": 7}, payload)
    now = database.now()
    begun = start(sealed=Sealer([KEY]).seal(payload), fingerprint=fingerprint)
    accept(database, begun, now)


def test_doctor_is_content_when_all_is_well(settings: Settings, database: Database) -> None:
    alive(database)
    sealed_operation(database)

    found = diagnosed(settings)

    levels = {what: level for what, (level, _) in found.items()}
    # No provider is set in this test.
    assert levels.pop("providers") == "warning"
    # The tests' own PostgreSQL writes nothing to the disk.
    assert levels.pop("durability", "warning") == "warning"
    assert set(levels.values()) == {"ok"}, found
    assert found["seal keys"][1].startswith("1 ")
    assert found["fingerprint key"][1].startswith("1 ")


def test_doctor_for_people_writes_faults_to_standard_error(
    settings: Settings, database: Database
) -> None:
    sealed_operation(database)

    run = uprid(settings, "doctor")

    assert run.status == 1
    assert [line.split()[1] for line in run.lines] == ["workers:", "pollers:"]
    assert "seal keys" in run.out


def test_doctor_names_every_fault_at_once(settings: Settings, database: Database) -> None:
    accept(database, start("late"), database.now() - timedelta(minutes=5))

    found = diagnosed(settings | {"REDIS_URL": "redis://127.0.0.1:1/0"}, status=1)

    faulty = {what for what, (level, _) in found.items() if level == "fault"}
    assert faulty == {"broker", "workers", "pollers", "overdue", "outbox"}


def test_doctor_goes_on_when_the_database_is_away(settings: Settings) -> None:
    away = settings | {"DATABASE_URL": "postgresql://uprid@127.0.0.1:1/none"}

    found = diagnosed(away, status=1)

    assert found["database"][0] == "fault"
    assert found["broker"][0] == "ok"


def test_doctor_finds_a_schema_that_is_not_the_newest(
    settings: Settings, database_url: str
) -> None:
    found = diagnosed(settings | {"DATABASE_URL": database_url}, status=1)

    assert "uprid migrate" in found["database"][1]


def test_doctor_finds_a_key_that_was_dropped_too_early(
    settings: Settings, database: Database
) -> None:
    alive(database)
    sealed_operation(database)
    another = Fernet.generate_key().decode()

    dropped = diagnosed(settings | {"UPRID_SEAL_KEYS": another}, status=1)
    rotated = diagnosed(settings | {"UPRID_SEAL_KEYS": f"{another},{KEY}"})

    assert dropped["seal keys"][0] == "fault"
    assert dropped["seal keys"][1].startswith("1 of 1 ")
    assert rotated["seal keys"][0] == "ok"


@pytest.mark.parametrize(
    ("table", "name", "row"),
    [
        pytest.param(INPUTS, "inputs", INPUT, id="input"),
        pytest.param(NOTIFICATIONS, "notifications", NOTIFICATION_DATA, id="notification"),
        pytest.param(INVOICES, "invoices", INVOICE, id="invoice"),
        pytest.param(TRANSACTIONS, "transactions", TRANSACTION, id="transaction"),
        pytest.param(ACCESS_TOKENS, "access tokens", ACCESS_TOKEN, id="access token"),
    ],
)
def test_doctor_finds_what_does_not_open_beside_the_attempts(
    settings: Settings, database: Database, table: Table, name: str, row: Row
) -> None:
    alive(database)
    sealed_operation(database)
    another = Fernet.generate_key().decode()
    with database.begin() as connection:
        connection.execute(insert(table).values(sealed=Sealer([another]).seal({}), **row))

    shut = diagnosed(settings, status=1)["seal keys"]
    opened = diagnosed(settings | {"UPRID_SEAL_KEYS": f"{KEY},{another}"})["seal keys"]

    assert shut[0] == "fault"
    assert shut[1].startswith(f"1 of 2 sealed values do not open (1 of {name}):")
    assert opened == ("ok", "2 sealed values looked at, all open")


def test_doctor_leaves_an_access_token_alone_whose_time_is_over(
    settings: Settings, database: Database
) -> None:
    alive(database)
    foreign = Sealer([Fernet.generate_key().decode()]).seal({})
    over = ACCESS_TOKEN | {"expires_at": database.now() - timedelta(seconds=1)}
    with database.begin() as connection:
        connection.execute(insert(ACCESS_TOKENS).values(sealed=foreign, **over))

    assert diagnosed(settings)["seal keys"][0] == "ok"


def test_doctor_finds_a_fingerprint_key_that_is_not_the_one(
    settings: Settings, database: Database
) -> None:
    alive(database)
    sealed_operation(database)

    found = diagnosed(settings | {"UPRID_FINGERPRINT_KEY": "g" * 32}, status=1)

    assert found["fingerprint key"][0] == "fault"


@pytest.mark.parametrize(("by", "level"), [("uprid-worker", "fault"), ("olga", "warning")])
def test_doctor_tells_a_paused_provider_by_who_paused_it(
    settings: Settings, database: Database, by: str, level: str
) -> None:
    with database.begin() as connection:
        now = database.now()
        lock_provider(connection, "moneta", now)
        provider_pauses.pause(connection, "moneta", by, "credentials", now, None)

    found = diagnosed(settings, status=int(level == "fault"))

    assert found["moneta calls"][0] == level
    assert f"by {by}: credentials" in found["moneta calls"][1]


def test_doctor_finds_a_broker_that_may_evict(settings: Settings, valkey: ValkeyServer) -> None:
    with valkey.client() as server:
        server.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = diagnosed(settings, status=1)
        finally:
            server.config_set("maxmemory-policy", "noeviction")

    assert found["broker memory"][0] == "fault"


def test_doctor_asks_the_provider_and_says_that_it_is_away(settings: Settings) -> None:
    moneta = {
        "UPRID_MONETA__URL": "http://127.0.0.1:1/services",
        "UPRID_MONETA__USERNAME": "u",
        "UPRID_MONETA__PASSWORD": "hidden",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
        "UPRID_MONETA__FULL_GROUP_ID": "2",
    }

    found = diagnosed(settings | moneta, status=1)

    assert found["moneta host"][0] == "fault"
    assert found["moneta settings"][0] == "ok"
    assert "hidden" not in str(found)


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (405, "ok"), (503, "warning")])
def test_doctor_warns_of_a_host_whose_gateway_alone_answers(
    settings: Settings, status: int, level: str
) -> None:
    with HttpStub(Answer(status=status)) as host:
        npd = {
            "UPRID_NPD__URL": host.url,
            "UPRID_NPD__SECURITY_KEY": "k",
            "UPRID_NPD__SECRET_KEY": "s",
        }
        found = diagnosed(settings | npd)

    assert found["npd host"][0] == level
    assert f"answers with http {status}" in found["npd host"][1]


def test_doctor_says_why_tls_failed_and_what_to_set(settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with HttpStub(tls=authority.serving()) as host:
        mandarin = {
            "UPRID_MANDARIN__URL": host.url,
            "UPRID_MANDARIN__MERCHANT_ID": "1",
            "UPRID_MANDARIN__SECRET": "hidden",
        }
        unknown = diagnosed(settings | mandarin, status=1)["mandarin host"]
        believed = diagnosed(settings | mandarin | {"UPRID_CA_BUNDLE": str(authority.certificate)})[
            "mandarin host"
        ]

    said = "certificate not trusted: put its authority's certificate into UPRID_MANDARIN__CA_BUNDLE"
    assert unknown == ("fault", said)
    assert believed == ("ok", "answers with http 200")


def test_a_file_that_is_not_there_is_a_wrong_setting(settings: Settings, tmp_path: Path) -> None:
    run = uprid(settings | {"UPRID_CA_BUNDLE": str(tmp_path / "none.pem")}, "doctor")

    assert run.status == 2
    assert [line.partition("UPRID_")[2] for line in run.lines] == [
        "CA_BUNDLE: names a file that is not there"
    ]


def test_everything_that_is_silent_is_named_at_once() -> None:
    """Each of them takes connections and says nothing, as behind a firewall or a paused pooler."""
    with silent_port() as port:
        place = f"127.0.0.1:{port}"
        silent = {
            "DATABASE_URL": f"postgresql://u:p@{place}/d",
            "REDIS_URL": f"redis://{place}/0",
            "UPRID_EVENTS__REDIS_URL": f"redis://{place}/1",
            "UPRID_SEAL_KEYS": KEY,
            "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
            "UPRID_MANDARIN__URL": f"https://{place}",
            "UPRID_MANDARIN__MERCHANT_ID": "1",
            "UPRID_MANDARIN__SECRET": "s",
            "UPRID_NPD__URL": f"https://{place}",
            "UPRID_NPD__SECURITY_KEY": "k",
            "UPRID_NPD__SECRET_KEY": "s",
        }
        began = time.monotonic()
        told = diagnosed(silent, status=1)
        took = time.monotonic() - began

    faults = {what for what, (level, _) in told.items() if level == "fault"}
    assert faults == {"broker", "events", "database", "mandarin host", "npd host"}
    # One after the other they take minutes.
    assert took < 30
