"""What a process holds: the tokens of the chunks that it is working on, each for a limited time."""

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
    """Tokens under which a process owns leases although it works on none of them."""

    #: Given up for a reason that is not their operations': as if they had never been claimed.
    given_up: list[str]
    #: Their operations may be what the chunk ended or hung by: their claims go on counting.
    suspected: list[str]


class Held:
    """The tokens that a process is working on. For any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: How long each may be held without any progress, and since when.
        self._working: dict[str, tuple[float, float]] = {}
        self._suspected: deque[str] = deque(maxlen=_REMEMBERED)

    def hold(self, token: str, seconds: float) -> None:
        """Begin to work under a token. Before its claim, or a beat would free it again."""
        with self._lock:
            self._working[token] = (seconds, self._monotonic())

    def renew(self, token: str) -> None:
        """Say that there is progress under a token; one that was given up stays given up."""
        with self._lock:
            if token in self._working:
                self._working[token] = (self._working[token][0], self._monotonic())

    def release(self, token: str, *, suspected: bool) -> None:
        """Work no more under a token."""
        with self._lock:
            self._working.pop(token, None)
            if suspected:
                self._suspected.append(token)

    def holds(self, token: str) -> bool:
        """Tell whether a token is worked on."""
        with self._lock:
            return token in self._working

    def left(self, found: Iterable[str]) -> Left:
        """Return which of the tokens, just found in the database, must be freed.

        One that is worked on is held before it can be found, and never again once it was let go:
        what is found and not held is left over, however late its commit was seen.
        """
        with self._lock:
            self._outlive()
            left = sorted(set(found) - self._working.keys())
            suspected = [token for token in left if token in self._suspected]
        return Left([token for token in left if token not in suspected], suspected)

    def _outlive(self) -> None:
        now = self._monotonic()
        for token, (seconds, since) in list(self._working.items()):
            if now - since > seconds:
                del self._working[token]
                self._suspected.append(token)
                log.error("chunk_hangs", token=token, after=seconds)
