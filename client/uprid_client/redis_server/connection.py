"""How a Redis server is connected to."""

from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.options import (
    CONNECT_TIMEOUT,
    SOCKET_TIMEOUT,
    sentinel_options,
    server_options,
)
from uprid_client.redis_server.reading import parse


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
