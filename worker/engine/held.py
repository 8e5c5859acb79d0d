"""What a process holds: the lease ids of its chunks, each for a limited time."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: Chunks that ended by a mistake of ours and are remembered, until their leases are free.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Left:
    """Lease ids under which a process owns leases although it works on none of them."""

    #: Given up for a reason outside their operations: as if they had never been claimed.
    given_up: list[str]
    #: One of their operations may have ended or hung the chunk: their claims go on counting.
    suspected: list[str]


class Held:
    """The lease ids that a process is working on. For any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: How long each may be held without any progress, and since when.
        self._working: dict[str, tuple[float, float]] = {}
        self._suspected: deque[str] = deque(maxlen=_REMEMBERED)

    def hold(self, lease_id: str, seconds: float) -> None:
        """Begin to work under a lease id. Before its claim, or a beat would free it again."""
        with self._lock:
            self._working[lease_id] = (seconds, self._monotonic())

    def renew(self, lease_id: str) -> None:
        """Say that there is progress under a lease id; one that was given up stays given up."""
        with self._lock:
            if lease_id in self._working:
                self._working[lease_id] = (self._working[lease_id][0], self._monotonic())

    def release(self, lease_id: str, *, suspected: bool) -> None:
        """Work no more under a lease id."""
        with self._lock:
            self._working.pop(lease_id, None)
            if suspected:
                self._suspected.append(lease_id)

    def holds(self, lease_id: str) -> bool:
        """Return whether a lease id is worked on."""
        with self._lock:
            return lease_id in self._working

    def left(self, found: Iterable[str]) -> Left:
        """Return which of the lease ids, just found in the database, must be freed.

        One that is worked on is held before it can be found, and never again once it was let go:
        what is found and not held is left over, however late its commit was seen.
        """
        with self._lock:
            self._outlive()
            left = sorted(set(found) - self._working.keys())
            suspected = [lease_id for lease_id in left if lease_id in self._suspected]
        return Left([lease_id for lease_id in left if lease_id not in suspected], suspected)

    def _outlive(self) -> None:
        now = self._monotonic()
        for lease_id, (seconds, since) in list(self._working.items()):
            if now - since > seconds:
                del self._working[lease_id]
                self._suspected.append(lease_id)
                log.error("chunk_hangs", token=lease_id, after=seconds)
