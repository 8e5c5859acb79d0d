"""How long the queues are, for Flower's pages: read as our own processes read the broker.

Flower reads the address by itself: of several Sentinels it knows the first, of a socket no user
name, and it drops the database behind a Sentinel.
"""

from collections.abc import Iterable
from typing import Any, Final, TypedDict, cast

from flower.views import BaseHandler
from kombu.transport.redis import PRIORITY_STEPS, Channel
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from config.queues import TASK_QUEUES
from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.options import sentinel_options, server_options
from uprid_client.redis_server.reading import parse

#: Seconds: a page waits for it.
_TIMEOUT: Final = 2.0


class Length(TypedDict):
    """What Flower's pages show of a queue."""

    name: str
    messages: int


class Queues:
    """The broker's queues; stands in the place of Flower's own `Broker`."""

    def __init__(self, url: str) -> None:
        self._address = parse(url)

    async def queues(self, names: Iterable[str]) -> list[Length]:
        """Return how many messages lie in each queue, at every priority."""
        wanted = list(names)
        keys = [_keys(name) for name in wanted]
        async with _connect(self._address) as server, server.pipeline(transaction=False) as asked:
            for key in (each for some in keys for each in some):
                asked.llen(key)
            # A key that is no queue has no length, and hides no other's.
            answers = await asked.execute(raise_on_error=False)
        lengths = iter(answer if isinstance(answer, int) else 0 for answer in answers)
        return [
            Length(name=name, messages=sum(next(lengths) for _ in some))
            for name, some in zip(wanted, keys, strict=True)
        ]


def replace_flowers_own(url: str) -> None:
    """Have every page of Flower ask `Queues`, and for every queue of ours.

    Flower knows the queues of the workers that answered in time as it started, and asks no more.
    """
    queues = Queues(url)

    def get_broker(_handler: BaseHandler) -> Queues:
        return queues

    def get_active_queue_names(_handler: BaseHandler) -> list[str]:
        return sorted(TASK_QUEUES)

    BaseHandler.get_broker = get_broker
    BaseHandler.get_active_queue_names = get_active_queue_names


def _keys(queue: str) -> list[str]:
    return [f"{queue}{Channel.sep}{step}" if step else queue for step in PRIORITY_STEPS]


def _connect(address: RedisAddress) -> Redis:
    options: dict[str, Any] = {
        **server_options(address),
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    if address.service is not None:
        asked = {**sentinel_options(address), "retry": Retry(NoBackoff(), 0)}
        made: Any = Sentinel
        found = made(list(address.hosts), sentinel_kwargs=asked, **options)
        return cast("Redis", found.master_for(address.service))
    if address.path is not None:
        return Redis(unix_socket_path=address.path, **options)
    [(host, port)] = address.hosts
    return Redis(host=host, port=port, **options)
