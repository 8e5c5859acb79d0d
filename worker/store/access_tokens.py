"""Access tokens that the workers share: the newest one, and who is fetching the next."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update

from worker.store.dialects import insert_into
from worker.store.tables import ACCESS_TOKENS

_ROW = ACCESS_TOKENS.c


@dataclass(frozen=True, slots=True)
class SealedAccessToken:
    """A token as its row has it."""

    sealed: str = field(repr=False)
    #: Counts up with every token.
    generation: int


@dataclass(frozen=True, slots=True)
class Held:
    """Another process has the right to fetch, or none has it for a while."""

    until: datetime
    #: No process is fetching: the provider wants to be left alone until then.
    resting: bool


def current(connection: Connection, name: str, now: datetime) -> SealedAccessToken | None:
    """Return the token, unless there is none or its time is over."""
    row = connection.execute(
        select(_ROW.sealed, _ROW.generation).where(
            _ROW.name == name, _ROW.sealed.is_not(None), _ROW.expires_at > now
        )
    ).first()
    return None if row is None else SealedAccessToken(row.sealed, row.generation)


def hold(
    connection: Connection, name: str, holder: str, now: datetime, lasting: timedelta
) -> Held | None:
    """Take the right to fetch, or take it again: None. One that is past its time is taken over."""
    connection.execute(
        insert_into(connection, ACCESS_TOKENS)
        .values(name=name, generation=0)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    free = or_(_ROW.held_until.is_(None), _ROW.held_until <= now, _ROW.holder == holder)
    taken = connection.execute(
        update(ACCESS_TOKENS)
        .where(_ROW.name == name, free)
        .values(holder=holder, held_until=now + lasting)
    )
    if taken.rowcount == 1:
        return None
    row = connection.execute(select(_ROW.holder, _ROW.held_until).where(_ROW.name == name)).one()
    return Held(until=row.held_until or now, resting=row.holder is None)


def put(connection: Connection, name: str, sealed: str, expires_at: datetime) -> int:
    """Store a fresh token; return its generation."""
    written = connection.execute(
        update(ACCESS_TOKENS)
        .where(_ROW.name == name)
        .values(sealed=sealed, expires_at=expires_at, generation=_ROW.generation + 1)
        .returning(_ROW.generation)
    ).scalar_one_or_none()
    if written is None:
        values = {"name": name, "sealed": sealed, "expires_at": expires_at, "generation": 1}
        connection.execute(insert(ACCESS_TOKENS).values(values))
        return 1
    return int(written)


def drop(connection: Connection, name: str, generation: int) -> None:
    """Erase a token, unless there is a newer one already."""
    connection.execute(
        update(ACCESS_TOKENS)
        .where(_ROW.name == name, _ROW.generation == generation)
        .values(sealed=None, expires_at=None)
    )


def release(connection: Connection, name: str, holder: str, until: datetime | None) -> None:
    """Give back the right to fetch, if it is this holder's; no process gets it before `until`."""
    connection.execute(
        update(ACCESS_TOKENS)
        .where(_ROW.name == name, _ROW.holder == holder)
        .values(holder=None, held_until=until)
    )
