"""The outbox: events that are still to be published, and how far the stream was filled."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from worker.domain.events import Event
from worker.store.bulk import Bulk, columns_of
from worker.store.dialects import insert_into
from worker.store.tables import OUTBOX, STREAMS

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


@dataclass(frozen=True, slots=True)
class Refill:
    """What a server lost and is to be published again: events with stream ids beyond `there`.

    `done` and `until` are places in the outbox: what lies between them is still to be looked at.
    """

    there: str
    done: int
    until: int


_PLACES: Final = columns_of(OUTBOX, "seq", "stream_id")
_PUBLISHED: Final = Bulk(
    "UPDATE outbox AS o SET stream_id = v.stream_id FROM {rows} "
    "WHERE o.seq = v.seq AND o.stream_id IS NULL",
    _PLACES,
)
_AGAIN: Final = Bulk(
    "UPDATE outbox AS o SET stream_id = v.stream_id FROM {rows} WHERE o.seq = v.seq",
    _PLACES,
)
_LINE: Final = (
    OUTBOX.c.seq,
    OUTBOX.c.id,
    OUTBOX.c.type,
    OUTBOX.c.subject,
    OUTBOX.c.time,
    OUTBOX.c.data,
)


def add(connection: Connection, *events: Event) -> None:
    """Write events that are to stand on the stream, in this order."""
    if events:
        connection.execute(insert(OUTBOX), [event.row() for event in events])


def unpublished(connection: Connection, limit: int) -> list[Line]:
    """Return the oldest events that are not on the stream."""
    rows = connection.execute(
        select(*_LINE).where(OUTBOX.c.stream_id.is_(None)).order_by(OUTBOX.c.seq).limit(limit)
    )
    return [Line(*row) for row in rows]


def made_since(connection: Connection, since: datetime, after: int, limit: int) -> list[Line]:
    """Return events made since a time, published or not, after a place in the outbox."""
    rows = connection.execute(
        select(*_LINE)
        .where(OUTBOX.c.time >= since, OUTBOX.c.seq > after)
        .order_by(OUTBOX.c.seq)
        .limit(limit)
    )
    return [Line(*row) for row in rows]


def mark_published(
    connection: Connection, stream_ids: Mapping[int, str], *, again: bool = False
) -> None:
    """Record under which stream ids events were published, for the first time or once more."""
    if stream_ids:
        rows = ({"seq": seq, "stream_id": stream_id} for seq, stream_id in stream_ids.items())
        (_AGAIN if again else _PUBLISHED).execute(connection, rows)


def position(connection: Connection, stream: str) -> Position:
    """Return how far a stream was filled."""
    row = connection.execute(select(STREAMS).where(STREAMS.c.name == stream)).mappings().first()
    return Position(NOTHING, None) if row is None else Position(row["last_id"], row["mark"])


def advance(connection: Connection, stream: str, last_id: str, mark: str) -> None:
    """Record how far a stream is filled; it never goes back."""
    connection.execute(
        insert_into(connection, STREAMS)
        .values(name=stream, last_id=last_id, mark=mark)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"last_id": last_id, "mark": mark},
            where=(STREAMS.c.last_id < last_id) | (STREAMS.c.mark != mark),
        )
    )


def lock_position(connection: Connection, stream: str) -> Position:
    """Return how far a stream was filled, and keep others from writing that down meanwhile."""
    wanted = select(STREAMS).where(STREAMS.c.name == stream).with_for_update()
    row = connection.execute(wanted).mappings().first()
    return Position(NOTHING, None) if row is None else Position(row["last_id"], row["mark"])


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many events are not published yet, and since when the oldest waits."""
    row = connection.execute(
        select(func.count(), func.min(OUTBOX.c.time)).where(OUTBOX.c.stream_id.is_(None))
    ).one()
    return int(row[0]), row[1]


def has_unpublished(connection: Connection) -> bool:
    """Return whether an event is still to be published."""
    return (
        connection.execute(
            select(OUTBOX.c.seq).where(OUTBOX.c.stream_id.is_(None)).limit(1)
        ).first()
        is not None
    )


def begin_refill(connection: Connection, stream: str, there: str, mark: str) -> None:
    """Note that a server lost what was published beyond the stream id `there`.

    However much that is, it costs one row: the events themselves stay as they are until their turn.
    """
    _put(connection, stream, last_id=there, mark=mark)
    is_lost = or_(OUTBOX.c.stream_id > there, OUTBOX.c.stream_id.is_(None))
    pending = refill(connection, stream)
    if pending is not None:
        # What of that was filled in already, the server's memory of ids keeps from being doubled.
        there = min(there, pending.there)
    if there == NOTHING:
        done = 0
    else:
        first = connection.execute(select(func.min(OUTBOX.c.seq)).where(is_lost)).scalar_one()
        before = [] if first is None else [int(first) - 1]
        done = min(before + ([] if pending is None else [pending.done]), default=0)
    last = connection.execute(select(func.max(OUTBOX.c.seq))).scalar_one()
    _put(connection, _refill_of(stream), last_id=there, mark=f"{done}-{int(last or 0)}")


def refill(connection: Connection, stream: str) -> Refill | None:
    """Return what is still to be published again; None: nothing."""
    wanted = select(STREAMS.c.last_id, STREAMS.c.mark).where(STREAMS.c.name == _refill_of(stream))
    row = connection.execute(wanted).first()
    if row is None:
        return None
    done, _, until = row.mark.partition("-")
    return Refill(row.last_id, int(done), int(until))


def refilled(connection: Connection, stream: str, what: Refill, done: int | None) -> None:
    """Note that a refill got as far as a place in the outbox; None: it is over.

    Not where another one has begun since, or another relay went on with it.
    """
    if refill(connection, stream) != what:
        return
    row = STREAMS.c.name == _refill_of(stream)
    if done is None:
        connection.execute(delete(STREAMS).where(row))
    else:
        connection.execute(update(STREAMS).where(row).values(mark=f"{done}-{what.until}"))


def lost(connection: Connection, what: Refill, since: datetime, limit: int) -> list[Line]:
    """Return the next events to be published again, none that were made before a time."""
    rows = connection.execute(
        select(*_LINE).where(*_is_lost(what, since)).order_by(OUTBOX.c.seq).limit(limit)
    )
    return [Line(*row) for row in rows]


def lost_before(
    connection: Connection, what: Refill, since: datetime, lines: Sequence[Line]
) -> list[Line]:
    """Return the lost events of the operations that others tell of: they come before these."""
    of = select(OUTBOX.c.operation_id).where(
        OUTBOX.c.seq.in_([line.seq for line in lines]), OUTBOX.c.operation_id.is_not(None)
    )
    rows = connection.execute(
        select(*_LINE)
        .where(*_is_lost(what, since), OUTBOX.c.operation_id.in_(of))
        .order_by(OUTBOX.c.seq)
    )
    return [Line(*row) for row in rows]


def _is_lost(what: Refill, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OUTBOX.c.seq > what.done,
        OUTBOX.c.seq <= what.until,
        OUTBOX.c.stream_id > what.there,
        OUTBOX.c.time >= since,
    )


def _refill_of(stream: str) -> str:
    # A row beside the stream's own, so that older releases need no other table. A hash, as the
    # stream's name may be as long as the column.
    return f"refill:{hashlib.sha256(stream.encode()).hexdigest()}"


def _put(connection: Connection, name: str, *, last_id: str, mark: str) -> None:
    connection.execute(
        insert_into(connection, STREAMS)
        .values(name=name, last_id=last_id, mark=mark)
        .on_conflict_do_update(index_elements=["name"], set_={"last_id": last_id, "mark": mark})
    )
