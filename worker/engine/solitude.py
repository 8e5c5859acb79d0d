"""Solitude: one operation that a process works on while it works on nothing else.

An operation is called poison only where its process died while working on nothing else: otherwise
another operation may have killed the process.
"""

import threading
from collections.abc import Callable
from typing import Final

from worker.engine.halt import Halt, HaltCheck

#: Of a process's time, how much may be spent alone: a tenth. The others' work must go on.
_REST: Final = 9


class Solitude:
    """The chunks at work in a process, and whether one wants to be alone. For any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._inside = 0
        #: Since when a chunk is alone, or waits to be, and until when; None: there is none.
        self._sought: tuple[float, float] | None = None
        #: Before this no chunk may be alone again.
        self._rests_until = float("-inf")

    def enter(self) -> bool:
        """Begin to work beside others; False where a chunk is alone, or about to be."""
        with self._lock:
            if self._is_sought():
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """End what `enter` began."""
        with self._lock:
            self._inside -= 1

    def seek(self, lasting: float) -> bool:
        """Let no other work begin, for so many seconds at most.

        Not to be called inside `enter`. False where another chunk seeks it, or just had it.
        """
        now = self._monotonic()
        with self._lock:
            if self._is_sought() or now < self._rests_until:
                return False
            self._sought = (now, now + lasting)
            return True

    def end(self) -> None:
        """Let the others work again."""
        now = self._monotonic()
        with self._lock:
            if self._sought is not None:
                self._rests_until = now + _REST * (now - self._sought[0])
            self._sought = None

    @property
    def is_sought(self) -> bool:
        """Whether running chunks should end early, for a chunk that must be alone."""
        with self._lock:
            return self._is_sought()

    @property
    def is_alone(self) -> bool:
        """Whether the chunk that seeks to be alone is alone by now."""
        with self._lock:
            return self._is_sought() and self._inside == 0

    def _is_sought(self) -> bool:
        return self._sought is not None and self._monotonic() < self._sought[1]


class BesideOthers:
    """Whether a chunk may go on that is not the only one of its process."""

    def __init__(self, incarnation: HaltCheck, solitude: Solitude) -> None:
        self._incarnation = incarnation
        self._solitude = solitude

    def halted(self, taken_at: float, lease_id: str | None = None) -> Halt | None:
        """Return why it must stop, or None."""
        if self._solitude.is_sought:
            return Halt.ANOTHER_ALONE
        return self._incarnation.halted(taken_at, lease_id)
