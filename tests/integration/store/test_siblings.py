"""What else was asked of a provider while an operation was under way."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.support.engine.operations import NOW, accepted, operation
from uprid_client.contract.states import State
from worker.process.siblings import StoredSiblings
from worker.store.database import Database
from worker.store.tables import OPERATIONS

EARLIER = NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("other", "is_sibling"),
    [
        pytest.param({"state": State.SUBMITTING}, True, id="being sent"),
        pytest.param({"state": State.POLLING}, True, id="queued there"),
        pytest.param({"state": State.WAITING_FOR_PERSON}, True, id="in doubt"),
        pytest.param({"state": State.SUCCEEDED, "finished_at": NOW}, True, id="ended since"),
        pytest.param({"state": State.ACCEPTED, "attempt": 2}, True, id="an earlier attempt sent"),
        pytest.param({"state": State.ACCEPTED}, False, id="never sent"),
        pytest.param({"state": State.SUCCEEDED, "finished_at": EARLIER}, False, id="ended before"),
        pytest.param({"state": State.SUBMITTING, "kind": "list"}, False, id="another kind"),
        pytest.param({"state": State.SUBMITTING, "provider": "npd"}, False, id="another provider"),
    ],
)
def test_what_may_have_been_sent_since_an_operation_began_is_its_sibling(
    database: Database, other: dict[str, Any], *, is_sibling: bool
) -> None:
    accepted(database, "ours", "other")
    with database.begin() as connection:
        named = update(OPERATIONS).where(OPERATIONS.c.reference == "other")
        connection.execute(named.values(**other))

    found = StoredSiblings(database).of(operation(database, "ours")["id"])

    assert found == ([{"unit_id": 7}] if is_sibling else [])
