"""The kernel: one virtual clock, one source of chance, and tasks that take turns at their effects.

A task is a greenlet: the real code, unmodified, that hands the turn on wherever it has an effect.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Final, Self

from greenlet import getcurrent, greenlet

from tests.harnesses.simulation.trace import Trace

#: When every simulation begins.
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The process has died: nothing of it may have an effect any more."""


class Life:
    """What a task belongs to: it stands still with it, and dies with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        #: Nothing of it goes on before this moment. Microseconds.
        self.frozen_until = 0
        #: How far its host's wall clock is off. Seconds.
        self.off = 0.0


@dataclass(eq=False)
class Task:
    """A line of execution."""

    name: str
    life: Life
    run: greenlet = field(repr=False)
    #: Counts its turns: an entry of the queue that is not of the present one is void.
    turn: int = 0
    #: What it works on; handed on to the tasks that it starts.
    errand: object | None = None
    #: Whose transaction it has open: only the database may hand its turn on within one.
    within: str | None = None


class Kernel:
    """Runs whatever comes next, and makes it then."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.trace = Trace()
        #: Microseconds since the beginning.
        self.time = 0
        #: How often what happened: which faults a seed has seen.
        self.seen: Counter[str] = Counter()
        self.world = Life("world")
        self.tasks: list[Task] = []
        self._queue: list[tuple[int, int, Task | Callable[[], None], int]] = []
        self._count = 0
        self._current: Task | None = None
        self._hub = getcurrent()

    @property
    def now(self) -> datetime:
        """The true time."""
        return BEGIN + timedelta(microseconds=self.time)

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self.time / 1e6

    @property
    def current(self) -> Task:
        """The task whose turn it is."""
        assert self._current is not None, "no task's turn"
        return self._current

    @property
    def current_or_none(self) -> Task | None:
        """The task whose turn it is, if any."""
        return self._current

    def say(self, *words: object) -> None:
        """Write a line into the trace."""
        who = "-" if self._current is None else self._current.name
        self.trace.add(self.time, who, words)

    def happened(self, what: str) -> None:
        """Count something, and write it into the trace."""
        self.seen[what] += 1
        self.say(what)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in so many seconds; it may start tasks, and must not wait."""
        self._push(self.time + _micro(seconds), action, 0)

    def spawn(self, name: str, life: Life, work: Callable[[], object], after: float = 0.0) -> Task:
        """Start a task."""

        def run() -> None:
            try:
                work()
            except Killed:
                return
            finally:
                self.tasks.remove(task)

        # When it ends, the turn goes to the hub, whoever started it.
        task = Task(name, life, greenlet(run, self._hub))
        task.errand = None if self._current is None else self._current.errand
        self.tasks.append(task)
        self._push(self.time + _micro(after), task, task.turn)
        return task

    def sleep(self, seconds: float) -> None:
        """Let time pass in the current task."""
        task = self.current
        task.turn += 1
        self._push(self.time + _micro(seconds), task, task.turn)
        self._hand_on(task)

    def park(self, seconds: float | None) -> None:
        """Have the current task wait until it is woken, so many seconds at most."""
        task = self.current
        task.turn += 1
        if seconds is not None:
            self._push(self.time + _micro(seconds), task, task.turn)
        self._hand_on(task)

    def unpark(self, task: Task) -> None:
        """Wake a task."""
        if not task.run.dead:
            task.turn += 1
            self._push(self.time, task, task.turn)

    def kill(self, life: Life) -> None:
        """Have a life end, with all its tasks but the current one, which is to raise `Killed`."""
        life.alive = False
        self.at(0, lambda: self._reap(life))

    def run(self, until: float, done: Callable[[], bool]) -> None:
        """Run until a time, or until nothing is left to be done."""
        end = _micro(until)
        while self._queue:
            at, _, what, turn = self._queue[0]
            if at > end:
                break
            heapq.heappop(self._queue)
            if isinstance(what, Task):
                if what.turn != turn or what.run.dead:
                    continue
                if what.life.frozen_until > at:
                    self._push(what.life.frozen_until, what, turn)
                    continue
                self.time = at
                self._switch(what)
            else:
                self.time = at
                what()
            if done():
                return
        self.time = max(self.time, end)

    def close(self) -> None:
        """End every task that is left."""
        self._queue.clear()
        for task in list(self.tasks):
            task.life.alive = False
            self._throw(task)

    def _switch(self, task: Task) -> None:
        self._current = task
        try:
            task.run.switch()
        finally:
            self._current = None

    def _throw(self, task: Task) -> None:
        before, self._current = self._current, task
        try:
            if task.run:
                task.run.throw(Killed)
            elif not task.run.dead:
                # Never begun: nothing to unwind.
                task.turn += 1
                self.tasks.remove(task)
        finally:
            self._current = before

    def _reap(self, life: Life) -> None:
        for task in [each for each in self.tasks if each.life is life]:
            self._throw(task)

    def _hand_on(self, task: Task) -> None:
        assert task.within is None, f"{task.name} waits within a transaction: {task.within}"
        self._check(task)
        self._hub.switch()
        self._check(task)

    def _check(self, task: Task) -> None:
        if not task.life.alive:
            raise Killed

    def _push(self, at: int, what: Task | Callable[[], None], turn: int) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, what, turn))


class Event:
    """A `threading.Event` whose waiting is the kernel's."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._flag = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._flag

    def set(self) -> None:
        self._flag = True
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._kernel.unpark(task)

    def clear(self) -> None:
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._flag:
            task = self._kernel.current
            self._waiting.append(task)
            self._kernel.park(timeout)
            if task in self._waiting:
                self._waiting.remove(task)
        return self._flag


class Lock:
    """A `threading.Lock` whose waiting is the kernel's."""

    def __init__(self, kernel: Kernel) -> None:
        self._free = Event(kernel)
        self._free.set()

    def __enter__(self) -> Self:
        while not self._free.is_set():
            self._free.wait()
        self._free.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._free.set()


def _micro(seconds: float) -> int:
    return round(seconds * 1e6)
