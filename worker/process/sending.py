"""Sending a message through Celery: how it fails where the broker does not take it."""

from typing import Final

from kombu.exceptions import OperationalError
from redis import RedisError

#: AttributeError: kombu 5.7.0, refused in the middle of its own tries (READONLY, OOM), goes on with
#: a channel that it has closed. The next message gets a whole one.
NOT_TAKEN: Final = (OperationalError, RedisError, AttributeError)
