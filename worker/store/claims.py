"""Claiming: taking due operations under a lease, and what the workers share about a provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select, text, tuple_, update

from worker.domain.snapshot import Snapshot
from worker.store import snapshots
from worker.store.dialects import insert_into
from worker.store.tables import ATTEMPTS, OPERATIONS, PROVIDERS

URGENT: Final = 0
ORDINARY: Final = 1
#: Claims in a row without a write-back after which an operation is claimed alone.
SUSPECT_AFTER: Final = 2
#: As many after which it is claimed only where its process works on nothing else: one more of them,
#: and it is called poison. What dies beside others may have been killed by them.
ALONE_AFTER: Final = 3
#: In the place of a payload that was erased past its retention.
ERASED: Final = "erased"
#: Written out: a bound number would keep SQLite from its partial index.
SUSPECTS: Final = text(f"claims >= {SUSPECT_AFTER}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSnapshot(Snapshot):
    """An operation under lease, as it stood when it was claimed."""

    due_at: datetime
    #: The input that is being sent; None: no input is.
    input_id: str | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers share about a provider."""

    paused: bool
    failures: int
    closed_until: datetime | None
    probing_until: datetime | None
    tokens: float
    tokens_at: datetime


def lock_provider(connection: Connection, provider: str, now: datetime) -> Shared:
    """Read a provider's shared row and keep it locked until the transaction ends."""
    wanted = select(PROVIDERS).where(PROVIDERS.c.name == provider).with_for_update()
    row = connection.execute(wanted).mappings().first()
    if row is None:
        connection.execute(
            insert_into(connection, PROVIDERS)
            # Full, however much the bucket holds: admission never counts more than that.
            .values(name=provider, failures=0, tokens=1e9, tokens_at=now)
            .on_conflict_do_nothing()
        )
        row = connection.execute(wanted).mappings().one()
    return Shared(
        paused=row["paused_at"] is not None,
        failures=row["failures"],
        closed_until=row["closed_until"],
        probing_until=row["probing_until"],
        tokens=row["tokens"],
        tokens_at=row["tokens_at"],
    )


def write_shared(connection: Connection, provider: str, **values: object) -> None:
    """Write a provider's shared row; only while it is locked."""
    connection.execute(update(PROVIDERS).where(PROVIDERS.c.name == provider).values(**values))


def write_changes(connection: Connection, provider: str, before: Shared, after: Shared) -> None:
    """Write what differs in a provider's shared row; only while it is locked."""
    names = ("failures", "closed_until", "probing_until", "tokens", "tokens_at")
    values = {name: getattr(after, name) for name in names}
    changed = {name: value for name, value in values.items() if value != getattr(before, name)}
    if changed:
        write_shared(connection, provider, **changed)


def claim(
    connection: Connection,
    provider: str,
    lane: int,
    limit: int,
    *,
    owner: str,
    lease_id: str,
    now: datetime,
) -> list[ClaimedSnapshot]:
    """Lease up to `limit` due operations of one lane, the longest overdue first."""
    due = _due(provider, now).where(OPERATIONS.c.lane == lane, OPERATIONS.c.claims < SUSPECT_AFTER)
    return _lease(connection, due, limit, owner=owner, lease_id=lease_id)


def claim_suspect(
    connection: Connection, provider: str, *, owner: str, lease_id: str, now: datetime
) -> list[ClaimedSnapshot]:
    """Lease one operation whose chunk died before, as the only one of its chunk."""
    due = _due(provider, now).where(SUSPECTS, OPERATIONS.c.claims < ALONE_AFTER)
    return _lease(connection, due, 1, owner=owner, lease_id=lease_id)


def claim_alone(
    connection: Connection, provider: str, *, owner: str, lease_id: str, now: datetime
) -> list[ClaimedSnapshot]:
    """Lease one operation that may be poison, for a process that works on nothing else."""
    due = _due(provider, now).where(SUSPECTS, OPERATIONS.c.claims >= ALONE_AFTER)
    return _lease(connection, due, 1, owner=owner, lease_id=lease_id)


def due(
    connection: Connection, provider: str, lane: int, limit: int, now: datetime
) -> list[ClaimedSnapshot]:
    """Return due operations of one lane, suspects among them, and keep them locked."""
    wanted = (
        _due(provider, now).with_only_columns(*snapshots.COLUMNS).where(OPERATIONS.c.lane == lane)
    )
    rows = connection.execute(wanted.limit(limit).with_for_update(skip_locked=True))
    return [_claimed_snapshot(row) for row in rows]


def claim_one(
    connection: Connection, provider: str, id_: str, *, owner: str, lease_id: str, now: datetime
) -> list[ClaimedSnapshot]:
    """Lease this operation, if it is due."""
    chosen = _due(provider, now).where(OPERATIONS.c.id == id_)
    return _lease(connection, chosen, 1, owner=owner, lease_id=lease_id)


def any_suspect(connection: Connection, provider: str, now: datetime) -> bool:
    """Return whether an operation is due whose chunk died with it before."""
    suspect = _due(provider, now).where(SUSPECTS, OPERATIONS.c.claims < ALONE_AFTER)
    return connection.execute(suspect.limit(1)).first() is not None


def any_alone(connection: Connection, provider: str, now: datetime) -> bool:
    """Return whether an operation is due that may be poison."""
    last = _due(provider, now).where(SUSPECTS, OPERATIONS.c.claims >= ALONE_AFTER)
    return connection.execute(last.limit(1)).first() is not None


def payloads(connection: Connection, claimed: list[ClaimedSnapshot]) -> dict[str, str | None]:
    """Return the sealed payloads of the claimed operations' current attempts, by operation.

    `ERASED` stands for one that was there.
    """
    if not claimed:
        return {}
    # One list and not ORs: SQLite takes a thousand of those at most.
    named = [(row.id, row.attempt) for row in claimed]
    current = tuple_(ATTEMPTS.c.operation_id, ATTEMPTS.c.number).in_(named)
    wanted = select(ATTEMPTS.c.operation_id, ATTEMPTS.c.sealed, ATTEMPTS.c.erased_at)
    rows = connection.execute(wanted.where(current))
    return {row.operation_id: row.sealed if row.erased_at is None else ERASED for row in rows}


def _due(provider: str, now: datetime) -> Select[tuple[str]]:
    return (
        select(OPERATIONS.c.id)
        .where(
            OPERATIONS.c.provider == provider,
            OPERATIONS.c.due_at <= now,
            OPERATIONS.c.lease_token.is_(None),
        )
        .order_by(OPERATIONS.c.due_at)
    )


def _lease(
    connection: Connection, due: Select[tuple[str]], limit: int, *, owner: str, lease_id: str
) -> list[ClaimedSnapshot]:
    # MATERIALIZED: PostgreSQL must take the limited rows once, not once for each row it updates.
    chosen = (
        due.limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id.in_(select(chosen.c.id)))
        # The request for an earlier poll is met by this claim; later hints set it again.
        .values(
            lease_token=lease_id,
            lease_owner=owner,
            claims=OPERATIONS.c.claims + 1,
            wanted_at=None,
        )
        .returning(*snapshots.COLUMNS)
    )
    return sorted((_claimed_snapshot(row) for row in rows), key=lambda row: row.due_at)


def _claimed_snapshot(row: Row[Any]) -> ClaimedSnapshot:
    return ClaimedSnapshot(**snapshots.values(row))
