"""The whole worker behind PgBouncer in transaction mode: every transaction, another connection."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes.system import System, system
from tests.support.servers.fresh import PostgresServer, ValkeyServer
from tests.support.servers.pgbouncer import pgbouncer

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

_OPERATIONS: Final = 300
#: The pooler's connections: far fewer than the threads of a poller.
_SHARED: Final = 3
_SUCCEEDED: Final = "uprid.operation.succeeded"


@pytest.fixture(scope="module")
def whole(
    postgres: PostgresServer, broker: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The system; its database is empty at first."""
    url = postgres.create_database()
    directory: Path = tmp_path_factory.mktemp("pooler")
    settings = {"UPRID_MONETA__RATE_PER_SECOND": "400"}
    with (
        pgbouncer(url, size=_SHARED) as bouncer,
        system(directory, broker, bouncer.before(url), settings) as made,
    ):
        yield made


def test_migrate_works_behind_a_transaction_pooler(whole: System) -> None:
    assert "schema is at" in whole.uprid("migrate")
    assert "schema is at" in whole.uprid("migrate")


def test_identifications_end_behind_a_transaction_pooler_as_they_do_without_one(
    whole: System,
) -> None:
    whole.start_sandbox(delay=0.3)
    whole.start("worker", "poller", "poller-2")
    units = {f"pooled-{number}": (number + 1) * 1_000 for number in range(_OPERATIONS)}
    for reference, unit_id in units.items():
        whole.marketplace.start(reference, unit_id)

    ends = whole.marketplace.wait_for(units, timeout=90)

    assert {ends[reference][0].type for reference in units} == {_SUCCEEDED}
    assert all(len(ends[reference]) == 1 for reference in units)
    assert all(whole.unit(unit_id)["submits"] == 1 for unit_id in units.values())
    for log in whole.logs().values():
        assert "PreparedStatement" not in log
        assert "DatabaseUnavailable" not in log


def test_doctor_finds_nothing_wrong_behind_a_transaction_pooler(whole: System) -> None:
    found = {
        each["what"]: each["level"]
        for each in json.loads(whole.uprid("doctor", "--json"))["findings"]
    }

    assert found["database"] == found["clock"] == found["outbox"] == "ok"


def test_show_works_behind_a_transaction_pooler(whole: System) -> None:
    assert whole.show("pooled-0")["state"] == "succeeded"
