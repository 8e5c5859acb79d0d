"""The naive chain's processes, and the way to give them work."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final

from celery import Celery
from sqlalchemy import func, insert, select

from benchmarks import chain, rows
from benchmarks.chain import ROWS
from benchmarks.stage import Stage
from tests.support.processes.child import Process

PROCESSES: Final = 2
#: The fastest of what was tried side by side (polls/s in the same minutes, two cores): threads 2
#: 346-462, solo 369-399, threads 4 197-300, prefork 117-286 however many children.
POOL: Final = ("--pool", "threads", "--concurrency", "2")

_CELERY: Final = (
    *("celery", "-A", "benchmarks.chain", "worker", "--loglevel", "WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)


class Chain:
    """The running processes of the chain."""

    name = f"naive chain ({PROCESSES} processes)"

    def __init__(self, stage: Stage, app: Celery, processes: Sequence[Process]) -> None:
        self._stage = stage
        self._app = app
        self._processes = processes

    @property
    def pids(self) -> Sequence[int]:
        return [process.pid for process in self._processes]

    def prepare(self, operations: int) -> None:
        rows.empty(self._stage.database, ROWS)
        self._put(operations)
        self.publish(range(1, 1 + operations), queue=chain.SEED_QUEUE)

    def go(self) -> None:
        with self._stage.client() as client:
            client.rename(chain.SEED_QUEUE, chain.QUEUE)

    def left(self) -> int:
        with self._stage.database.read() as connection:
            counted = select(func.count()).where(ROWS.c.state == "polling")
            return int(connection.execute(counted).scalar_one())

    def due(self) -> dict[int, tuple[int, datetime]]:
        with self._stage.database.read() as connection:
            found = connection.execute(ROWS.select().where(ROWS.c.state == "polling"))
            return {row.async_id: (row.polls, row.due_at) for row in found}

    def publish(
        self, ids: range, *, queue: str = chain.QUEUE, countdowns: Sequence[float] | None = None
    ) -> None:
        """Publish one message an operation."""
        with self._app.producer_pool.acquire(block=True) as producer:
            for place, operation in enumerate(ids):
                self._app.send_task(
                    "chain.poll",
                    (operation,),
                    queue=queue,
                    countdown=countdowns[place] if countdowns else None,
                    producer=producer,
                )

    def await_after(self, countdowns: Sequence[float]) -> None:
        """Put operations that are due after these times, and publish their messages."""
        rows.empty(self._stage.database, ROWS)
        self._put(len(countdowns))
        self.publish(range(1, 1 + len(countdowns)), countdowns=countdowns)

    def held(self) -> int:
        """Return how many messages the processes hold until they are due."""
        with self._stage.client() as client:
            return int(client.hlen("unacked"))

    def _put(self, operations: int) -> None:
        now = datetime.now(UTC)
        with self._stage.database.begin() as connection:
            connection.execute(
                insert(ROWS),
                [
                    {"id": n, "async_id": n, "state": "polling", "polls": 0, "due_at": now}
                    for n in range(1, 1 + operations)
                ],
            )
        rows.analyze(self._stage.database, [ROWS.name])


@contextmanager
def running(stage: Stage, *, countdown: float) -> Iterator[Chain]:
    """Run the chain's processes against the stage."""
    chain.METADATA.create_all(stage.database.engine)
    settings = {
        "DATABASE_URL": stage.database_url,
        "REDIS_URL": stage.broker.url,
        chain.ENDPOINT: stage.endpoint.url,
        chain.COUNTDOWN: str(countdown),
    }
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                stage.process(
                    f"chain-{number}",
                    [*_CELERY, "--hostname", f"chain-{number}", *POOL],
                    settings,
                )
            )
            for number in range(PROCESSES)
        ]
        for process in processes:
            process.wait_for_output(chain.READY, 60)
        app = Celery("bench-chain", set_as_current=False)
        app.conf.update(chain.configuration(stage.broker.url))
        yield Chain(stage, app, processes)
