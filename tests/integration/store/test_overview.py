"""How the whole stands, as it is read of the tables, on both databases."""

from datetime import timedelta

import pytest

from tests.support.engine.operations import NOW, accept, accepted, claim, ended, start, write
from uprid_client.contract.states import State
from worker.store import leases, overview, provider_pauses
from worker.store.claims import lock_provider
from worker.store.database import Database

LATER = NOW + timedelta(seconds=30)


def test_counts_are_by_provider_and_state(database: Database) -> None:
    accepted(database, "a", "b")
    taken = claim(database, limit=1)
    write(database, [ended(taken[0])])

    with database.read() as connection:
        counts = overview.counts(connection)

    assert [(c.provider, c.state, c.operations) for c in counts] == [
        ("moneta", State.ACCEPTED, 1),
        ("moneta", State.SUCCEEDED, 1),
    ]


def test_overdue_counts_leave_out_what_is_not_due(database: Database) -> None:
    accepted(database, "a", "b")

    with database.read() as connection:
        assert overview.overdue_counts(connection, LATER) == {"moneta": 2}
        assert overview.overdue_counts(connection, NOW) == {}


def test_providers_tell_who_paused_them(database: Database) -> None:
    with database.begin() as connection:
        lock_provider(connection, "moneta", NOW)
        provider_pauses.pause(connection, "moneta", "olga", "maintenance", NOW, None)

    with database.read() as connection:
        row = overview.providers(connection)["moneta"]

    assert (row.paused_at, row.paused_by, row.paused_note) == (NOW, "olga", "maintenance")


def test_workers_are_those_that_have_beaten(database: Database) -> None:
    with database.begin() as connection:
        leases.beat(connection, incarnation="one", role="poller", host="here", pid=7, now=NOW)

    with database.read() as connection:
        (worker,) = overview.workers(connection)

    assert (worker.role, worker.pid, worker.beat_at) == ("poller", 7, NOW)


@pytest.mark.parametrize("limit", [1, 5], ids=["both ends", "all of few"])
def test_samples_hold_each_sealed_attempt_once(database: Database, limit: int) -> None:
    for name in ("a", "b"):
        accept(database, start(name, sealed=f"token of {name}", fingerprint=name * 64))
    accept(database, start("without"))

    with database.read() as connection:
        samples = overview.samples(connection, limit)

    assert sorted(str(s.sealed) for s in samples) == ["token of a", "token of b"]
    assert samples[0].args == {"unit_id": 7}
    assert "token" not in repr(samples)
