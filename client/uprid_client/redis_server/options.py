"""What redis-py is given of an address: parts, never the text that was set."""

from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from uprid_client.redis_server.address import RedisAddress

#: Seconds. A blocking read must be shorter, or it looks like a server that is gone.
SOCKET_TIMEOUT: Final = 15
CONNECT_TIMEOUT: Final = 5
#: Seconds that a Sentinel gets: it answers from memory, and the next one may be asked.
_SENTINEL_TIMEOUT: Final = 2


def server_options(address: RedisAddress) -> dict[str, Any]:
    """Return redis-py's keywords for the server itself, wherever it turns out to be."""
    return {
        "db": address.database,
        "username": address.username,
        "password": address.password,
        **({} if address.tls is None else {"ssl": True, **address.tls.options()}),
    }


def sentinel_options(address: RedisAddress) -> dict[str, Any]:
    """Return redis-py's keywords for the Sentinels: one that is away is asked only once."""
    return {
        "username": address.sentinel_username,
        "password": address.sentinel_password,
        "socket_timeout": _SENTINEL_TIMEOUT,
        "socket_connect_timeout": _SENTINEL_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        **({} if address.tls is None else {"ssl": True, **address.tls.options()}),
    }
