"""A provider's share of a process: a hung one never fills the pool that all have in common."""

import threading


class Share:
    """How many chunks of one provider this process works on at a time.

    A chunk whose last calls are only waited for takes a side place, and another is begun in its
    stead: a call that hangs holds up no more than its own thread.
    """

    def __init__(self, places: int, side_places: int) -> None:
        self._places = places
        self._room = places + side_places
        self._working = 0
        self._inside = 0
        self._turned_away = False
        self._lock = threading.Lock()

    def enter(self) -> "Place | None":
        """Take a place; None where all are taken."""
        with self._lock:
            if not self._has_room():
                self._turned_away = True
                return None
            self._working += 1
            self._inside += 1
            return Place(self)

    def vacated(self, *, working: bool, inside: bool) -> bool:
        """Give up a place; tell whether a chunk was turned away that would find room now."""
        with self._lock:
            self._working -= working
            self._inside -= inside
            if not (self._turned_away and self._has_room()):
                return False
            self._turned_away = False
            return True

    def _has_room(self) -> bool:
        return self._working < self._places and self._inside < self._room


class Place:
    """A chunk's place in a share. For one thread."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._working = True

    def step_aside(self) -> bool:
        """Let another chunk be begun; tell whether one was turned away meanwhile."""
        was_working, self._working = self._working, False
        return was_working and self._share.vacated(working=True, inside=False)

    def leave(self) -> bool:
        """Give the place up; tell whether a chunk was turned away meanwhile."""
        return self._share.vacated(working=self._working, inside=True)
