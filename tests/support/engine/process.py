"""One worker process's engine over a real database, and time that passes as messages come due."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from config.queues import Wake
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.meter import RecordingMeter
from tests.support.engine.operations import operations, start
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.sealing import Sealer, new_key
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.wakeups import Wakeups
from worker.process.runtime import MAX_CHUNKS, MAX_ENDING_CHUNKS
from worker.providers.protocol import Plugin
from worker.store import claims, leases, messages
from worker.store.messages import NewOperation

WIDTH: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=5)
SILENCE: Final = timedelta(minutes=1)
#: One key for the run: workers that share a database share their keys.
SEALER: Final = Sealer([new_key()])


class Bell:
    """A relay that only counts how often it was called."""

    def __init__(self) -> None:
        self.rung = 0

    def wake(self) -> None:
        """Count."""
        self.rung += 1


class Poller:
    """The parts of a poller that work on chunks. Its heart beats when the test says so."""

    def __init__(self, database: TravellingDatabase, plugin: Plugin, broker: MemoryBroker) -> None:
        self.database = database
        self.plugin = plugin
        self.broker = broker
        self.bell = Bell()
        self.wakeups = Wakeups(broker, database, width=WIDTH, longest=LONGEST)
        self.incarnation = Incarnation(
            database, "poller", every=timedelta(seconds=1), silence=SILENCE
        )
        self.incarnation.beat()
        with database.begin() as connection:
            # Long enough ago for the bucket to be full.
            claims.lock_provider(connection, self.plugin.name, database.now() - timedelta(hours=1))
        self.meter = RecordingMeter()
        self.engine = self._engine()

    def _engine(self) -> Engine:
        return Engine(
            self.database,
            {self.plugin.name: self.plugin},
            self.wakeups,
            self.bell,
            self.incarnation,
            SEALER,
            max_chunks=MAX_CHUNKS,
            max_ending_chunks=MAX_ENDING_CHUNKS,
            meter=self.meter,
        )

    def live_as(self, incarnation: Incarnation) -> None:
        """Go on as another incarnation, with an engine of its own."""
        self.engine.close()
        self.incarnation = incarnation
        self.engine = self._engine()

    def work(self, slot: datetime | None = None) -> int:
        """Work on one chunk, as a message has it done."""
        return self.engine.work(self.plugin.name, Wake.POLL, slot)

    def run(self, until: float, *, most: int = 2000) -> None:
        """Deliver messages as they come due, for `until` seconds of the database's time."""
        end = self.database.now() + timedelta(seconds=until)
        for _ in range(most):
            soonest = self.broker.waiting[:1]
            if not soonest or soonest[0].deliver_at > end:
                self.database.travel_to(end)
                return
            message = self.broker.take()
            assert message is not None
            self.database.travel_to(message.deliver_at)
            self.incarnation.beat()
            self.engine.work(message.provider, message.wake, message.slot)
        message_storm = f"more than {most} messages in {until} s"
        raise AssertionError(message_storm)

    def accept(self, *begun: NewOperation) -> None:
        """Store operations as an intake does, and wake the provider."""
        now = self.database.now()
        with self.database.begin() as connection:
            for each in begun:
                messages.accept(connection, replace(each, provider=self.plugin.name), now)
        self.wakeups.at(self.plugin.name, Wake.POLL, [now])

    def give_up_at(self) -> datetime:
        """Return when an operation that is stored now is given up."""
        lasting = self.plugin.give_up_after("identification")
        return self.database.now() + timedelta(seconds=lasting)

    def die(self) -> None:
        """Fall silent: what was leased is found free by the others, as the sweep has it."""
        with self.database.begin() as connection:
            leases.leave(connection, self.incarnation.id)

    def close(self) -> None:
        """End the threads."""
        self.engine.close()


class Process(Poller):
    """A poller whose provider answers what a test wrote down for it."""

    plugin: ScriptedPlugin

    def enqueue(self, *references: str, payload: object | None = None) -> None:
        """Store operations, and wake the provider."""
        sealed = None if payload is None else SEALER.seal(payload)
        give_up_at = self.give_up_at()
        self.accept(*(start(each, sealed=sealed, give_up_at=give_up_at) for each in references))


@contextmanager
def process(
    url: str,
    plugin: ScriptedPlugin | None = None,
    database_class: type[TravellingDatabase] = TravellingDatabase,
) -> Iterator[Process]:
    """Run a process of one's own on a migrated database for the time of a `with` block."""
    database = database_class(url)
    made = Process(database, plugin or ScriptedPlugin(), MemoryBroker(database))
    try:
        yield made
    finally:
        made.close()
        database.dispose()


@contextmanager
def another(poller: Process) -> Iterator[Process]:
    """Run a second process beside the first: the same database, broker and provider."""
    made = Process(poller.database, poller.plugin, poller.broker)
    try:
        yield made
    finally:
        made.close()


def states(poller: Process) -> list[str]:
    """Return the states of all operations, the oldest first."""
    return [row["state"] for row in operations(poller.database)]


def many(count: int) -> list[str]:
    """Return so many references."""
    return [f"order-{number}" for number in range(count)]
