"""A worker process: the real parts, connected as `worker.process.runtime` does, on one host."""

from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Final, cast

from config.queues import Wake
from config.settings import Settings
from tests.harnesses.simulation.broker import ChunkMessage, Message, Publisher, TaskMessage
from tests.harnesses.simulation.database import SimulatedDatabase
from tests.harnesses.simulation.errand import Errand
from tests.harnesses.simulation.kernel import Event, Killed, Life, Lock
from tests.harnesses.simulation.plugin import SimulatedPlugin
from tests.harnesses.simulation.refusals import is_drawn
from tests.harnesses.simulation.threads import environment
from tests.harnesses.simulation.violation import Violation
from uprid_client.errors import DatabaseUnavailable, UpridError
from uprid_client.names import Provider, Task
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.sweep import Sweep, Timing
from worker.engine.wakeups import Wakeups
from worker.intake import actions, callbacks, inputs, notifications
from worker.intake.message import Message as Taken
from worker.intake.refusals import Taking
from worker.intake.starts import start
from worker.periodic import Repeating
from worker.process.runtime import MAX_CHUNKS, MAX_ENDING_CHUNKS, POOL, Runtime
from worker.providers.mandarin.codes import CODE
from worker.providers.moneta.callback import CALLBACK
from worker.providers.npd.notification import NOTIFICATION
from worker.store.retention import Retention
from worker.stream.relay import Relay
from worker.stream.stream import Stream

if TYPE_CHECKING:
    from tests.harnesses.simulation.world import World

TAKERS: Final[dict[Task, Taking]] = {
    Task.MONETA_START: start(Provider.MONETA, "identification"),
    Task.MONETA_CALLBACK: callbacks.take(CALLBACK),
    Task.NPD_START: start(Provider.NPD, "identification"),
    Task.NPD_NOTIFICATION: notifications.take(NOTIFICATION),
    Task.MANDARIN_START: start(Provider.MANDARIN, "identification"),
    Task.MANDARIN_CODE: inputs.take(CODE),
    Task.RETRY: actions.retry,
    Task.RESUME: actions.resume,
    Task.RESOLVE: actions.resolve,
    Task.CANCEL: actions.cancel,
}
#: Seconds before a failed message is tried again, as in tasks/base.py.
_PATIENCE: Final = (1, 2, 5, 10, 30, 60)
RETENTION: Final = Retention(timedelta(days=30), timedelta(days=180), timedelta(days=14))
#: Seconds that an effect takes. One of these is drawn.
_TAKES: Final = (0.0005, 0.001, 0.002, 0.002, 0.005, 0.02)


class Process:
    """One life of one worker process."""

    def __init__(self, world: "World", name: str) -> None:
        kernel, plan = world.kernel, world.plan
        self._world = world
        self._kernel = kernel
        self.life = Life(name)
        self.life.off = kernel.random.choice([0.0, 0.0, 0.3, -300.0, 300.0])
        self._booted = kernel.random.uniform(0, 1e5)
        self._drift = 1 + kernel.random.uniform(-2e-4, 2e-4)
        self.database = SimulatedDatabase(kernel, self, world.committed, world.sickness)
        self.plugins = {
            provider: SimulatedPlugin(kernel, plan, server, self, world.calls)
            for provider, server in world.servers.items()
        }
        wakeups = Wakeups(
            Publisher(world.broker, self.effect, self._unpublished),
            self.database,
            width=timedelta(seconds=plan.width),
            longest=timedelta(seconds=plan.longest),
        )
        self.incarnation = Incarnation(
            self.database,
            "poller",
            every=timedelta(seconds=plan.heartbeat),
            silence=timedelta(seconds=plan.silence),
            monotonic=self.monotonic,
        )
        self.relay = Relay(
            self.database,
            cast("Stream", _ReachedStream(world, self.effect)),
            keep=RETENTION.events,
            holder=self.incarnation.id,
        )
        timing = Timing(
            timedelta(seconds=plan.sweep_every), timedelta(seconds=plan.silence),
            timedelta(seconds=plan.width), RETENTION,
        )  # fmt: skip
        self.engine = Engine(
            self.database, self.plugins, wakeups, self.relay, self.incarnation, world.sealer,
            max_chunks=MAX_CHUNKS, max_ending_chunks=MAX_ENDING_CHUNKS,
            environment=environment(kernel, self.life, self.monotonic),
        )  # fmt: skip
        self.sweep = Sweep(
            self.database, frozenset(self.plugins), wakeups, self.relay, self.incarnation, timing
        )
        self.runtime = Runtime(
            settings=cast("Settings", None),  # no intake function reads them
            database=self.database,
            background=self.database,
            sealer=world.sealer,
            fingerprinter=world.fingerprinter,
            plugins=self.plugins,
            wakeups=wakeups,
            incarnation=self.incarnation,
            relay=self.relay,
            engine=self.engine,
            sweep=self.sweep,
        )
        #: Messages that are worked on.
        self.busy = 0
        self.started = False
        self.stopping = False
        self._hung = False
        self._arrange()

    def _arrange(self) -> None:
        """Let the parts wait in the kernel's time instead of the host's."""
        kernel = self._kernel
        self._loops = [
            self.incarnation._heart,
            self.relay._thread,
            Repeating("sweep", self._world.plan.sweep_every, self.sweep.tidy),
            Repeating("rouse", self._world.plan.sweep_every, self.sweep.rouse),
        ]
        for loop in self._loops:
            loop._nudged = cast("Any", Event(kernel))
        # A check every second while nothing happens would cost more than the rest of the
        # simulation.
        thread = self.relay._thread
        thread._every = 10.0
        # The same is true of ten tries a second for a lock that a dead process holds.
        thread.nudge_in = lambda seconds: setattr(thread, "_pause", max(seconds, 2.0))  # type: ignore[method-assign]
        self.relay._mine = cast("Any", Lock(kernel))
        self.incarnation._left = cast("Any", Event(kernel))

    def start(self) -> None:
        """Start, as worker.process.runtime.start does."""
        self._kernel.spawn(self.life.name, self.life, self._live)

    def _live(self) -> None:
        while True:
            try:
                self.database.now()
                self.incarnation.beat()
                break
            except DatabaseUnavailable:
                self._kernel.sleep(2.0)
            except Exception as error:
                if not is_drawn(error):
                    raise
                # A process that cannot start ends, and its supervisor starts it again.
                self._world.bury(self)
                raise Killed from None
        for loop in self._loops:
            name = f"{self.life.name}/{loop._name}"
            self._kernel.spawn(name, self.life, loop._run)
        self.started = True

    def stop(self) -> None:
        """Stop as after SIGTERM: finish the work, give back the leases, and end."""
        self.stopping = True
        self.incarnation.stop()
        self._kernel.spawn(f"{self.life.name}/stop", self.life, self._leave)

    def _leave(self) -> None:
        waited = 0
        while self.busy and waited < 120:
            self._kernel.sleep(0.5)
            waited += 1
        for loop in self._loops:
            loop._stopping.set()
        self.incarnation._left.set()
        self.incarnation.leave()
        self._world.bury(self)
        raise Killed

    def take(self, message: Message) -> bool:
        """Take a message, unless this process starts, stops or is full."""
        if not self.started or self.stopping or self.busy >= POOL:
            return False
        self.busy += 1
        work = self._chunk if isinstance(message, ChunkMessage) else self._intake
        self._kernel.spawn(f"{self.life.name}/task", self.life, lambda: self._work(work, message))
        return True

    def _work(self, work: Callable[[Any], None], message: Message) -> None:
        try:
            work(message)
        except Violation:
            raise
        except Exception as error:
            raise Violation("our own code does not fail", repr(error)) from error
        finally:
            self.busy -= 1

    def _chunk(self, message: ChunkMessage) -> None:
        errand = Errand(message.provider, self.life.name)
        self._kernel.current.errand = errand
        try:
            self.engine.work(message.provider, Wake(message.wake), message.slot)
        except Exception as error:
            if not _is_ordinary(error):
                raise
            self._kernel.say("chunk failed", type(error).__name__)
            return
        finally:
            # The engine may have gone on to a second chunk with one suspect alone.
            last = self._kernel.current.errand
            last.running = errand.running = False
        for each in (errand, last):
            if not each.fed and each.failed_in_a_row:
                raise Violation("a sick provider is left alone", f"the breaker was not fed: {each}")

    def _intake(self, message: TaskMessage) -> None:
        acknowledged = False
        try:
            TAKERS[message.task](
                self.runtime, Taken(message.id, message.task.value, (), message.arguments)
            )
            self._world.taken.add(message.id)
            acknowledged = True
        except Exception as error:
            if not _is_ordinary(error):
                raise
            self._kernel.say("message comes again", message, type(error).__name__)
            pause = _PATIENCE[min(message.tried, len(_PATIENCE) - 1)]
            again = TaskMessage(message.id, message.task, message.arguments, message.tried + 1)
            self._world.broker.again(again, pause)
            acknowledged = True
        finally:
            if not acknowledged:
                self._world.broker.again(message, self._world.plan.visibility)

    # What the doubles ask of a process

    def effect(self, spot: str) -> None:
        """Let other tasks run. The process may die here, or stand still for a while."""
        kernel, world = self._kernel, self._world
        chance = kernel.random
        kernel.sleep(_TAKES[int(chance.random() * len(_TAKES))])
        if not world.rough:
            return
        plan, drawn = world.plan, chance.random()
        often = bool(plan.crash_often) and plan.crash_often in spot
        if drawn < plan.crash * (8 if often else 0.5) and world.may_crash():
            kernel.say("dies at", spot)
            world.bury(self)
            raise Killed
        if drawn > 1 - plan.freeze:
            lasting = chance.uniform(0.2, 3) * plan.silence
            kernel.say("stands still at", spot, f"for {lasting:.3f}")
            world.disturb(lasting)
            self.life.frozen_until = kernel.time + round(lasting * 1e6)
            kernel.sleep(0)

    def between(self, spot: str) -> bool:
        """Let other tasks run between two statements, if so drawn. The process may die."""
        plan = self._world.plan
        hands_on = plan.interleaved > 0 and self._kernel.random.random() < plan.interleaved
        if hands_on:
            self.effect(spot)
        return hands_on

    def fails(self) -> bool:
        """Return whether the next statement fails."""
        world = self._world
        happens = (
            world.rough
            and world.plan.failing > 0
            and self._kernel.random.random() < world.plan.failing
        )
        if happens:
            world.disturb()
        return happens

    def hangs(self) -> float | None:
        """Return for how many seconds a call hangs, if it does: at most once in a process."""
        world, chance = self._world, self._kernel.random
        plan = world.plan
        if self._hung or not world.rough or not plan.hangs or chance.random() > plan.hangs:
            return None
        self._hung = True
        world.disturb()
        if chance.random() < 0.4:
            return inf
        lasting = world.longest_wait + chance.uniform(1, 60)
        world.returns_at = max(world.returns_at, self._kernel.seconds + lasting)
        return lasting

    def monotonic(self) -> float:
        """Return the host's clock, which runs a little fast or slow."""
        return self._booted + self._kernel.seconds * self._drift

    def mishap(self) -> bool:
        """Return whether a commit is not confirmed."""
        world = self._world
        happens = world.rough and self._kernel.random.random() < world.plan.unconfirmed
        if happens:
            world.disturb()
        return happens

    def poisoned(self, reference: str) -> None:
        """Die if the operation is one that kills its process."""
        if self._world.poisons(reference):
            self._kernel.say("dies of", reference)
            self._world.bury(self)
            raise Killed

    def _unpublished(self) -> bool:
        world = self._world
        return world.rough and self._kernel.random.random() < world.plan.unpublished


def _is_ordinary(error: Exception) -> bool:
    """Return whether tasks/base.py expects this error: it logs it and repeats the message."""
    return isinstance(error, UpridError) or is_drawn(error)


class _ReachedStream:
    """A process's connection to the stream."""

    def __init__(self, world: "World", effect: Callable[[str], None]) -> None:
        self._world = world
        self._effect = effect
        self.name = world.stream.name

    def append(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - what the stream says
        self._effect("append")
        appended = self._world.stream.append(*args, **kwargs)
        if appended.ids or appended.verdict != "ok":
            self._world.kernel.say("appended", len(appended.ids), appended.verdict)
        self._effect("appended")
        return appended

    def trim(self, *args: Any) -> Any:  # noqa: ANN401
        self._effect("trim")
        return self._world.stream.trim(*args)
