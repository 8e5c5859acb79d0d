"""The server that holds a stream: how it is connected to, and how its answers are read."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.errors import BrokerUnavailable, StreamUnusable, UpridError

#: Seconds. A blocking read must be shorter, or it looks like a server that is gone.
SOCKET_TIMEOUT = 15


def connect(url: str) -> redis.Redis:
    """Return a client that fails soon rather than waits for ever.

    Bytes that are not UTF-8 come as surrogates: what another writer put there raises nothing.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=5,
        health_check_interval=25,
        retry=Retry(NoBackoff(), 1),
    )


def trouble(error: redis.RedisError, stream: str) -> UpridError:
    """Return what is to be raised where the server of a stream answers with an error."""
    said = str(error)
    if isinstance(error, redis.ResponseError) and "WRONGTYPE" in said:
        return StreamUnusable(
            f"{stream} holds something that is no stream: look what it is (TYPE), then rename or "
            "delete it, or set UPRID_EVENTS__STREAM to another name."
        )
    if isinstance(error, redis.ResponseError) and "exhausted the last possible ID" in said:
        return StreamUnusable(
            f"{stream} has an entry with the last id that there is, which another writer made: "
            "rename or delete the stream, and events are published again from the outbox."
        )
    return BrokerUnavailable(type(error).__name__)


def entries(answer: Any) -> list[tuple[str, dict[str, str]]]:  # noqa: ANN401 - XREAD's answer
    """Return what XREAD or XREADGROUP brought from one stream, whichever protocol was spoken.

    An entry that was trimmed while it was pending has no fields.
    """
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else (found for _, found in answer)
    found = next(iter(streams))
    # RESP3 wraps the entries once more.
    if found and isinstance(found[0], list) and found[0] and isinstance(found[0][0], (list, tuple)):
        found = found[0]
    return [(entry_id, fields or {}) for entry_id, fields in found]
