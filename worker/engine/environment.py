"""The engine's environment: its clock, its random numbers, its threads."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

Futures = set[Future[None]]


def _threads(count: int, name: str) -> Executor:
    return ThreadPoolExecutor(count, name)


def _wait(calls: Futures, timeout: float | None) -> tuple[Futures, Futures]:
    done, left = wait(calls, timeout)
    return done, left


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine. A simulation passes another one, with its own time and random numbers."""

    #: Seconds that only go forward.
    monotonic: Callable[[], float] = time.monotonic
    #: A random number in [0, 1): the jitter's.
    draw: Callable[[], float] = random.SystemRandom().random
    #: Makes so many threads, under a name.
    threads: Callable[[int, str], Executor] = _threads
    #: Waits for calls, so many seconds at most: those that ended, and those that have not.
    wait: Callable[[Futures, float | None], tuple[Futures, Futures]] = _wait


#: The machine itself.
REAL: Final = Environment()
