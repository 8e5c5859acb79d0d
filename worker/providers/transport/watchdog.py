"""The bound on the whole time of a call.

A socket's timeout bounds one read: a server that drips a byte a second holds a thread without end.
"""

import threading
import time
import weakref
from typing import Final, Protocol

#: Seconds between two looks at an overdue call that has no socket yet.
_TICK: Final = 0.05


class Guarded(Protocol):
    """What can be cut off."""

    @property
    def has_socket(self) -> bool:
        """Whether there is something to cut yet."""

    def cut(self) -> None:
        """Make every read and write on the socket end."""


class Watchdog:
    """Cuts off calls that take longer than `total` seconds. One daemon thread, started late.

    All calls have the same limit, so one that begins after a look is due no earlier than `total`
    after that look: the thread sleeps until the nearest deadline it saw and never has to be woken,
    and to register a call is one assignment to a dict.
    Dict operations are atomic: who takes an entry out decides (the call by ending, the thread by
    cutting), so a connection that is already another call's is never cut.
    """

    def __init__(self, total: float) -> None:
        self._total = total
        self._deadlines: dict[Guarded, float] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        weakref.finalize(self, self._stopped.set)

    def guard(self, call: Guarded) -> None:
        """Start a call's time, unless it runs already."""
        self._deadlines.setdefault(call, time.monotonic() + self._total)

    def release(self, call: Guarded) -> bool:
        """End a call's time; False: it is not guarded, or was cut off."""
        return self._deadlines.pop(call, None) is not None

    def is_overdue(self, call: Guarded) -> bool:
        """Return whether a guarded call has used up its time."""
        deadline = self._deadlines.get(call)
        return deadline is None or time.monotonic() >= deadline

    def start(self) -> None:
        """See that the thread runs: in a forked child the parent's does not."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                # The thread must not hold the watchdog, or its finalizer would never come.
                self._thread = threading.Thread(
                    target=_watch,
                    args=(self._deadlines, self._stopped, self._total),
                    name="call-watchdog",
                    daemon=True,
                )
                self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()


def _watch(deadlines: dict[Guarded, float], stopped: threading.Event, total: float) -> None:
    wait = total
    while not stopped.wait(wait):
        wait = _cut_overdue(deadlines, total)


def _cut_overdue(deadlines: dict[Guarded, float], total: float) -> float:
    """Cut what is overdue; return the seconds until the next look."""
    now = time.monotonic()
    nearest = now + total
    for call, deadline in deadlines.copy().items():
        if deadline > now:
            nearest = min(nearest, deadline)
        elif not call.has_socket:
            nearest = min(nearest, now + _TICK)
        elif deadlines.pop(call, None) is not None:
            call.cut()
    return max(nearest - time.monotonic(), 0.001)
