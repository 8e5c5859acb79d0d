"""A database in the middle of its work: a row of every kind, an operation in every state."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import MetaData, insert, inspect, select, text

from tests.support.engine.operations import NOW, claim, in_state, operations, waiting
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason
from worker.domain.states import DRIVEN
from worker.store.claims import ORDINARY, URGENT
from worker.store.database import Database
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS
from worker.store.tables import (
    ACCESS_TOKENS,
    INCARNATIONS,
    INPUTS,
    LOCKS,
    METADATA,
    NOTIFICATIONS,
    OPERATIONS,
    OUTBOX,
    PROVIDERS,
    REFUSALS,
    STREAMS,
)

Row = Mapping[str, Any]
Rows = dict[str, list[Row]]

_REASON: Final = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody knows.", retryable=True)


def fill(database: Database) -> None:
    """Write it, in the newest schema: operations of MONETA, and what the workers share."""
    for state in State:
        if state is not State.WAITING_FOR_PERSON:
            in_state(database, state, f"{state}-1")
            _lease(database, None, "aside")
    for origin in DRIVEN:
        waiting(database, origin, _REASON, f"waiting-{origin}", answer="sealed-answer")
        _lease(database, None, "aside")
    # Held at this moment by a live process.
    for state in (State.ACCEPTED, State.POLLING):
        in_state(database, state, f"leased-{state}")
        claim(database, lane=URGENT, owner="alive", lease_id="held")
        claim(database, lane=ORDINARY, owner="alive", lease_id="held")
    _lease(database, "aside", None)
    with database.begin() as connection:
        connection.execute(
            insert(INCARNATIONS).values(
                id="alive", role="poller", host="h", pid=7, started_at=NOW, beat_at=NOW
            )
        )
        connection.execute(insert(LOCKS).values(name="relay", holder="alive", until=NOW))
        connection.execute(
            insert(PROVIDERS).values(
                name="moneta", paused_at=NOW, paused_by="anna", paused_note="login", failures=3,
                closed_until=NOW, tokens=1.5, tokens_at=NOW,
            )
        )  # fmt: skip
        connection.execute(
            insert(REFUSALS).values(
                message_id="m-1", task="tasks.moneta.start_identification", reference="order-9",
                fields=json.dumps(["unit_id"]), reason="unit_id: is missing", at=NOW,
            )
        )  # fmt: skip
        connection.execute(insert(STREAMS).values(name="uprid:events", last_id="1-1", mark="m"))
        published = select(OUTBOX.c.seq).order_by(OUTBOX.c.seq).limit(7)
        for number, seq in enumerate(connection.execute(published).scalars().all()):
            connection.execute(
                OUTBOX.update().where(OUTBOX.c.seq == seq).values(stream_id=f"{number:015d}-0")
            )


def _lease(database: Database, old: str | None, new: str | None) -> None:
    """Put what is due out of sight of the next claim, or back."""
    with database.begin() as connection:
        held = OPERATIONS.c.lease_token.is_not_distinct_from(old)
        connection.execute(OPERATIONS.update().where(held).values(lease_token=new))


def fill_further(database: Database) -> None:
    """Write what only further providers leave behind: what a release before them forgets."""
    in_state(database, State.POLLING, "coded-1")
    [coded] = [row for row in operations(database) if row["reference"] == "coded-1"]
    with database.begin() as connection:
        connection.execute(
            OPERATIONS.update()
            .where(OPERATIONS.c.id == coded["id"])
            .values(missing="sms_code", inputs_sent=1, input_sent_at=NOW, inputs_waiting=1)
        )
        connection.execute(
            insert(INPUTS).values(
                id=new_id(), operation_id=coded["id"], attempt=1, name="sms_code",
                message_id="m", fingerprint="f", sealed="token", at=NOW,
            )
        )  # fmt: skip
        notification = {
            "provider": "npd",
            "provider_ref": "1",
            "party": "p",
            "sealed": "s",
            "at": NOW,
        }
        connection.execute(
            insert(NOTIFICATIONS), [{**notification, "key": key} for key in ("k1", "k2")]
        )
        connection.execute(
            insert(ACCESS_TOKENS).values(
                name="intellectmoney", sealed="t", generation=2, expires_at=NOW
            )
        )
        invoice = {"state": "Paid", "amount": "10.50", "currency": "RUB", "fetched_at": NOW}
        connection.execute(insert(INVOICES), [{"id": number, **invoice} for number in (1, 2, 3)])
        connection.execute(insert(TRANSACTIONS).values(id=1, invoice_id=1, state="Confirm"))
        connection.execute(
            insert(INVOICE_FETCHES).values(operation_id=coded["id"], attempt=1, invoice_id=1)
        )


def rows(database: Database) -> Rows:
    """Return every row of every table that the models know, as this schema has it."""
    with database.read() as connection:
        tables = MetaData()
        there = set(inspect(connection).get_table_names()) & METADATA.tables.keys()
        tables.reflect(connection, only=sorted(there))
        found = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in tables.sorted_tables
        }
    return {name: sorted(each, key=repr) for name, each in found.items()}


def write(database: Database, given: Rows) -> None:
    """Insert rows into a schema that may know less: what it does not know is left out."""
    tables = MetaData()
    with database.begin() as connection:
        tables.reflect(connection)
        for name, each in given.items():
            if name in tables.tables and each:
                table = tables.tables[name]
                known = [{k: v for k, v in row.items() if k in table.c} for row in each]
                connection.execute(insert(table), known)
        if not database.is_sqlite:
            # What counts up goes on behind what was written.
            for counted, column in (("journal", "id"), ("outbox", "seq")):
                connection.execute(
                    text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
                    {
                        "table": counted,
                        "column": column,
                        "last": max(row[column] for row in given[counted]),
                    },
                )


def common(given: Rows, schema: Mapping[str, Sequence[str]]) -> Rows:
    """Return of the rows what a schema knows, given its columns by table."""
    return {
        name: sorted(
            ({k: v for k, v in row.items() if k in schema[name]} for row in each), key=repr
        )
        for name, each in given.items()
        if name in schema
    }


def columns(database: Database) -> dict[str, list[str]]:
    """Return the names of this schema's columns, by table."""
    with database.read() as connection:
        looked = inspect(connection)
        return {
            name: [column["name"] for column in looked.get_columns(name)]
            for name in looked.get_table_names()
        }
