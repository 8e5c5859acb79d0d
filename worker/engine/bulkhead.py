"""A provider's bulkhead in a process: a provider that hangs never fills the common pool."""

import threading


class Bulkhead:
    """How many chunks of one provider this process works on at a time.

    A chunk that only waits for its last calls is counted apart, and another one is begun: a call
    that hangs blocks no more than its own thread.
    """

    def __init__(self, max_chunks: int, max_ending_chunks: int) -> None:
        self._max_chunks = max_chunks
        self._room = max_chunks + max_ending_chunks
        self._working = 0
        self._inside = 0
        self._turned_away = False
        self._lock = threading.Lock()

    def enter(self) -> "Permit | None":
        """Return a permit for one chunk; None where all are given."""
        with self._lock:
            if not self._has_room():
                self._turned_away = True
                return None
            self._working += 1
            self._inside += 1
            return Permit(self)

    def vacated(self, *, working: bool, inside: bool) -> bool:
        """Give up a permit; return whether a chunk was turned away that would find room now."""
        with self._lock:
            self._working -= working
            self._inside -= inside
            if not (self._turned_away and self._has_room()):
                return False
            self._turned_away = False
            return True

    def _has_room(self) -> bool:
        return self._working < self._max_chunks and self._inside < self._room


class Permit:
    """A chunk's permit to work. For one thread."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self._working = True

    def step_aside(self) -> bool:
        """Let another chunk be begun; return whether one was turned away meanwhile."""
        was_working, self._working = self._working, False
        return was_working and self._bulkhead.vacated(working=True, inside=False)

    def leave(self) -> bool:
        """Give the permit up; return whether a chunk was turned away meanwhile."""
        return self._bulkhead.vacated(working=self._working, inside=True)
