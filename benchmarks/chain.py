"""The naive way, done well: one Celery countdown message for each poll of each operation.

What a good engineer writes by hand in an afternoon: the task reads its row, asks, writes its row
and schedules itself again; late acknowledgement, a status check, the result published on a stream.
It is given what helps it: Core instead of the ORM, no result backend, no events, no gossip, pooled
connections, autocommit (every statement is a transaction of its own: no BEGIN and COMMIT to wait
for). It does nothing of what this worker does besides: leases, journal, outbox, rate, validation.

Run by Celery: `celery -A benchmarks.chain worker`.
"""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis
import requests
from celery import Celery, signals
from sqlalchemy import Column, DateTime, Engine, Integer, MetaData, String, Table, create_engine
from sqlalchemy import event as engine_event

from benchmarks.loop import poll as ask
from benchmarks.loop import session_of_its_own

QUEUE: Final = "chain"
#: Published here and renamed, so that all of them come at one moment.
SEED_QUEUE: Final = "chain.seed"
STREAM: Final = "chain:events"

#: What a process writes when it takes messages.
READY: Final = "chain is ready"
#: How the processes learn what to work on.
ENDPOINT, COUNTDOWN = "CHAIN_ENDPOINT", "CHAIN_COUNTDOWN"

METADATA: Final = MetaData()
ROWS: Final = Table(
    "chain_operation",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("async_id", Integer, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("polls", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)


def configuration(broker_url: str) -> dict[str, Any]:
    return {
        "broker_url": broker_url,
        "broker_transport_options": {"visibility_timeout": 3600},
        "broker_connection_retry_on_startup": True,
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_default_queue": QUEUE,
        "worker_prefetch_multiplier": 8,
        "worker_send_task_events": False,
        "timezone": "UTC",
    }


def open_database(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=8)
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 30})
    engine_event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


class _Process(threading.local):
    """What a thread of a worker process works with, made when it is first needed."""

    def __init__(self) -> None:
        self.session: requests.Session = session_of_its_own()


app: Final = Celery("chain")
app.conf.update(configuration(os.environ.get("REDIS_URL", "")))
_LOCAL: Final = _Process()
_OPENED: Final[dict[int, tuple[Engine, "redis.Redis"]]] = {}


def _servers() -> tuple[Engine, "redis.Redis"]:
    """Return this process's database and broker: connections do not survive a fork."""
    opened = _OPENED.get(os.getpid())
    if opened is None:
        opened = _OPENED[os.getpid()] = (
            open_database(os.environ["DATABASE_URL"]),
            redis.Redis.from_url(os.environ["REDIS_URL"]),
        )
    return opened


@signals.worker_ready.connect
def _say_ready(**_: object) -> None:
    print(READY, flush=True)


@app.task(name="chain.poll", acks_late=True, ignore_result=True)
def poll(operation_id: int) -> None:
    database, stream = _servers()
    with database.connect() as connection:
        row = connection.execute(ROWS.select().where(ROWS.c.id == operation_id)).one()
    if row.state != "polling":
        return
    ended = ask(_LOCAL.session, os.environ[ENDPOINT], row.async_id)
    now = datetime.now(UTC)
    countdown = float(os.environ[COUNTDOWN])
    changed = (
        {"state": "succeeded", "finished_at": now}
        if ended
        else {"due_at": now + timedelta(seconds=countdown)}
    )
    with database.connect() as connection:
        connection.execute(
            ROWS.update().where(ROWS.c.id == operation_id).values(polls=row.polls + 1, **changed)
        )
    if ended:
        stream.xadd(STREAM, {"data": json.dumps({"operation": operation_id, "state": "succeeded"})})
    else:
        poll.apply_async((operation_id,), countdown=countdown)
