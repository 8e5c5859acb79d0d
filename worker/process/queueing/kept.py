"""Stores what is known of entries that cannot be taken: a short list and a count, in the broker.

In the broker, not in the database: there it is seen while the database is away, and what is lost
with the broker is no longer in its queues either.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, cast

from config.queues import TASK_QUEUES
from worker.process.queueing.unreadable import Unreadable

#: The newest first.
LIST: Final = "uprid:unreadable"
#: The total so far, by queue.
COUNTS: Final = "uprid:unreadable:counts"
LONGEST: Final = 1_000


def keep(server: Any, unreadable: Unreadable) -> None:  # noqa: ANN401 - redis-py's client
    """Keep what is known of an entry; raises redis-py's errors."""
    pipeline = server.pipeline()
    pipeline.lpush(LIST, json.dumps(unreadable.as_json()))
    pipeline.ltrim(LIST, 0, LONGEST - 1)
    pipeline.hincrby(COUNTS, unreadable.queue if unreadable.queue in TASK_QUEUES else "other", 1)
    pipeline.execute()


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept."""

    #: By queue.
    counts: dict[str, int]
    newest: Unreadable | None


def kept(server: Any) -> Kept:  # noqa: ANN401 - redis-py's client, decoding
    """Return how many there were, and the newest; raises redis-py's errors."""
    counts = cast("dict[str, str]", server.hgetall(COUNTS))
    newest = cast("list[str]", server.lrange(LIST, 0, 0))
    return Kept(
        {queue: int(count) for queue, count in counts.items() if count.isdecimal()},
        _read(newest[0]) if newest else None,
    )


def _read(kept_as: str) -> Unreadable | None:
    try:
        return Unreadable.from_json(json.loads(kept_as))
    except (ValueError, RecursionError):
        return None
