"""Sends task messages: one command a message, to the list that the workers read."""

import os
import socket
from typing import Any, Final, cast
from uuid import uuid4

import redis

from uprid_client.errors import BrokerUnavailable
from uprid_client.message import Message
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.refusals import CLUSTER, explained

#: A message that may have been taken is sent again under the same id, and counts once.
_TRIES: Final = 3


class Sender:
    """A connection to the broker. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._server = connect(url, tries=_TRIES)
        self._name = str(uuid4())
        self._is_looked_at = False

    def send(self, message: Message) -> None:
        """Put a message into its queue.

        Raises `BrokerUnavailable`: whether the message lies there is not known then.
        """
        entry = message.written(
            sender=f"gen{os.getpid()}@{socket.gethostname()}",
            reply_to=self._name,
            delivery_tag=str(uuid4()),
        )
        try:
            self._refuse_a_cluster()
            self._server.lpush(message.queue, entry)
        except redis.RedisError as error:
            raise BrokerUnavailable(explained(error)) from None

    def _refuse_a_cluster(self) -> None:
        # Once. A cluster may take the message, and no worker would ever read it there.
        if self._is_looked_at:
            return
        try:
            server = cast("Any", self._server).execute_command("HELLO")
        except redis.ResponseError:
            # A proxy that does not know it, or a server that the workers refuse.
            server = {}
        if server.get("mode") == "cluster":
            raise BrokerUnavailable(CLUSTER)
        self._is_looked_at = True

    def close(self) -> None:
        """Close the connections."""
        self._server.close()
