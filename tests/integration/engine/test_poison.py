"""An operation that kills its process each time: it is parked, and none that died with it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy import update

from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import operation, start
from tests.support.engine.process import LONGEST, SEALER, SILENCE, WIDTH, Bell
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import Outcome, Pending
from worker.engine.calls import Call
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.wakeups import Wakeups
from worker.process.runtime import MAX_CHUNKS, MAX_ENDING_CHUNKS
from worker.providers.protocol import Work
from worker.store import claims, leases, messages
from worker.store.tables import OPERATIONS

POISON: Final = "poison"
#: What is due beside it: at its own provider and at another one.
INNOCENTS: Final = {"mate": Provider.MONETA, "other-1": Provider.NPD, "other-2": Provider.NPD}
_NOT_YET: Final = Pending("not yet")
#: Seconds in which two calls meet in flight, where nothing keeps them apart.
_MOMENT: Final = 0.5
#: More than it takes, in any order.
_LIVES: Final = 8


class Life:
    """One life of a process. It ends by the poison, if that is asked for."""

    def __init__(self, database: TravellingDatabase) -> None:
        self._database = database
        self._is_over = threading.Event()
        self._in_flight: set[str] = set()
        #: Who was in flight when the poison killed it; None: it was not asked for.
        self.died_with: set[str] | None = None
        self._incarnation = Incarnation(
            database, "poller", every=timedelta(seconds=1), silence=SILENCE
        )
        self._incarnation.beat()
        self._engine = Engine(
            database,
            {provider: self._plugin(provider) for provider in (Provider.MONETA, Provider.NPD)},
            Wakeups(MemoryBroker(database), database, width=WIDTH, longest=LONGEST),
            Bell(),
            self._incarnation,
            SEALER,
            max_chunks=MAX_CHUNKS,
            max_ending_chunks=MAX_ENDING_CHUNKS,
        )

    def live(self) -> None:
        """Work on what is due at both providers."""
        threads = []
        for provider in (Provider.NPD, Provider.NPD, Provider.MONETA, Provider.MONETA):
            flying = len(self._in_flight)
            thread = threading.Thread(target=self._engine.work, args=(provider,))
            threads.append(thread)
            thread.start()
            ends = monotonic() + _MOMENT
            while thread.is_alive() and len(self._in_flight) == flying and monotonic() < ends:
                thread.join(0.01)
        self._is_over.wait(_MOMENT)
        self._is_over.set()
        for thread in threads:
            thread.join()
        self._engine.close()
        self._die()

    def _plugin(self, provider: Provider) -> ScriptedPlugin:
        plugin = ScriptedPlugin()
        plugin.name = provider
        plugin.answers(Call.POLL, self._asked)
        return plugin

    def _asked(self, work: Work) -> Outcome:
        if work.reference != POISON:
            self._in_flight.add(work.reference)
            assert self._is_over.wait(60)
            self._in_flight.discard(work.reference)
            return _NOT_YET
        self.died_with = set(self._in_flight)
        self._incarnation.stop()
        self._die()
        self._is_over.set()
        return _NOT_YET

    def _die(self) -> None:
        """Have the others find free what was leased; what is written after this comes too late."""
        with self._database.begin() as connection:
            leases.leave(connection, self._incarnation.id)


@contextmanager
def polled(url: str) -> Iterator[TravellingDatabase]:
    """Have the poison and the innocents be polled."""
    database = TravellingDatabase(url)
    try:
        now = database.now()
        with database.begin() as connection:
            for reference, provider in {**INNOCENTS, POISON: Provider.MONETA}.items():
                begun = start(reference, give_up_at=now + timedelta(days=1))
                messages.accept(connection, replace(begun, provider=provider.value), now)
            polling = {"state": State.POLLING.value, "lane": claims.ORDINARY, "started_at": now}
            connection.execute(update(OPERATIONS).values(polling))
        yield database
    finally:
        database.dispose()


def test_poison_alone_is_parked_although_others_died_with_it(migrated_url: str) -> None:
    parked: list[str] = []
    deaths: list[set[str]] = []
    with polled(migrated_url) as database:
        for _ in range(_LIVES):
            life = Life(database)
            life.live()
            if life.died_with is not None:
                deaths.append(life.died_with)
            with database.begin() as connection:
                parked += leases.park_poison(connection, database.now())
            database.travel(60)
        rows = [operation(database, each) for each in INNOCENTS]

    assert parked == [POISON]
    assert [(row["state"], row["claims"]) for row in rows] == [("polling", 0)] * len(INNOCENTS)
    assert len(deaths) == leases.POISON_AFTER
    assert deaths[-2], "nobody was in flight beside it: this test would see nothing"
    assert deaths[-1] == set()
