"""Claims: only what is due and free, each operation by one worker."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import update

from tests.support.engine.operations import (
    NOW,
    PROVIDER,
    accept,
    accepted,
    claim,
    operation,
    operations,
    polling,
    run,
    start,
    stayed,
)
from uprid_client.contract.states import State
from worker.store import claims, notifications, writeback
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.tables import OPERATIONS


def claim_suspect(database: Database, lease_id: str = "lease") -> list[ClaimedSnapshot]:
    with database.begin() as connection:
        return claims.claim_suspect(connection, PROVIDER, owner="o", lease_id=lease_id, now=NOW)


def change(database: Database, reference: str, **values: object) -> None:
    with database.begin() as connection:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.reference == reference).values(**values)
        )


def test_claim_leases_what_is_due_under_the_token(database: Database) -> None:
    accepted(database, "order-1")

    [claimed] = claim(database, owner="worker", lease_id="token")

    row = operation(database)
    assert (row["lease_owner"], row["lease_token"], row["claims"]) == ("worker", "token", 1)
    assert (claimed.reference, claimed.state, claimed.attempt) == ("order-1", State.ACCEPTED, 1)
    assert (claimed.args, claimed.due_at, claimed.run) == ({"unit_id": 7}, NOW, None)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"due_at": NOW + timedelta(microseconds=1)}, id="not due yet"),
        pytest.param({"due_at": None}, id="never due"),
        pytest.param({"lease_token": "other", "lease_owner": "other"}, id="leased"),
        pytest.param({"provider": "npd"}, id="another provider's"),
        pytest.param({"lane": ORDINARY}, id="another lane's"),
        pytest.param({"claims": 2}, id="suspect"),
    ],
)
def test_claim_leaves_alone_what_is_not_for_it(
    database: Database, values: dict[str, object]
) -> None:
    accepted(database, "order-1")
    change(database, "order-1", **values)

    assert claim(database) == []


def test_claim_takes_what_is_due_at_this_very_moment(database: Database) -> None:
    accepted(database, "order-1")
    change(database, "order-1", due_at=NOW)

    assert len(claim(database, now=NOW)) == 1


def test_claim_takes_the_longest_overdue_first_and_no_more_than_the_limit(
    database: Database,
) -> None:
    for number in (3, 1, 2, 4):
        accept(database, start(f"order-{number}"), NOW + timedelta(seconds=number))

    claimed = claim(database, 2, now=NOW + timedelta(minutes=1))

    assert [row.reference for row in claimed] == ["order-1", "order-2"]
    assert sum(row["lease_token"] is not None for row in operations(database)) == 2


def test_claim_keeps_lanes_apart(database: Database) -> None:
    polling(database, "poll-1")
    accepted(database, "submit-1")

    assert [row.reference for row in claim(database, lane=URGENT)] == ["submit-1"]
    assert [row.reference for row in claim(database, lane=ORDINARY)] == ["poll-1"]


def test_claim_brings_the_open_run_of_the_journal(database: Database) -> None:
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    open_run = run("CREATED", count=3, at=NOW)
    with database.begin() as connection:
        writeback.write_unchanged(connection, "lease", [stayed(claimed, NOW, run=open_run)])

    [again] = claim(database, lane=ORDINARY, lease_id="next")

    assert again.run == open_run
    assert again.polls == 1


def test_suspects_are_claimed_one_by_one(database: Database) -> None:
    accepted(database, "order-1", "order-2", "order-3")
    change(database, "order-2", claims=2)
    change(database, "order-3", claims=2)

    assert len(claim_suspect(database, "a")) == 1
    assert len(claim_suspect(database, "b")) == 1
    assert claim_suspect(database, "c") == []
    assert [row.reference for row in claim(database, lease_id="d")] == ["order-1"]


def test_what_is_next_to_be_called_poison_is_claimed_by_itself(database: Database) -> None:
    accepted(database, "order-1", "order-2")
    change(database, "order-1", claims=3)

    with database.begin() as connection:
        assert claims.any_alone(connection, PROVIDER, NOW)
        assert not claims.any_suspect(connection, PROVIDER, NOW)
    assert claim_suspect(database, "a") == []
    assert [row.reference for row in claim(database, lease_id="b")] == ["order-2"]
    with database.begin() as connection:
        [row] = claims.claim_alone(connection, PROVIDER, owner="o", lease_id="c", now=NOW)
        assert not claims.any_alone(connection, PROVIDER, NOW)
    assert (row.reference, row.claims) == ("order-1", 4)


def test_claimers_never_share_an_operation(database: Database) -> None:
    accepted(database, *(f"order-{number}" for number in range(200)))
    tokens = count()

    def claim_all(_: int) -> list[str]:
        mine: list[str] = []
        while taken := claim(database, 7, lease_id=f"token-{next(tokens)}"):
            mine += [row.id for row in taken]
        return mine

    with ThreadPoolExecutor(4) as executor:
        shares = list(executor.map(claim_all, range(4)))

    claimed = [one for share in shares for one in share]
    assert len(claimed) == len(set(claimed))
    # A claimer may end while others hold rows under way, but together they leave nothing.
    assert len(claimed) == 200


def test_payloads_and_notifications_are_found_for_the_largest_chunk(database: Database) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    many = [claimed, *(replace(claimed, id=f"none-{number}") for number in range(1, 2_000))]

    with database.read() as connection:
        found = claims.payloads(connection, many)
        heard = notifications.of(connection, [(row.id, row.attempt) for row in many])

    assert found == {claimed.id: None}
    assert heard == {}


def test_payloads_are_those_of_the_current_attempt(database: Database) -> None:
    accept(database, start("order-1", sealed="one"))
    accept(database, start("order-2"))
    accept(database, start("order-3", sealed="three"))
    claimed = [row for row in claim(database) if row.reference != "order-3"]

    with database.read() as connection:
        found = claims.payloads(connection, claimed)
        none = claims.payloads(connection, [])

    ids = {row.reference: row.id for row in claimed}
    assert found == {ids["order-1"]: "one", ids["order-2"]: None}
    assert none == {}


def test_lock_provider_makes_the_row_once_with_a_full_bucket(database: Database) -> None:
    with database.begin() as connection:
        made = claims.lock_provider(connection, PROVIDER, NOW)
        claims.write_shared(connection, PROVIDER, tokens=3.5, failures=2)
    with database.begin() as connection:
        found = claims.lock_provider(connection, PROVIDER, NOW + timedelta(hours=1))

    assert (made.tokens, made.tokens_at, made.paused) == (1e9, NOW, False)
    assert (found.tokens, found.tokens_at, found.failures) == (3.5, NOW, 2)


def test_lock_provider_lets_one_spend_after_the_other(database: Database) -> None:
    def spend(_: int) -> None:
        with database.begin() as connection:
            shared = claims.lock_provider(connection, PROVIDER, NOW)
            claims.write_shared(connection, PROVIDER, tokens=shared.tokens - 1)

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(spend, range(20)))

    with database.begin() as connection:
        assert claims.lock_provider(connection, PROVIDER, NOW).tokens == 1e9 - 20
