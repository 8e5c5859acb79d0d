"""Checks the result stream: whether events can be added to its key."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import redis

from config.settings import Settings
from uprid_client.errors import BrokerUnavailable
from uprid_client.events.replies import trouble
from uprid_client.redis_server.connection import connect
from worker.cli.doctor.broker import PATIENCE
from worker.cli.doctor.finding import Finding, fault, ok, warning

#: The newest id carries the server's time, which may be off by so much before anything is wrong.
_AHEAD: Final = timedelta(hours=1)


def check_stream(settings: Settings) -> Iterator[Finding]:
    """Check what other programs can break. The broker's check reports a server that is away."""
    name = settings.events.stream
    server = connect(settings.events_url, patience=PATIENCE, tries=1)
    try:
        newest = cast("list[Any]", server.xrevrange(name, count=1))
    except redis.RedisError as error:
        known = trouble(error, name)
        if not isinstance(known, BrokerUnavailable):
            yield fault("events stream", str(known))
        return
    finally:
        server.close()
    if newest and _is_ahead(str(newest[0][0])):
        detail = f"{name} has an entry of the future, which another program made"
        todo = "nothing is trimmed behind it: rename the stream, and it is filled again"
        yield warning("events stream", f"{detail}: {todo}")
        return
    yield ok("events stream", f"{name} can be written to")


def _is_ahead(stream_id: str) -> bool:
    limit = datetime.now(UTC) + _AHEAD
    return int(stream_id.partition("-")[0]) > limit.timestamp() * 1000
