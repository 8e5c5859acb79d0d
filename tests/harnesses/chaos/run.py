"""One run: start everything, make the faults, end them, wait for every end, compare the records."""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from tests.harnesses.chaos.books import collect, ends, leaks, refusals
from tests.harnesses.chaos.cases import cases
from tests.harnesses.chaos.faults import Chaos
from tests.harnesses.chaos.fleet import Fleet, Servers
from tests.harnesses.chaos.gateway import Weather
from tests.harnesses.chaos.ledger import Finding, Kind, audit
from tests.harnesses.chaos.listener import Listener
from tests.harnesses.chaos.marketplace import Marketplace
from tests.harnesses.chaos.plan import (
    FLEET,
    KILLS,
    OTHERS,
    Fault,
    Pace,
    are_events_apart,
    kills,
    others,
)
from tests.harnesses.chaos.proxy import Proxy
from tests.harnesses.chaos.rates import asked
from tests.harnesses.chaos.received_events import ReceivedEvents
from tests.harnesses.chaos.report import Outcome
from tests.harnesses.chaos.settings import OPTIONS, SETTINGS
from tests.harnesses.chaos.watch import Watch, silent
from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY
from tests.support.servers.postgres import postgres_server, spare_server
from tests.support.servers.valkey import valkey_server
from uprid_client import Client
from worker.local.demo.webapp import WebApp

#: There must be polls while at least this many operations are under way.
_BUSY: Final = 10
#: Seconds without asking for messages after which a process counts as hanging. kombu notices a dead
#: connection to the broker with its second health check, after 51 s.
_HANGS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Order:
    """The options of a run."""

    seed: int
    #: Seconds in which faults come and operations are enqueued.
    seconds: float
    #: Operations a second.
    rate: float = 9.5
    pace: Pace = field(default_factory=Pace)
    kills: Sequence[Fault] = KILLS
    faults: Sequence[Fault] = OTHERS
    #: Seconds in which everything must end after the last fault.
    patience: float = 300.0
    #: The name of a way to break every process on purpose.
    sabotage: str | None = None
    #: Whether the events have a server of their own. None: the seed decides.
    events_apart: bool | None = None

    @property
    def are_events_apart(self) -> bool:
        """Whether the events have a server of their own."""
        return are_events_apart(self.seed) if self.events_apart is None else self.events_apart


class Run:
    """A run in progress."""

    def __init__(self, order: Order, fleet: Fleet, app: WebApp, say: Callable[[str], None]) -> None:
        self._order = order
        self._fleet = fleet
        self._say = say
        self._received = ReceivedEvents()
        self._chaos = Chaos(fleet, say)
        self._listener = Listener(self._client, self._received)
        self._shop = Marketplace(
            self._client, cases(random.Random(order.seed)), order.rate, self._received, app.taken
        )
        self._watch = Watch(fleet, lambda: self._chaos.toll.latest, lambda: self._shop.open > _BUSY)
        self._findings: list[Finding] = []

    def live(self) -> Outcome:
        """Run from the start to the result."""
        began = time.monotonic()
        with self._listener, self._shop, self._watch:
            self._suffer()
            self._shop.stop_ordering()
            self._chaos.heal()
            self._say(f"{len(self._shop.sent)} operations sent; {self._shop.open} are not over")
            self._expect(self._see_to_the_end)
            self._expect(self._see_consumers)
        lasted = time.monotonic() - began
        self._expect(lambda: self._fleet.stop(*FLEET))
        return self._outcome(lasted)

    def _suffer(self) -> None:
        order, began, never = self._order, time.monotonic(), threading.Event()
        plans = (
            kills(order.seed, order.seconds, order.pace, order.kills),
            others(order.seed, order.seconds, order.pace, order.faults),
        )
        threads = [
            threading.Thread(target=self._chaos.run, args=(plan, began, never), daemon=True)
            for plan in plans
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # The last fault may have come before the time is over.
        never.wait(max(began + order.seconds - time.monotonic(), 0))

    def _see_to_the_end(self) -> None:
        wait_until(
            lambda: not self._shop.open and self._is_published(),
            self._order.patience,
            self._unfinished,
            interval=0.5,
        )

    def _unfinished(self) -> str:
        open_ones = self._shop.open_references()
        rows = self._fleet.rows(
            "SELECT reference, state, attempt, due_at, lease_owner, claims, missing"
            " FROM operation WHERE reference = ANY(:names)",
            names=open_ones[:10],
        )
        return "\n".join(
            [f"{len(open_ones)} are not over, such as {open_ones[:10]}", *map(str, rows)]
        )

    def _is_published(self) -> bool:
        with suppress(DBAPIError):
            stored = self._fleet.rows("SELECT id FROM outbox WHERE operation_id IS NOT NULL")
            return {event_id for (event_id,) in stored} <= self._received.ids
        return False

    def _see_consumers(self) -> None:
        """Wait until every process takes messages: the next kill might hide one that hangs."""
        wait_until(
            lambda: max(silent(self._fleet).values()) < 5,
            _HANGS,
            lambda: f"seconds without asking for messages: {silent(self._fleet)}",
            interval=0.5,
        )

    def _expect(self, step: Callable[[], None]) -> None:
        """Do a step. Its failure is a finding, and the run continues."""
        try:
            step()
        except AssertionError as error:
            self._findings.append(Finding(Kind.MISBEHAVED, "the run", str(error)))

    def _client(self) -> Client:
        fleet = self._fleet
        return Client(
            fleet.outside_url,
            [SEAL_KEY],
            events_redis_url=fleet.outside_events_url if fleet.are_events_apart else None,
        )

    def _outcome(self, lasted: float) -> Outcome:
        books = collect(self._fleet, self._shop.sent, self._received)
        toll = self._chaos.toll
        return Outcome(
            seed=self._order.seed,
            seconds=lasted,
            operations=len(books.rows),
            messages=self._shop.messages,
            not_taken=self._shop.refused,
            events=len(books.received),
            deliveries=self._received.deliveries,
            interruptions=self._listener.interruptions,
            faults=toll.faults,
            ends=ends(books),
            refusals=refusals(books),
            findings=[*self._findings, *self._misbehaved(), *audit(books)],
            gap=self._watch.gap,
            returns=toll.returns,
            stops=toll.stops,
            requests={str(name): count for name, count in asked(self._fleet).items()},
            interim=self._fleet.weather.interim,
            closed_at_rest=self._fleet.weather.closed,
        )

    def _misbehaved(self) -> Iterator[Finding]:
        toll = self._chaos.toll
        yield from (Finding(Kind.MISBEHAVED, "fault", each) for each in toll.misbehaved)
        for name, tail in self._watch.ended.items():
            yield Finding(Kind.MISBEHAVED, name, f"ended by itself: {tail}")
        for back in toll.returns:
            if back.is_stampede:
                lasted, count = back.first_second
                yield Finding(Kind.MISBEHAVED, back.provider, f"{count} requests in {lasted:.2f} s")
        for thread in (self._listener, self._shop):
            if thread.died_of is not None:
                yield Finding(Kind.MISBEHAVED, type(thread).__name__, f"died of {thread.died_of!r}")
        for known, times in self._fleet.weather.reused.items():
            detail = f"{times} requests that cost came on a connection that had carried another"
            yield Finding(Kind.MISBEHAVED, known, detail)
        yield from leaks(self._fleet.logs())


def run(order: Order, say: Callable[[str], None], directory: Path | None = None) -> Outcome:
    """Run with servers of its own. Logs go to `directory`, or to a temporary one."""
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        broker = stack.enter_context(valkey_server())
        events = stack.enter_context(valkey_server()) if order.are_events_apart else broker
        primary = stack.enter_context(postgres_server(keeps_commits=True, replicated=True))
        standby = stack.enter_context(spare_server(keeps_commits=True))
        url = primary.create_database(bring_to_newest)
        proxy = stack.enter_context(Proxy())
        app = stack.enter_context(WebApp())
        servers = Servers(broker, events, (primary, standby))
        weather = Weather(random.Random(order.seed))
        fleet = Fleet(directory, servers, url, proxy, weather, SETTINGS, sabotage=order.sabotage)
        stack.callback(fleet.close)
        fleet.start_sandbox(**OPTIONS, options={"notify_url": app.url})
        for name in FLEET:
            fleet.launch(name)
        fleet.wait_until_started(*FLEET)
        where = "their own server" if order.are_events_apart else "the broker"
        say("broker, database, sandbox, two workers and two pollers run")
        say(f"the events are on {where}")
        return Run(order, fleet, app, say).live()
