"""This worker: the Procfile's `worker` and two `poller` as real processes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Final

from celery import Celery
from sqlalchemy import func, select, update

from benchmarks import rows
from benchmarks.stage import Stage
from config.celery import configuration
from config.polling import PollPolicy
from config.queues import Wake
from config.settings import EngineSettings
from tests.support.processes.child import Process, wait_until
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import new_key
from worker.engine.wakeups import Wakeups
from worker.process.publisher import CeleryPublisher
from worker.store.database import Database
from worker.store.tables import INCARNATIONS, OPERATIONS, OUTBOX

POLLERS: Final = 2
#: The default.
SLOT: Final = EngineSettings().slot
_UPRID: Final = "worker.cli.main"


class Ours:
    """The running processes, and the way to give them work."""

    name = f"this worker (worker, {POLLERS} pollers)"

    def __init__(
        self, database: Database, wakeups: Wakeups, worker: Process, pollers: Sequence[Process]
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self.worker = worker
        self.pollers = pollers

    @property
    def pids(self) -> Sequence[int]:
        return [self.worker.pid, *(poller.pid for poller in self.pollers)]

    def prepare(self, operations: int) -> None:
        rows.clear(self._database)
        rows.put(self._database, [None] * operations)

    def go(self) -> None:
        with self._database.begin() as connection:
            connection.execute(update(OPERATIONS).values(due_at=self._database.now()))
        self._wakeups.now(Provider.MONETA)

    def left(self) -> int:
        with self._database.read() as connection:
            polling = select(func.count()).where(OPERATIONS.c.state == State.POLLING.value)
            untold = select(func.count()).where(OUTBOX.c.stream_id.is_(None))
            left = connection.execute(
                select(polling.scalar_subquery() + untold.scalar_subquery())
            ).scalar_one()
            return int(left)

    def idle(self) -> bool:
        """Return whether nothing is due or being worked on."""
        with self._database.read() as connection:
            busy = connection.execute(
                select(OPERATIONS.c.id).where(
                    (OPERATIONS.c.due_at <= self._database.now())
                    | OPERATIONS.c.lease_token.is_not(None)
                )
            ).first()
        return busy is None

    def due(self) -> dict[int, tuple[int, datetime]]:
        with self._database.read() as connection:
            found = connection.execute(
                select(OPERATIONS.c.provider_ref, OPERATIONS.c.polls, OPERATIONS.c.due_at).where(
                    OPERATIONS.c.state == State.POLLING.value
                )
            )
            return {int(row.provider_ref): (row.polls, row.due_at) for row in found}

    def await_at(self, dues: Sequence[datetime], *, first_id: int = 1) -> None:
        """Put operations that are due at these times, and publish their slots like the engine."""
        rows.put(self._database, dues, first_id=first_id)
        self._wakeups.at(Provider.MONETA, Wake.POLL, dues)


@contextmanager
def running(
    stage: Stage,
    *,
    policy: PollPolicy,
    slot: timedelta = SLOT,
) -> Iterator[Ours]:
    """Run our processes against the stage."""
    settings = {
        "DATABASE_URL": stage.database_url,
        "REDIS_URL": stage.broker.url,
        "UPRID_SEAL_KEYS": new_key(),
        "UPRID_FINGERPRINT_KEY": "fingerprints-of-the-benchmarks",
        "UPRID_LOG_LEVEL": "WARNING",
        "UPRID_ENGINE__SLOT": str(slot.total_seconds()),
        "UPRID_MONETA__URL": stage.endpoint.url,
        "UPRID_MONETA__USERNAME": "bench",
        "UPRID_MONETA__PASSWORD": "bench",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
        "UPRID_MONETA__FULL_GROUP_ID": "2",
        "UPRID_MONETA__RATE_PER_SECOND": "100000",
        "UPRID_MONETA__THREADS": "4",
        "UPRID_MONETA__CHUNK": "200",
        "UPRID_MONETA__POLL": policy.model_dump_json(),
    }
    with ExitStack() as stack:
        worker, *polling = [
            stack.enter_context(stage.process(name, [_UPRID, role], settings))
            for name, role in (
                ("worker", "worker"),
                *((f"poller-{number}", "poller") for number in range(POLLERS)),
            )
        ]
        ours = Ours(stage.database, wakeups(stage, slot), worker, polling)
        began(stage.database, (worker, *polling))
        yield ours


def began(database: Database, processes: Sequence[Process]) -> None:
    """Wait until processes of ours have begun to work."""
    pids = {process.pid for process in processes}
    wait_until(
        lambda: pids <= _begun(database),
        60,
        lambda: "\n".join(process.tail() for process in processes),
        interval=0.2,
    )


def wakeups(stage: Stage, slot: timedelta = SLOT) -> Wakeups:
    """Publish slots as the engine does."""
    engine = EngineSettings()
    app = Celery("bench", set_as_current=False)
    app.conf.update(configuration(stage.broker.url, engine.visibility_timeout))
    publisher = CeleryPublisher(app, stage.broker.url)
    return Wakeups(publisher, stage.database, width=slot, longest=engine.max_countdown)


def _begun(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.execute(select(INCARNATIONS.c.pid)).scalars())
