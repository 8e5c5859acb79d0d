"""Checks the queues: whether their keys are lists, and which entries were no messages."""

from collections.abc import Iterator
from typing import Final

import redis
from redis.exceptions import NoPermissionError

from config.queues import TASK_QUEUES
from config.settings import Settings
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.refusals import explained
from worker.cli.doctor.broker import PATIENCE
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.process.queueing import kept

_FITTING: Final = frozenset({"list", "none"})


def check_queues(settings: Settings) -> Iterator[Finding]:
    """Check the task queues. If the broker is away, its own check has reported that."""
    server = connect(settings.broker_url, patience=PATIENCE, tries=1)
    try:
        yield _types(server)
        yield _unreadable(server)
    except NoPermissionError as error:
        # Rights are the broker's finding, all of them in one line.
        yield warning("queues", f"cannot be looked at: {explained(error)}")
    except redis.ResponseError as error:
        # Such as a key of ours that holds something else. Its text may quote what is there.
        kind = type(error).__name__
        yield fault("queues", f"cannot be looked at ({kind}): look at TYPE {kept.LIST}")
    except redis.RedisError:
        return
    finally:
        server.close()


def _types(server: redis.Redis) -> Finding:
    held = {queue: str(server.type(queue)) for queue in sorted(TASK_QUEUES)}
    wrong = {queue: kind for queue, kind in held.items() if kind not in _FITTING}
    if not wrong:
        return ok("queues", "can be read")
    detail = ", ".join(f"{queue} is a {kind}" for queue, kind in wrong.items())
    return fault(
        "queues",
        f"{detail}, so no message of it is read: find out who wrote it, and RENAME it away",
    )


def _unreadable(server: redis.Redis) -> Finding:
    found = kept.kept(server)
    if not found.counts:
        return ok("unreadable entries", "none")
    detail = ", ".join(f"{count} in {queue}" for queue, count in sorted(found.counts.items()))
    newest = found.newest
    if newest is not None:
        detail += f"; the newest at {newest.at} in {newest.queue} ({newest.cause})"
    return warning("unreadable entries", f"{detail}: see LRANGE {kept.LIST} 0 -1, and the runbook")
