"""What was enqueued, as it lies in the broker."""

import base64
import json
from typing import Any

import redis

Message = dict[str, Any]


def enqueued(server: redis.Redis, queue: str) -> list[Message]:
    """Return the messages of a queue, the oldest first."""
    raw: Any = server.lrange(queue, 0, -1)
    return [json.loads(each) for each in reversed(raw)]


def arguments(message: Message) -> dict[str, Any]:
    """Return a message's keyword arguments."""
    _args, kwargs, _embed = json.loads(base64.b64decode(message["body"]))
    found: dict[str, Any] = kwargs
    return found
