"""The world of one seed: processes, broker, stream, providers and people, with their faults."""

from collections import defaultdict
from datetime import datetime
from functools import partial
from typing import Final

from tests.harnesses.simulation.broker import Broker, Message
from tests.harnesses.simulation.calls import Calls
from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.facts import Facts
from tests.harnesses.simulation.failover import FailOver
from tests.harnesses.simulation.kernel import BEGIN, Kernel
from tests.harnesses.simulation.people import People
from tests.harnesses.simulation.plan import draw
from tests.harnesses.simulation.process import Process
from tests.harnesses.simulation.rows import Row, Rows
from tests.harnesses.simulation.server import Server, Task
from tests.harnesses.simulation.sickness import Sickness
from tests.harnesses.simulation.stream import MemoryStream
from tests.harnesses.simulation.telling import Consumer
from tests.harnesses.simulation.transactions import Transaction
from tests.harnesses.simulation.violation import Violation, require
from uprid_client.contract.states import State
from uprid_client.sealing import Sealer, new_key
from worker.domain.ids import Source
from worker.domain.states import DRIVEN
from worker.engine import engine
from worker.privacy.fingerprints import Fingerprinter
from worker.store.leases import POISON_AFTER

SEALER: Final = Sealer([new_key()])
FINGERPRINTER: Final = Fingerprinter("simulation")
#: Deaths after which no more processes die in a seed.
_MOST_DEATHS: Final = 15
#: The most chunk messages of one provider that may wait at a time.
_MOST_WAITING: Final = 150


class World:
    """Everything in one seed."""

    def __init__(self, seed: int) -> None:
        store().empty()
        self.kernel = kernel = Kernel(seed)
        self.plan = draw(kernel.random)
        self.sealer, self.fingerprinter = SEALER, FINGERPRINTER
        self.rough = True
        self.sickness = Sickness(kernel, store().transactions)
        self.calls = Calls(kernel, self.plan)
        self.stream = MemoryStream(lambda: kernel.now)
        self.broker = Broker(kernel, self.plan, self._deliver)
        self._booted_at = 0.0
        #: Until when the database stood still last.
        self._delayed = 0.0
        #: When the last hanging call returns.
        self.returns_at = 0.0
        self.rows = Rows(kernel, self.plan, self.calls, self._quiet_since, self.longest_wait)
        self.servers = {
            provider: Server(kernel, self.plan, provider, self._notify)
            for provider in self.plan.providers
        }
        self.people = People(self)
        #: Ids of the messages that were worked on to their end.
        self.taken: set[str] = set()
        self.facts = Facts(self)
        self.consumer = Consumer(kernel, self.stream, self.people.hear)
        self._processes: list[Process] = []
        self._lives = 0
        self._deaths = 0
        #: How many processes start when they are allowed to. None: they are allowed.
        self._stopped: int | None = None
        #: Whether the database has lost confirmed commits.
        self._forgetful = False
        self._poison = "o0" if kernel.random.random() < self.plan.poison else None
        self._first: Violation | None = None
        #: When processes died of an operation.
        self._poisonings: defaultdict[str, list[datetime]] = defaultdict(list)

    def source(self) -> Source:
        """Return the source from which ids are drawn."""

        def time_ns() -> int:
            task = self.kernel._current
            off = 0.0 if task is None else task.life.off
            return round((BEGIN.timestamp() + self.kernel.seconds + off) * 1e9)

        return Source(time_ns, self.kernel.random.getrandbits)

    def run(self) -> None:
        """Run the seed to its end, and check that the promises were kept."""
        kernel, plan = self.kernel, self.plan
        for _ in range(plan.hosts):
            self._boot()
        self.people.begin()
        for at, what in plan.wipes:
            kernel.at(at, partial(self._wipe, what))
        for at, lasting in plan.blackouts:
            kernel.at(at, partial(self._black_out, lasting))
        for at, lasting in plan.closings:
            kernel.at(at, partial(self._close_to_writes, lasting))
        for at, lasting in plan.standstills:
            kernel.at(at, partial(self._stand_still, lasting))
        if plan.failover is not None:
            FailOver(self, *plan.failover, self.people.database)
        kernel.at(plan.calm_from, self._calm)
        kernel.at(1.0, self._look)
        try:
            try:
                kernel.run(plan.calm_from + self._grace, self._over)
                self._judge()
            finally:
                kernel.close()
        except Violation:
            if self._first is not None:
                raise self._first from None
            raise

    # What the other parts ask of the world

    def committed(self, spot: str, transaction: Transaction) -> None:
        """Check what was just committed."""
        if self._first is not None:
            return
        try:
            self.rows.committed(spot, transaction)
            self.facts.committed(spot, transaction)
        except Violation as violation:
            # Other tasks run on until this is raised to the top. Their checks would fail on a state
            # that was checked only in part, so the first violation is kept.
            self._first = violation
            raise

    def disturb(self, lasting: float = 0.0) -> None:
        """Note that answers may be lost for this many seconds."""
        self.calls.disturbed = max(self.calls.disturbed, self.kernel.seconds + lasting)

    def may_crash(self) -> bool:
        """Return whether there have been few enough deaths for another one."""
        return self._deaths < _MOST_DEATHS

    def bury(self, process: Process) -> None:
        """Remove a dead process, and start another one in its place."""
        kernel = self.kernel
        self._deaths += 1
        self._end(process)
        kernel.at(kernel.random.choice([0.1, 2.0, 8.0, 20.0]) if self.rough else 0.1, self._boot)

    def stop_all(self) -> None:
        """Stop all processes, and let none start."""
        self._stopped = len(self._processes)
        for process in [*self._processes]:
            self._end(process)

    def start_all(self) -> None:
        """Start as many processes as were stopped, or wanted to start meanwhile."""
        count, self._stopped = self._stopped or 0, None
        for _ in range(count):
            self._boot()

    def forget_since(self, since: datetime) -> None:
        """Note that the database has lost the commits since a time."""
        self._forgetful = True
        # With a claim that was lost, the product has lost that the operation was ever suspected.
        for deaths in self._poisonings.values():
            deaths[:] = [at for at in deaths if at < since]
        self.disturb()
        self.rows.put_back()
        self.facts.put_back()
        self.calls.put_back(since, self.rows.operations.values())
        self.consumer.doubt()

    def _end(self, process: Process) -> None:
        self.disturb()
        self._processes.remove(process)
        self.broker.orphan(1 / (len(self._processes) + 1), self.plan.visibility)
        self.kernel.kill(process.life)

    def poisons(self, reference: str) -> bool:
        """Return whether a process dies of an operation."""
        if reference != self._poison:
            return False
        deaths = self._poisonings[reference]
        deaths.append(self.kernel.now)
        require(
            len(deaths) <= POISON_AFTER, "poison waits for a person", reference,
            f"killed {len(deaths)} workers in a row",
        )  # fmt: skip
        return True

    def forgive(self, reference: str) -> None:
        """Note that a person acted on an operation: its count of deaths starts again."""
        self._poisonings[reference].clear()
        if reference == self._poison:
            self._poison = None

    def row(self, reference: str) -> Row | None:
        """Return an operation's row."""
        return next((r for r in self.rows.operations.values() if r.reference == reference), None)

    def begun(self, reference: str, attempt: int) -> Task | None:
        """Return what a provider began for an attempt."""
        return self.servers[self.people.references[reference]].of(reference, attempt)

    # Faults

    def _boot(self) -> None:
        if self._stopped is not None:
            self._stopped += 1
            return
        self._lives += 1
        self._booted_at = self.kernel.seconds
        process = Process(self, f"w{self._lives}")
        self._processes.append(process)
        process.start()

    def _deliver(self, message: Message) -> bool:
        ready = [each for each in self._processes if each.life.frozen_until <= self.kernel.time]
        if not ready:
            return False
        return self.kernel.random.choice(ready).take(message)

    def _notify(self, task: Task, status: str) -> None:
        self.people.notify(task, status)

    def _wipe(self, what: str) -> None:
        if not self.rough:
            return
        self.kernel.say("wiped", what)
        match what:
            case "all":
                self.broker.flush()
                self.stream.wipe()
            case "queues":
                self.broker.flush(markers=False)
            case "markers":
                self.broker.flush(queues=False)
            case "stream":
                self.kernel.random.choice([self.stream.wipe, self.stream.drop])()
            case "tail":
                self.stream.lose_tail(self.kernel.random.randint(1, 4))
            case _:
                self.broker.away = self.stream.away = True
                self.kernel.at(self.kernel.random.choice([1.0, 10.0]), self._return)

    def _return(self) -> None:
        self.broker.away = self.stream.away = False

    def _black_out(self, lasting: float) -> None:
        if self.rough:
            self.kernel.happened("database away")
            self.sickness.go_away(lasting)
            self.disturb(lasting)

    def _close_to_writes(self, lasting: float) -> None:
        if self.rough:
            self.kernel.happened("database read-only")
            self.sickness.close_to_writes(lasting)
            self.disturb(lasting)

    def _stand_still(self, lasting: float) -> None:
        # Nothing is lost, it only takes time: no answer may be lost because of it.
        if self.rough:
            self.kernel.happened("database stands still")
            self.sickness.stand_still(lasting)
            self._delayed = max(self._delayed, self.kernel.seconds + lasting)

    def _calm(self) -> None:
        self.kernel.say("calm")
        self.rough = self.broker.rough = False
        self.sickness.recover()
        self._return()
        for server in self.servers.values():
            server.rough = False

    # Invariants

    def _look(self) -> None:
        """Check everything, once a second."""
        if not self.stream.away:
            self.consumer.read()
        self.rows.held()
        if not self.rough:
            self.rows.in_time(self.plan.calm_from)
        for provider, count in self.broker.waiting.items():
            require(count <= _MOST_WAITING, "waiting messages are bounded", provider, count)
        strangers = self.broker.strangers()
        require(not strangers, "a marker names a published message", strangers)
        self.kernel.at(1.0, self._look)

    @property
    def longest_wait(self) -> float:
        """Seconds after which a hanging chunk is given up."""
        return engine.longest_wait(self.plan.limits)

    @property
    def _grace(self) -> float:
        """Seconds after the last fault within which everything must be over."""
        plan = self.plan
        waits = max(policy.longest for policy in plan.policies)
        dying = POISON_AFTER * (plan.silence + 3 * plan.sweep_every) if self._poison else 0.0
        hanging = self.longest_wait + plan.silence + 60 if plan.hangs else 0.0
        return plan.deadline * 1.1 + 2 * plan.visibility + 3 * waits + dying + hanging + 60

    def _over(self) -> bool:
        if self.rough or self.kernel.current_or_none is not None:
            return False
        return self._settled()

    def _settled(self) -> bool:
        rows = self.rows.operations.values()
        return (
            not self._missing()
            and self.kernel.seconds > self.returns_at + 1
            and not any(State(row.state) in DRIVEN for row in rows)
            and store().raw.execute("SELECT 1 FROM outbox WHERE stream_id IS NULL").fetchone()
            is None
            and len(self.people.accepted) == self.plan.operations
            # If the last fault was a wiped stream, the next sweep fills it again.
            and not self._unheard()
            and not self._gone()
        )

    def _unheard(self) -> set[str]:
        """Return the events that the consumer has not read."""
        self.consumer.read()
        told = {row[0] for row in store().raw.execute("SELECT id FROM outbox")}
        return told - self.consumer.seen

    def _gone(self) -> list[str]:
        """Return the events that are not on the stream now, even if they were read once."""
        there = {fields["id"] for _, fields in self.stream.entries}
        events = store().raw.execute("SELECT id, type, subject FROM outbox ORDER BY seq")
        return [f"{kind} {subject}" for id_, kind, subject in events if id_ not in there]

    def _missing(self) -> list[str]:
        """Return the references that were enqueued and have no operation."""
        there = {row.reference for row in self.rows.operations.values()}
        missing = self.people.references.keys() - there
        if self._forgetful:
            # The marketplace read `accepted`, and the commit was lost.
            missing -= self.people.accepted
        return sorted(missing)

    def _judge(self) -> None:
        rows = self.rows.operations.values()
        left = [row for row in rows if State(row.state) in DRIVEN]
        require(not left, "an accepted operation ends or waits for a person", left)
        missing = self._missing()
        require(not missing, "every start that was sent is accepted", missing)
        leased = [row for row in rows if row.lease_owner is not None]
        require(not leased, "no lease is held without end", leased)
        raw = store().raw
        untold = raw.execute("SELECT type, subject FROM outbox WHERE stream_id IS NULL").fetchall()
        require(not untold, "every event is published", untold)
        unseen = self._unheard()
        require(not unseen, "every event is published", len(unseen), "events never came")
        gone = self._gone()
        require(not gone, "the stream is filled again", gone)
        self.facts.judge()

    def _quiet_since(self, moment: float) -> float:
        return self.kernel.seconds - max(
            moment, self.calls.disturbed, self._booted_at, self._delayed
        )
