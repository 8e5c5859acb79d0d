"""The outbox: what is still to be told, and how far the stream was filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.operations.model import OUTBOX, STREAMS
from worker.operations.store.dialect import Bulk, Column

#: Below every id that a server gives.
NOTHING: Final = "0" * 15 + "-" + "0" * 20


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it stands in the outbox."""

    seq: int
    id: str
    type: str
    subject: str
    time: datetime
    data: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream was filled, and the mark that was left on its server."""

    last_id: str
    mark: str | None


_PUBLISHED: Final = Bulk(
    "UPDATE outbox AS o SET stream_id = v.stream_id FROM {rows} "
    "WHERE o.seq = v.seq AND o.stream_id IS NULL",
    (Column("seq", "bigint"), Column("stream_id", "text")),
)
_LINE: Final = (
    OUTBOX.c.seq,
    OUTBOX.c.id,
    OUTBOX.c.type,
    OUTBOX.c.subject,
    OUTBOX.c.time,
    OUTBOX.c.data,
)


def unpublished(connection: Connection, limit: int) -> list[Line]:
    """Return the oldest events that are not on the stream."""
    rows = connection.execute(
        select(*_LINE).where(OUTBOX.c.stream_id.is_(None)).order_by(OUTBOX.c.seq).limit(limit)
    )
    return [Line(*row) for row in rows]


def made_since(connection: Connection, since: datetime, after: int, limit: int) -> list[Line]:
    """Return events made since a time, told or not, after a place in the outbox."""
    rows = connection.execute(
        select(*_LINE)
        .where(OUTBOX.c.time >= since, OUTBOX.c.seq > after)
        .order_by(OUTBOX.c.seq)
        .limit(limit)
    )
    return [Line(*row) for row in rows]


def mark_published(connection: Connection, stream_ids: Mapping[int, str]) -> None:
    """Record under which stream ids events were published."""
    if stream_ids:
        statement, rows = _PUBLISHED.on(
            list(stream_ids.items()), sqlite=connection.dialect.name == "sqlite"
        )
        connection.execute(statement, rows)


def position(connection: Connection, stream: str) -> Position:
    """Return how far a stream was filled."""
    row = connection.execute(select(STREAMS).where(STREAMS.c.name == stream)).mappings().first()
    return Position(NOTHING, None) if row is None else Position(row["last_id"], row["mark"])


def advance(connection: Connection, stream: str, last_id: str, mark: str) -> None:
    """Record how far a stream is filled; it never goes back."""
    flavour = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        flavour.insert(STREAMS)
        .values(name=stream, last_id=last_id, mark=mark)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"last_id": last_id, "mark": mark},
            where=(STREAMS.c.last_id < last_id) | (STREAMS.c.mark != mark),
        )
    )


def forget_published_after(
    connection: Connection, stream: str, last_id: str, mark: str, since: datetime
) -> int:
    """Take back that events were published which the server no longer has; return how many.

    Only those that the retention still keeps on the stream are filled in again.
    """
    lost = connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.stream_id > last_id, OUTBOX.c.time >= since)
        .values(stream_id=None)
    )
    flavour = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        flavour.insert(STREAMS)
        .values(name=stream, last_id=last_id, mark=mark)
        .on_conflict_do_update(index_elements=["name"], set_={"last_id": last_id, "mark": mark})
    )
    return lost.rowcount


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many events are not told yet, and since when the oldest waits."""
    row = connection.execute(
        select(func.count(), func.min(OUTBOX.c.time)).where(OUTBOX.c.stream_id.is_(None))
    ).one()
    return int(row[0]), row[1]


def has_unpublished(connection: Connection) -> bool:
    """Tell whether anything is still to be told."""
    return (
        connection.execute(
            select(OUTBOX.c.seq).where(OUTBOX.c.stream_id.is_(None)).limit(1)
        ).first()
        is not None
    )
