"""A provider's share of a process: a hung one never fills the pool that all have in common."""

import threading


class Share:
    """How many chunks of one provider this process works on at a time."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside = 0
        self._turned_away = False
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Take a place; False where all are taken."""
        with self._lock:
            if self._inside >= self._places:
                self._turned_away = True
                return False
            self._inside += 1
            return True

    def leave(self) -> bool:
        """Give up the place; tell whether somebody was turned away meanwhile."""
        with self._lock:
            self._inside -= 1
            turned_away, self._turned_away = self._turned_away, False
            return turned_away
