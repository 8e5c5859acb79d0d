"""How the answers of the server that holds a stream are read."""

from typing import Any

import redis

from uprid_client.errors import BrokerUnavailable, StreamUnusable, UpridError
from uprid_client.redis_server.refusals import explained


def trouble(error: redis.RedisError, stream: str) -> UpridError:
    """Return what is to be raised where the server of a stream answers with an error."""
    text = str(error)
    if isinstance(error, redis.ResponseError) and "WRONGTYPE" in text:
        return StreamUnusable(
            f"{stream} holds something that is no stream: look what it is (TYPE), then rename or "
            "delete it, or set UPRID_EVENTS__STREAM to another name."
        )
    if isinstance(error, redis.ResponseError) and "exhausted the last possible ID" in text:
        return StreamUnusable(
            f"{stream} has an entry with the last id that there is, which another writer made: "
            "rename or delete the stream, and events are published again from the outbox."
        )
    return BrokerUnavailable(explained(error))


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
