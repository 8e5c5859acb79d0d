"""What processes cost: CPU seconds and memory, read from the system."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes. USS is what would be freed if the processes ended."""

    rss: float
    uss: float


def cpu(pids: Iterable[int]) -> float:
    """Return the CPU seconds of these processes and all their descendants, ended ones too."""
    total = 0.0
    for process in _trees(pids):
        # Between the listing and the reading one may end: its parent has its time then.
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            # What has ended and been waited for; not known on every system.
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def memory(pids: Iterable[int]) -> Memory:
    """Return what these processes and their descendants hold together."""
    rss = uss = 0
    for process in _trees(pids):
        with suppress(psutil.NoSuchProcess):
            held = process.memory_full_info()
            rss, uss = rss + held.rss, uss + held.uss
    return Memory(rss / _MEGABYTE, uss / _MEGABYTE)


def _trees(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            yield from (root, *root.children(recursive=True))
