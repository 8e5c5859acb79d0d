"""The server that holds a stream: how it is connected to, and how its answers are read."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds. A blocking read must be shorter, or it looks like a server that is gone.
SOCKET_TIMEOUT = 15


def connect(url: str) -> redis.Redis:
    """Return a client that fails soon rather than waits for ever."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=5,
        health_check_interval=25,
        retry=Retry(NoBackoff(), 1),
    )


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
