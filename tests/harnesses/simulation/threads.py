"""Threads that are tasks of the kernel: the engine's environment in the simulation."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from tests.harnesses.simulation.kernel import Event, Kernel, Life
from worker.engine.environment import Environment, Futures


class Threads(Executor):
    """A limited number of threads of one process."""

    def __init__(self, kernel: Kernel, life: Life, count: int, ended: Event) -> None:
        self._kernel = kernel
        self._life = life
        self._free = count
        self._ended = ended
        self._waiting: deque[Callable[[], None]] = deque()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread."""
        future: Future[Any] = Future()
        errand = self._kernel.current.errand

        def run() -> None:
            self._kernel.current.errand = errand
            try:
                future.set_result(work(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - the future's to tell
                future.set_exception(error)
            self._ended.set()
            self._free += 1
            self._next()

        self._waiting.append(run)
        self._next()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT002
        """Do nothing: the threads end with their process."""
        del wait, cancel_futures

    def _next(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            self._kernel.spawn(f"{self._life.name}/call", self._life, self._waiting.popleft())


def environment(kernel: Kernel, life: Life, monotonic: Callable[[], float]) -> Environment:
    """Return the environment of one process."""
    ended = Event(kernel)

    def wait(calls: Futures, timeout: float | None) -> tuple[Futures, Futures]:
        until = None if timeout is None else kernel.seconds + timeout
        while not all(call.done() for call in calls):
            left = None if until is None else until - kernel.seconds
            if left is not None and left <= 1e-6:
                break
            ended.clear()
            ended.wait(left)
        done = {call for call in calls if call.done()}
        return done, calls - done

    return Environment(
        monotonic=monotonic,
        draw=kernel.random.random,
        threads=lambda count, _: Threads(kernel, life, count, ended),
        wait=wait,
    )
