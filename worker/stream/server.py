"""The server that holds a stream: how it is connected to, and how its answers are read."""

from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from config.redis_address import RedisAddress
from config.redis_address_reading import parse
from config.redis_options import CONNECT_TIMEOUT, SOCKET_TIMEOUT, sentinel_options, server_options
from worker.domain.errors import BrokerUnavailable, StreamUnusable, UpridError
from worker.redis_refusals import explained


def connect(url: str, *, patience: float = SOCKET_TIMEOUT, tries: int = 2) -> redis.Redis:
    """Return a client that gives up an answer after `patience` seconds and so many `tries`.

    Bytes that are not UTF-8 come as surrogates: what another writer put there raises nothing.
    Raises `RedisAddressError` where the address cannot be used.
    """
    address = parse(url)
    options = {
        **server_options(address),
        "decode_responses": True,
        "encoding_errors": "surrogateescape",
        "socket_timeout": patience,
        "socket_connect_timeout": min(patience, CONNECT_TIMEOUT),
        "health_check_interval": 25,
        "retry": Retry(NoBackoff(), tries - 1),
    }
    if address.service is not None:
        return _behind_sentinels(address, address.service, options)
    if address.path is not None:
        return redis.Redis(unix_socket_path=address.path, **options)
    [(host, port)] = address.hosts
    return redis.Redis(host, port, **options)


def _behind_sentinels(address: RedisAddress, service: str, options: dict[str, Any]) -> redis.Redis:
    """Return a client of the server that the Sentinels name, at each new connection again."""
    made: Any = Sentinel
    sentinels = made(list(address.hosts), sentinel_kwargs=sentinel_options(address), **options)
    return cast("redis.Redis", sentinels.master_for(service))


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
