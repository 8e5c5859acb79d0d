"""The broker as the engine needs it: chunk messages published, slot markers kept."""

from datetime import datetime
from typing import Any, Final, cast

import redis
from celery import Celery

from config.queues import PROVIDER_TASKS, Wake, chunk_queue
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.refusals import explained
from worker.process.sending import NOT_TAKEN

_MARKERS: Final = "uprid:slot:"


class CeleryPublisher:
    """Publishes through Celery, and keeps the markers beside its queues."""

    def __init__(self, app: Celery, url: str) -> None:
        self._app = app
        self._server = connect(url)

    def publish(self, provider: Provider, wake: Wake, slot: datetime, countdown: float) -> None:
        """Publish one chunk message; raises `BrokerUnavailable`."""
        try:
            self._app.send_task(
                str(PROVIDER_TASKS[provider].chunk(wake)),
                kwargs={"slot": slot.isoformat()},
                queue=chunk_queue(provider),
                countdown=countdown or None,
            )
        except NOT_TAKEN as error:
            raise BrokerUnavailable(explained(error)) from None

    def unread(self, provider: Provider) -> int:
        """Return how many chunk messages no poller has taken yet; raises `BrokerUnavailable`."""
        try:
            return self._server.llen(chunk_queue(provider))
        except redis.RedisError as error:
            raise BrokerUnavailable(explained(error)) from None

    def marked(self, names: list[str]) -> set[str]:
        """Return which of the slot markers are set; raises `BrokerUnavailable`."""
        try:
            found = cast("list[Any]", self._server.mget([_MARKERS + name for name in names]))
        except redis.RedisError as error:
            raise BrokerUnavailable(explained(error)) from None
        return {name for name, value in zip(names, found, strict=True) if value is not None}

    def mark(self, names: list[str], seconds: float) -> None:
        """Set slot markers for a while; raises `BrokerUnavailable`."""
        if not names:
            return
        try:
            pipeline = self._server.pipeline(transaction=False)
            for name in names:
                pipeline.set(_MARKERS + name, "1", ex=max(int(seconds), 1))
            pipeline.execute()
        except redis.RedisError as error:
            raise BrokerUnavailable(explained(error)) from None
