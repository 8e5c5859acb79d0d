"""Overview: counts by state, worker processes, paused providers. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, func, select

from uprid_client.contract.states import State
from worker.store.invoice_tables import INVOICES, TRANSACTIONS
from worker.store.reading import IS_CURRENT
from worker.store.tables import (
    ACCESS_TOKENS,
    ATTEMPTS,
    INCARNATIONS,
    INPUTS,
    NOTIFICATIONS,
    OPERATIONS,
    PROVIDERS,
)

JsonMap = Mapping[str, Any]

#: What is sealed beside the attempts, and the order in which it came.
_BESIDE: Final[Mapping[str, tuple[Table, Column[Any]]]] = {
    "inputs": (INPUTS, INPUTS.c.id),
    "notifications": (NOTIFICATIONS, NOTIFICATIONS.c.at),
    "invoices": (INVOICES, INVOICES.c.id),
    "transactions": (TRANSACTIONS, TRANSACTIONS.c.id),
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many operations of a provider are in a state."""

    provider: str
    state: State
    operations: int


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """Whether a provider may be called."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    paused_note: str | None
    failures: int
    #: The breaker is open, or the provider asked for a rest, until then.
    closed_until: datetime | None
    #: Callbacks so far that named an id which no operation has.
    unknown_callbacks: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process with a row in the database."""

    id: str
    role: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """What a stored attempt has sealed, and what its fingerprint was made over."""

    provider: str
    kind: str
    args: JsonMap
    fingerprint: str
    sealed: str | None = field(repr=False)
    answer: str | None = field(repr=False)


def counts(connection: Connection) -> list[Count]:
    """Return how many operations there are by provider and state."""
    rows = connection.execute(
        select(OPERATIONS.c.provider, OPERATIONS.c.state, func.count())
        .group_by(OPERATIONS.c.provider, OPERATIONS.c.state)
        .order_by(OPERATIONS.c.provider, OPERATIONS.c.state)
    )
    return [Count(provider, State(state), number) for provider, state, number in rows]


def overdue_counts(connection: Connection, before: datetime) -> dict[str, int]:
    """Return, by provider, how many operations were due before a time."""
    rows = connection.execute(
        select(OPERATIONS.c.provider, func.count())
        .where(OPERATIONS.c.due_at < before)
        .group_by(OPERATIONS.c.provider)
        .order_by(OPERATIONS.c.provider)
    )
    return {provider: number for provider, number in rows}  # noqa: C416 - rows are no pairs to mypy


def providers(connection: Connection) -> dict[str, ProviderRow]:
    """Return what the workers share about providers, by name; only those ever called."""
    rows = connection.execute(
        select(
            PROVIDERS.c.name,
            PROVIDERS.c.paused_at,
            PROVIDERS.c.paused_by,
            PROVIDERS.c.paused_note,
            PROVIDERS.c.failures,
            PROVIDERS.c.closed_until,
            PROVIDERS.c.unknown_callbacks,
        ).order_by(PROVIDERS.c.name)
    )
    return {row.name: ProviderRow(*row) for row in rows}


def workers(connection: Connection) -> list[Worker]:
    """Return the worker processes that have a row, silent ones too."""
    rows = connection.execute(
        select(
            INCARNATIONS.c.id,
            INCARNATIONS.c.role,
            INCARNATIONS.c.host,
            INCARNATIONS.c.pid,
            INCARNATIONS.c.started_at,
            INCARNATIONS.c.beat_at,
        ).order_by(INCARNATIONS.c.role, INCARNATIONS.c.started_at)
    )
    return [Worker(*row) for row in rows]


def samples(connection: Connection, limit: int) -> list[Sample]:
    """Return up to `limit` of the oldest and of the newest current attempts that hold a token."""
    sealed = (
        select(
            OPERATIONS.c.provider,
            OPERATIONS.c.kind,
            OPERATIONS.c.args,
            ATTEMPTS.c.fingerprint,
            ATTEMPTS.c.sealed,
            ATTEMPTS.c.answer,
        )
        .join(ATTEMPTS, IS_CURRENT)
        .where(ATTEMPTS.c.sealed.is_not(None) | ATTEMPTS.c.answer.is_not(None))
        .limit(limit)
    )
    rows = [
        row
        for order in (OPERATIONS.c.id, OPERATIONS.c.id.desc())
        for row in connection.execute(sealed.order_by(order))
    ]
    # Where there are few, both ends are the same.
    return [
        Sample(row.provider, row.kind, json.loads(row.args), *row[3:])
        for row in dict.fromkeys(rows)
    ]


def ciphertexts_beside(connection: Connection, limit: int, now: datetime) -> dict[str, set[str]]:
    """Return Fernet tokens that lie beside the attempts, by what they are of.

    Up to `limit` of the oldest and of the newest each; an access token only while it is believed.
    """
    found = {
        name: {
            ciphertext
            for end in (order, order.desc())
            for ciphertext in connection.execute(
                select(table.c.sealed).where(table.c.sealed.is_not(None)).order_by(end).limit(limit)
            ).scalars()
        }
        for name, (table, order) in _BESIDE.items()
    }
    believed = select(ACCESS_TOKENS.c.sealed).where(
        ACCESS_TOKENS.c.sealed.is_not(None), ACCESS_TOKENS.c.expires_at > now
    )
    return {**found, "access tokens": set(connection.execute(believed).scalars())}
