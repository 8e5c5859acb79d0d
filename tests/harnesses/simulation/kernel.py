"""The kernel: one virtual clock, one source of randomness, and tasks that take turns.

A task is a greenlet with the real code, unmodified. At every effect of it another task may run.
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

#: The time at which every simulation begins.
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The process has died: nothing that it still does may have an effect."""


class Life:
    """The process that a task belongs to. Its tasks stand still and die with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        #: The time before which none of its tasks runs. Microseconds.
        self.frozen_until = 0
        #: Seconds by which its host's wall clock is off.
        self.off = 0.0


@dataclass(eq=False)
class Task:
    """One thread of execution."""

    name: str
    life: Life
    run: greenlet = field(repr=False)
    #: The number of its turns. Entries of the queue for earlier turns are void.
    turn: int = 0
    #: Its errand. Tasks that it starts inherit it.
    errand: object | None = None
    #: The spot of its open transaction. Within one, only the database may let other tasks run.
    within: str | None = None


class Kernel:
    """Runs the next task or action, and sets the clock to its time."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.trace = Trace()
        #: Microseconds since the start.
        self.time = 0
        #: How often each kind of event happened in this seed.
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
        """Seconds since the start."""
        return self.time / 1e6

    @property
    def current(self) -> Task:
        """The task that runs."""
        assert self._current is not None, "no task's turn"
        return self._current

    @property
    def current_or_none(self) -> Task | None:
        """The task that runs, if any."""
        return self._current

    def say(self, *words: object) -> None:
        """Write a line into the trace."""
        who = "-" if self._current is None else self._current.name
        self.trace.add(self.time, who, words)

    def happened(self, what: str) -> None:
        """Count an event and write it into the trace."""
        self.seen[what] += 1
        self.say(what)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in this many seconds. The action may start tasks and must not wait."""
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

        # At its end the hub continues, not the task that started it.
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
        """Let the current task wait until it is woken, for at most this many seconds."""
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
        """End a process with all its tasks except the current one, which must raise `Killed`."""
        life.alive = False
        self.at(0, lambda: self._reap(life))

    def run(self, until: float, done: Callable[[], bool]) -> None:
        """Run until a time, or until `done` says so."""
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
                # The task never began: there is nothing to unwind.
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
    """A `threading.Event` that waits in the kernel's time."""

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
    """A `threading.Lock` that waits in the kernel's time."""

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
