"""Servers that are there and answer nothing, as after a pause of their machine."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def frozen(*leaders: int) -> Iterator[None]:
    """Stop processes and all below them for the time of a `with` block."""
    family = [psutil.Process(pid) for pid in leaders]
    for leader in tuple(family):
        # First: it makes no more of those that are stopped after it.
        leader.send_signal(signal.SIGSTOP)
        family += leader.children(recursive=True)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
